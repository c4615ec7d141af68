/** Takes a stopped broker off the cluster's list. */
import { api, int16, int32, type Message, message, nullableString } from '../kernel/index.ts'

export const UnregisterBrokerRequest = message({
  api: 64,
  versions: [0, 0],
  flexible: 0,
  fields: { brokerId: int32 },
})
export type UnregisterBrokerRequest = Message<typeof UnregisterBrokerRequest>

export const UnregisterBrokerResponse = message({
  api: 64,
  versions: [0, 0],
  flexible: 0,
  fields: { throttleTimeMs: int32, errorCode: int16, errorMessage: nullableString },
})
export type UnregisterBrokerResponse = Message<typeof UnregisterBrokerResponse>

export const UnregisterBroker = api({
  name: 'UnregisterBroker',
  request: UnregisterBrokerRequest,
  response: UnregisterBrokerResponse,
})
