/** A new delegation token (KIP-48). */
import {
  api,
  array,
  bytes,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const CreateDelegationTokenRequest = message({
  api: 38,
  versions: [1, 3],
  flexible: 2,
  fields: {
    ownerPrincipalType: since(3, nullableString, ''),
    ownerPrincipalName: since(3, nullableString, ''),
    renewers: array({ principalType: string, principalName: string }),
    maxLifetimeMs: int64,
  },
})
export type CreateDelegationTokenRequest = Message<typeof CreateDelegationTokenRequest>

export const CreateDelegationTokenResponse = message({
  api: 38,
  versions: [1, 3],
  flexible: 2,
  fields: {
    errorCode: int16,
    principalType: string,
    principalName: string,
    tokenRequesterPrincipalType: since(3, string, ''),
    tokenRequesterPrincipalName: since(3, string, ''),
    issueTimestampMs: int64,
    expiryTimestampMs: int64,
    maxTimestampMs: int64,
    tokenId: string,
    hmac: bytes,
    throttleTimeMs: int32,
  },
})
export type CreateDelegationTokenResponse = Message<typeof CreateDelegationTokenResponse>

export const CreateDelegationToken = api({
  name: 'CreateDelegationToken',
  request: CreateDelegationTokenRequest,
  response: CreateDelegationTokenResponse,
})
