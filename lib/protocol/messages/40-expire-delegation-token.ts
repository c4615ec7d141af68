/** Sets when a delegation token ends. */
import { api, bytes, int16, int32, int64, type Message, message } from '../kernel/index.ts'

export const ExpireDelegationTokenRequest = message({
  api: 40,
  versions: [1, 2],
  flexible: 2,
  fields: { hmac: bytes, expiryTimePeriodMs: int64 },
})
export type ExpireDelegationTokenRequest = Message<typeof ExpireDelegationTokenRequest>

export const ExpireDelegationTokenResponse = message({
  api: 40,
  versions: [1, 2],
  flexible: 2,
  fields: { errorCode: int16, expiryTimestampMs: int64, throttleTimeMs: int32 },
})
export type ExpireDelegationTokenResponse = Message<typeof ExpireDelegationTokenResponse>

export const ExpireDelegationToken = api({
  name: 'ExpireDelegationToken',
  request: ExpireDelegationTokenRequest,
  response: ExpireDelegationTokenResponse,
})
