export { createHttpApp, type HttpOptions } from './app.ts'
export type { HttpAccess } from './guard.ts'
export { defaultHttpLimits, type HttpLimits } from './limits.ts'
export { problemOf, problemResponse } from './problems.ts'
