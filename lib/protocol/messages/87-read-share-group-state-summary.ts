/** Between brokers: reads where share partitions stand (KIP-932). */
import {
  api,
  array,
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

export const ReadShareGroupStateSummaryRequest = message({
  api: 87,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groupId: string,
    topics: array({ topicId: uuid, partitions: array({ partition: int32, leaderEpoch: int32 }) }),
  },
})
export type ReadShareGroupStateSummaryRequest = Message<typeof ReadShareGroupStateSummaryRequest>

export const ReadShareGroupStateSummaryResponse = message({
  api: 87,
  versions: [0, 1],
  flexible: 0,
  fields: {
    results: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        errorCode: int16,
        errorMessage: nullableString,
        stateEpoch: int32,
        leaderEpoch: int32,
        startOffset: int64,
        deliveryCompleteCount: since(1, int32, -1),
      }),
    }),
  },
})
export type ReadShareGroupStateSummaryResponse = Message<typeof ReadShareGroupStateSummaryResponse>

export const ReadShareGroupStateSummary = api({
  name: 'ReadShareGroupStateSummary',
  request: ReadShareGroupStateSummaryRequest,
  response: ReadShareGroupStateSummaryResponse,
})
