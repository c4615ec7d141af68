export { type Held, Leases, type LeasesOptions } from './leases.ts'
