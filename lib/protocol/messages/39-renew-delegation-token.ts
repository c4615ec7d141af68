/** Makes a delegation token live longer. */
import { api, bytes, int16, int32, int64, type Message, message } from '../kernel/index.ts'

export const RenewDelegationTokenRequest = message({
  api: 39,
  versions: [1, 2],
  flexible: 2,
  fields: { hmac: bytes, renewPeriodMs: int64 },
})
export type RenewDelegationTokenRequest = Message<typeof RenewDelegationTokenRequest>

export const RenewDelegationTokenResponse = message({
  api: 39,
  versions: [1, 2],
  flexible: 2,
  fields: { errorCode: int16, expiryTimestampMs: int64, throttleTimeMs: int32 },
})
export type RenewDelegationTokenResponse = Message<typeof RenewDelegationTokenResponse>

export const RenewDelegationToken = api({
  name: 'RenewDelegationToken',
  request: RenewDelegationTokenRequest,
  response: RenewDelegationTokenResponse,
})
