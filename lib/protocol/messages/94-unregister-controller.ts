/** Takes a stopped controller off the cluster's list. */
import { api, int16, int32, type Message, message, nullableString } from '../kernel/index.ts'

export const UnregisterControllerRequest = message({
  api: 94,
  versions: [0, 0],
  flexible: 0,
  fields: { controllerId: int32 },
})
export type UnregisterControllerRequest = Message<typeof UnregisterControllerRequest>

export const UnregisterControllerResponse = message({
  api: 94,
  versions: [0, 0],
  flexible: 0,
  fields: { throttleTimeMs: int32, errorCode: int16, errorMessage: nullableString },
})
export type UnregisterControllerResponse = Message<typeof UnregisterControllerResponse>

export const UnregisterController = api({
  name: 'UnregisterController',
  request: UnregisterControllerRequest,
  response: UnregisterControllerResponse,
})
