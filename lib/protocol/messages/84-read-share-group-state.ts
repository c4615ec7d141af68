/** Between brokers: reads the state of share partitions (KIP-932). */
import {
  api,
  array,
  int8,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableString,
  string,
  uuid,
} from '../kernel/index.ts'

export const ReadShareGroupStateRequest = message({
  api: 84,
  versions: [0, 0],
  flexible: 0,
  fields: {
    groupId: string,
    topics: array({ topicId: uuid, partitions: array({ partition: int32, leaderEpoch: int32 }) }),
  },
})
export type ReadShareGroupStateRequest = Message<typeof ReadShareGroupStateRequest>

export const ReadShareGroupStateResponse = message({
  api: 84,
  versions: [0, 0],
  flexible: 0,
  fields: {
    results: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        errorCode: int16,
        errorMessage: nullableString,
        stateEpoch: int32,
        startOffset: int64,
        stateBatches: array({ firstOffset: int64, lastOffset: int64, deliveryState: int8, deliveryCount: int16 }),
      }),
    }),
  },
})
export type ReadShareGroupStateResponse = Message<typeof ReadShareGroupStateResponse>

export const ReadShareGroupState = api({
  name: 'ReadShareGroupState',
  request: ReadShareGroupStateRequest,
  response: ReadShareGroupStateResponse,
})
