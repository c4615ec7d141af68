export { type Held, Leases, type LeasesOptions, type Renewed } from './leases.ts'
