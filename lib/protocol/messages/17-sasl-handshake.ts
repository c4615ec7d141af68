/** Which SASL mechanism a connection will use. */
import { api, array, int16, type Message, message, string } from '../kernel/index.ts'

export const SaslHandshakeRequest = message({
  api: 17,
  versions: [0, 1],
  fields: { mechanism: string },
})
export type SaslHandshakeRequest = Message<typeof SaslHandshakeRequest>

export const SaslHandshakeResponse = message({
  api: 17,
  versions: [0, 1],
  fields: { errorCode: int16, mechanisms: array(string) },
})
export type SaslHandshakeResponse = Message<typeof SaslHandshakeResponse>

export const SaslHandshake = api({
  name: 'SaslHandshake',
  request: SaslHandshakeRequest,
  response: SaslHandshakeResponse,
})
