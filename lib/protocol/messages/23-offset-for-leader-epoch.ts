/** Where a leader epoch ends in a partition's log (KIP-320). */
import { api, array, int16, int32, int64, type Message, message, since, string } from '../kernel/index.ts'

export const OffsetForLeaderEpochRequest = message({
  api: 23,
  versions: [2, 4],
  flexible: 4,
  fields: {
    replicaId: since(3, int32, -2),
    topics: array({
      topic: string,
      partitions: array({ partition: int32, currentLeaderEpoch: int32, leaderEpoch: int32 }),
    }),
  },
})
export type OffsetForLeaderEpochRequest = Message<typeof OffsetForLeaderEpochRequest>

export const OffsetForLeaderEpochResponse = message({
  api: 23,
  versions: [2, 4],
  flexible: 4,
  fields: {
    throttleTimeMs: int32,
    topics: array({
      topic: string,
      partitions: array({ errorCode: int16, partition: int32, leaderEpoch: int32, endOffset: int64 }),
    }),
  },
})
export type OffsetForLeaderEpochResponse = Message<typeof OffsetForLeaderEpochResponse>

export const OffsetForLeaderEpoch = api({
  name: 'OffsetForLeaderEpoch',
  request: OffsetForLeaderEpochRequest,
  response: OffsetForLeaderEpochResponse,
})
