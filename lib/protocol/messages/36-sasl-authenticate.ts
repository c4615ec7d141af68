/** One step of a SASL exchange, after SaslHandshake version 1. */
import { api, bytes, int16, int64, type Message, message, nullableString, since } from '../kernel/index.ts'

export const SaslAuthenticateRequest = message({
  api: 36,
  versions: [0, 2],
  flexible: 2,
  fields: { authBytes: bytes },
})
export type SaslAuthenticateRequest = Message<typeof SaslAuthenticateRequest>

export const SaslAuthenticateResponse = message({
  api: 36,
  versions: [0, 2],
  flexible: 2,
  fields: { errorCode: int16, errorMessage: nullableString, authBytes: bytes, sessionLifetimeMs: since(1, int64, 0) },
})
export type SaslAuthenticateResponse = Message<typeof SaslAuthenticateResponse>

export const SaslAuthenticate = api({
  name: 'SaslAuthenticate',
  request: SaslAuthenticateRequest,
  response: SaslAuthenticateResponse,
})
