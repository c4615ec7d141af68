export { type Delivery, IngestError, type SourceRecord } from './contract.ts'
export { readDelivery } from './events.ts'
export { Ingest, type IngestOptions } from './ingest.ts'
export { forgetClaimsJob, forgetOldClaims } from './upkeep.ts'
