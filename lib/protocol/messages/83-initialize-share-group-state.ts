/** Between brokers: the state of share partitions begins (KIP-932). */
import {
  api,
  array,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableString,
  string,
  uuid,
} from '../kernel/index.ts'

export const InitializeShareGroupStateRequest = message({
  api: 83,
  versions: [0, 0],
  flexible: 0,
  fields: {
    groupId: string,
    topics: array({ topicId: uuid, partitions: array({ partition: int32, stateEpoch: int32, startOffset: int64 }) }),
  },
})
export type InitializeShareGroupStateRequest = Message<typeof InitializeShareGroupStateRequest>

export const InitializeShareGroupStateResponse = message({
  api: 83,
  versions: [0, 0],
  flexible: 0,
  fields: {
    results: array({
      topicId: uuid,
      partitions: array({ partition: int32, errorCode: int16, errorMessage: nullableString }),
    }),
  },
})
export type InitializeShareGroupStateResponse = Message<typeof InitializeShareGroupStateResponse>

export const InitializeShareGroupState = api({
  name: 'InitializeShareGroupState',
  request: InitializeShareGroupStateRequest,
  response: InitializeShareGroupStateResponse,
})
