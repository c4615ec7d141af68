/** Between brokers: the state of share partitions ends (KIP-932). */
import { api, array, int16, int32, type Message, message, nullableString, string, uuid } from '../kernel/index.ts'

export const DeleteShareGroupStateRequest = message({
  api: 86,
  versions: [0, 0],
  flexible: 0,
  fields: { groupId: string, topics: array({ topicId: uuid, partitions: array({ partition: int32 }) }) },
})
export type DeleteShareGroupStateRequest = Message<typeof DeleteShareGroupStateRequest>

export const DeleteShareGroupStateResponse = message({
  api: 86,
  versions: [0, 0],
  flexible: 0,
  fields: {
    results: array({
      topicId: uuid,
      partitions: array({ partition: int32, errorCode: int16, errorMessage: nullableString }),
    }),
  },
})
export type DeleteShareGroupStateResponse = Message<typeof DeleteShareGroupStateResponse>

export const DeleteShareGroupState = api({
  name: 'DeleteShareGroupState',
  request: DeleteShareGroupStateRequest,
  response: DeleteShareGroupStateResponse,
})
