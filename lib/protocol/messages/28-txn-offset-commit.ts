/** A group's offsets as part of a transaction. */
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

export const TxnOffsetCommitRequest = message({
  api: 28,
  versions: [0, 6],
  flexible: 3,
  fields: {
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationIdOrMemberEpoch: since(3, int32, -1),
    memberId: since(3, string, ''),
    groupInstanceId: since(3, nullableString, null),
    topics: array({
      name: until(5, string, ''),
      topicId: since(6, uuid, zeroUuid),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: since(2, int32, -1),
        committedMetadata: nullableString,
      }),
    }),
  },
})
export type TxnOffsetCommitRequest = Message<typeof TxnOffsetCommitRequest>

export const TxnOffsetCommitResponse = message({
  api: 28,
  versions: [0, 6],
  flexible: 3,
  fields: {
    throttleTimeMs: int32,
    topics: array({
      name: until(5, string, ''),
      topicId: since(6, uuid, zeroUuid),
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
})
export type TxnOffsetCommitResponse = Message<typeof TxnOffsetCommitResponse>

export const TxnOffsetCommit = api({
  name: 'TxnOffsetCommit',
  request: TxnOffsetCommitRequest,
  response: TxnOffsetCommitResponse,
})
