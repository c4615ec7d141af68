/** Sets where a share group's partitions start (KIP-932). */
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

export const AlterShareGroupOffsetsRequest = message({
  api: 91,
  versions: [0, 0],
  flexible: 0,
  fields: {
    groupId: string,
    topics: array({ topicName: string, partitions: array({ partitionIndex: int32, startOffset: int64 }) }),
  },
})
export type AlterShareGroupOffsetsRequest = Message<typeof AlterShareGroupOffsetsRequest>

export const AlterShareGroupOffsetsResponse = message({
  api: 91,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    responses: array({
      topicName: string,
      topicId: uuid,
      partitions: array({ partitionIndex: int32, errorCode: int16, errorMessage: nullableString }),
    }),
  },
})
export type AlterShareGroupOffsetsResponse = Message<typeof AlterShareGroupOffsetsResponse>

export const AlterShareGroupOffsets = api({
  name: 'AlterShareGroupOffsets',
  request: AlterShareGroupOffsetsRequest,
  response: AlterShareGroupOffsetsResponse,
})
