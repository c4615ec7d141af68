/** Which SCRAM mechanisms users have, and their iterations (KIP-554). */
import {
  api,
  array,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  string,
} from '../kernel/index.ts'

export const DescribeUserScramCredentialsRequest = message({
  api: 50,
  versions: [0, 0],
  flexible: 0,
  fields: { users: nullableArray({ name: string }) },
})
export type DescribeUserScramCredentialsRequest = Message<typeof DescribeUserScramCredentialsRequest>

export const DescribeUserScramCredentialsResponse = message({
  api: 50,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    results: array({
      user: string,
      errorCode: int16,
      errorMessage: nullableString,
      credentialInfos: array({ mechanism: int8, iterations: int32 }),
    }),
  },
})
export type DescribeUserScramCredentialsResponse = Message<typeof DescribeUserScramCredentialsResponse>

export const DescribeUserScramCredentials = api({
  name: 'DescribeUserScramCredentials',
  request: DescribeUserScramCredentialsRequest,
  response: DescribeUserScramCredentialsResponse,
})
