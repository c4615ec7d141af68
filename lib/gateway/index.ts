export type { Answer, Exchange } from './connection.ts'
export { Gateway, type GatewayOptions } from './gateway.ts'
export { defaultGatewayLimits, type GatewayLimits } from './limits.ts'
