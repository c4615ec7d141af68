/** The delegation tokens of owners. */
import {
  api,
  array,
  bytes,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableArray,
  since,
  string,
} from '../kernel/index.ts'

export const DescribeDelegationTokenRequest = message({
  api: 41,
  versions: [1, 3],
  flexible: 2,
  fields: { owners: nullableArray({ principalType: string, principalName: string }) },
})
export type DescribeDelegationTokenRequest = Message<typeof DescribeDelegationTokenRequest>

export const DescribeDelegationTokenResponse = message({
  api: 41,
  versions: [1, 3],
  flexible: 2,
  fields: {
    errorCode: int16,
    tokens: array({
      principalType: string,
      principalName: string,
      tokenRequesterPrincipalType: since(3, string, ''),
      tokenRequesterPrincipalName: since(3, string, ''),
      issueTimestamp: int64,
      expiryTimestamp: int64,
      maxTimestamp: int64,
      tokenId: string,
      hmac: bytes,
      renewers: array({ principalType: string, principalName: string }),
    }),
    throttleTimeMs: int32,
  },
})
export type DescribeDelegationTokenResponse = Message<typeof DescribeDelegationTokenResponse>

export const DescribeDelegationToken = api({
  name: 'DescribeDelegationToken',
  request: DescribeDelegationTokenRequest,
  response: DescribeDelegationTokenResponse,
})
