/** Where share groups' partitions start (KIP-932). */
import {
  api,
  array,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableArray,
  nullableString,
  since,
  string,
  uuid,
} from '../kernel/index.ts'

export const DescribeShareGroupOffsetsRequest = message({
  api: 90,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groups: array({ groupId: string, topics: nullableArray({ topicName: string, partitions: array(int32) }) }),
  },
})
export type DescribeShareGroupOffsetsRequest = Message<typeof DescribeShareGroupOffsetsRequest>

export const DescribeShareGroupOffsetsResponse = message({
  api: 90,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    groups: array({
      groupId: string,
      topics: array({
        topicName: string,
        topicId: uuid,
        partitions: array({
          partitionIndex: int32,
          startOffset: int64,
          leaderEpoch: int32,
          lag: since(1, int64, -1),
          errorCode: int16,
          errorMessage: nullableString,
        }),
      }),
      errorCode: int16,
      errorMessage: nullableString,
    }),
  },
})
export type DescribeShareGroupOffsetsResponse = Message<typeof DescribeShareGroupOffsetsResponse>

export const DescribeShareGroupOffsets = api({
  name: 'DescribeShareGroupOffsets',
  request: DescribeShareGroupOffsetsRequest,
  response: DescribeShareGroupOffsetsResponse,
})
