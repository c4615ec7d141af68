/** What groups have committed: one group up to version 7, several from 8 on. */
import {
  api,
  array,
  between,
  boolean,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableArray,
  nullableSince,
  nullableString,
  since,
  string,
  until,
  uuid,
  zeroUuid,
} from '../kernel/index.ts'

export const OffsetFetchRequest = message({
  api: 9,
  versions: [1, 10],
  flexible: 6,
  fields: {
    groupId: until(7, string, ''),
    topics: until(7, nullableSince(2, nullableArray({ name: string, partitionIndexes: array(int32) })), []),
    groups: since(
      8,
      array({
        groupId: string,
        memberId: since(9, nullableString, null),
        memberEpoch: since(9, int32, -1),
        topics: nullableArray({
          name: until(9, string, ''),
          topicId: since(10, uuid, zeroUuid),
          partitionIndexes: array(int32),
        }),
      }),
      [],
    ),
    requireStable: since(7, boolean, false),
  },
})
export type OffsetFetchRequest = Message<typeof OffsetFetchRequest>

export const OffsetFetchResponse = message({
  api: 9,
  versions: [1, 10],
  flexible: 6,
  fields: {
    throttleTimeMs: since(3, int32, 0),
    topics: until(
      7,
      array({
        name: string,
        partitions: array({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: since(5, int32, -1),
          metadata: nullableString,
          errorCode: int16,
        }),
      }),
      [],
    ),
    errorCode: between([2, 7], int16, 0),
    groups: since(
      8,
      array({
        groupId: string,
        topics: array({
          name: until(9, string, ''),
          topicId: since(10, uuid, zeroUuid),
          partitions: array({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32,
            metadata: nullableString,
            errorCode: int16,
          }),
        }),
        errorCode: int16,
      }),
      [],
    ),
  },
})
export type OffsetFetchResponse = Message<typeof OffsetFetchResponse>

export const OffsetFetch = api({ name: 'OffsetFetch', request: OffsetFetchRequest, response: OffsetFetchResponse })
