/** Between brokers: writes the state of share partitions (KIP-932). */
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
  since,
  string,
  uuid,
} from '../kernel/index.ts'

export const WriteShareGroupStateRequest = message({
  api: 85,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groupId: string,
    topics: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        stateEpoch: int32,
        leaderEpoch: int32,
        startOffset: int64,
        deliveryCompleteCount: since(1, int32, -1),
        stateBatches: array({ firstOffset: int64, lastOffset: int64, deliveryState: int8, deliveryCount: int16 }),
      }),
    }),
  },
})
export type WriteShareGroupStateRequest = Message<typeof WriteShareGroupStateRequest>

export const WriteShareGroupStateResponse = message({
  api: 85,
  versions: [0, 1],
  flexible: 0,
  fields: {
    results: array({
      topicId: uuid,
      partitions: array({ partition: int32, errorCode: int16, errorMessage: nullableString }),
    }),
  },
})
export type WriteShareGroupStateResponse = Message<typeof WriteShareGroupStateResponse>

export const WriteShareGroupState = api({
  name: 'WriteShareGroupState',
  request: WriteShareGroupStateRequest,
  response: WriteShareGroupStateResponse,
})
