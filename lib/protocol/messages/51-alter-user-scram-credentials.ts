/** Sets or deletes users' SCRAM credentials (KIP-554). */
import {
  api,
  array,
  bytes,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  string,
} from '../kernel/index.ts'

export const AlterUserScramCredentialsRequest = message({
  api: 51,
  versions: [0, 0],
  flexible: 0,
  fields: {
    deletions: array({ name: string, mechanism: int8 }),
    upsertions: array({ name: string, mechanism: int8, iterations: int32, salt: bytes, saltedPassword: bytes }),
  },
})
export type AlterUserScramCredentialsRequest = Message<typeof AlterUserScramCredentialsRequest>

export const AlterUserScramCredentialsResponse = message({
  api: 51,
  versions: [0, 0],
  flexible: 0,
  fields: { throttleTimeMs: int32, results: array({ user: string, errorCode: int16, errorMessage: nullableString }) },
})
export type AlterUserScramCredentialsResponse = Message<typeof AlterUserScramCredentialsResponse>

export const AlterUserScramCredentials = api({
  name: 'AlterUserScramCredentials',
  request: AlterUserScramCredentialsRequest,
  response: AlterUserScramCredentialsResponse,
})
