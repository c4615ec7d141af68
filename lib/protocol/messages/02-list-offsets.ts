/** The offset at a timestamp; negative timestamps name the log's end (-1), start (-2), largest timestamp (-3) and tiers. */
import {
  api,
  array,
  int8,
  int16,
  int32,
  int64,
  int64Clamped,
  type Message,
  message,
  since,
  string,
} from '../kernel/index.ts'

export const ListOffsetsRequest = message({
  api: 2,
  versions: [1, 11],
  flexible: 6,
  fields: {
    replicaId: int32,
    isolationLevel: since(2, int8, 0),
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, currentLeaderEpoch: since(4, int32, -1), timestamp: int64Clamped }),
    }),
    timeoutMs: since(10, int32, 0),
  },
})
export type ListOffsetsRequest = Message<typeof ListOffsetsRequest>

export const ListOffsetsResponse = message({
  api: 2,
  versions: [1, 11],
  flexible: 6,
  fields: {
    throttleTimeMs: since(2, int32, 0),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        timestamp: int64,
        offset: int64,
        leaderEpoch: since(4, int32, -1),
      }),
    }),
  },
})
export type ListOffsetsResponse = Message<typeof ListOffsetsResponse>

export const ListOffsets = api({ name: 'ListOffsets', request: ListOffsetsRequest, response: ListOffsetsResponse })
