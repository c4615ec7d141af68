/** A group's committed offsets, by topic name up to version 9, by topic id from 10 on. */
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
  until,
  uuid,
  zeroUuid,
} from '../kernel/index.ts'

export const OffsetCommitRequest = message({
  api: 8,
  versions: [2, 10],
  flexible: 8,
  fields: {
    groupId: string,
    generationIdOrMemberEpoch: int32,
    memberId: string,
    groupInstanceId: since(7, nullableString, null),
    retentionTimeMs: until(4, int64, -1),
    topics: array({
      name: until(9, string, ''),
      topicId: since(10, uuid, zeroUuid),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: since(6, int32, -1),
        committedMetadata: nullableString,
      }),
    }),
  },
})
export type OffsetCommitRequest = Message<typeof OffsetCommitRequest>

export const OffsetCommitResponse = message({
  api: 8,
  versions: [2, 10],
  flexible: 8,
  fields: {
    throttleTimeMs: since(3, int32, 0),
    topics: array({
      name: until(9, string, ''),
      topicId: since(10, uuid, zeroUuid),
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
})
export type OffsetCommitResponse = Message<typeof OffsetCommitResponse>

export const OffsetCommit = api({ name: 'OffsetCommit', request: OffsetCommitRequest, response: OffsetCommitResponse })
