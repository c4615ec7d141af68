/** Records from offsets on, by topic name up to version 12, by topic id from 13 on; with or without a fetch session (KIP-227). */
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
  nullableArray,
  nullableRecords,
  nullableString,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
  zeroUuid,
} from '../kernel/index.ts'

export const FetchRequest = message({
  api: 1,
  versions: [4, 18],
  flexible: 12,
  fields: {
    clusterId: tagged(0, 12, nullableString, null),
    replicaId: until(14, int32, -1),
    replicaState: tagged(1, 15, struct({ replicaId: int32, replicaEpoch: int64 }), { replicaId: -1, replicaEpoch: -1 }),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    isolationLevel: int8,
    sessionId: since(7, int32, 0),
    sessionEpoch: since(7, int32, -1),
    topics: array({
      topic: until(12, string, ''),
      topicId: since(13, uuid, zeroUuid),
      partitions: array({
        partition: int32,
        currentLeaderEpoch: since(9, int32, -1),
        fetchOffset: int64Clamped,
        lastFetchedEpoch: since(12, int32, -1),
        logStartOffset: since(5, int64, -1),
        partitionMaxBytes: int32,
        replicaDirectoryId: tagged(0, 17, uuid, zeroUuid),
        highWatermark: tagged(1, 18, int64Clamped, Number.MAX_SAFE_INTEGER),
      }),
    }),
    forgottenTopicsData: since(
      7,
      array({ topic: until(12, string, ''), topicId: since(13, uuid, zeroUuid), partitions: array(int32) }),
      [],
    ),
    rackId: since(11, string, ''),
  },
})
export type FetchRequest = Message<typeof FetchRequest>

export const FetchResponse = message({
  api: 1,
  versions: [4, 18],
  flexible: 12,
  fields: {
    throttleTimeMs: int32,
    errorCode: since(7, int16, 0),
    sessionId: since(7, int32, 0),
    responses: array({
      topic: until(12, string, ''),
      topicId: since(13, uuid, zeroUuid),
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        highWatermark: int64,
        lastStableOffset: int64,
        logStartOffset: since(5, int64, -1),
        divergingEpoch: tagged(0, 12, struct({ epoch: int32, endOffset: int64 }), { epoch: -1, endOffset: -1 }),
        currentLeader: tagged(1, 12, struct({ leaderId: int32, leaderEpoch: int32 }), {
          leaderId: -1,
          leaderEpoch: -1,
        }),
        snapshotId: tagged(2, 12, struct({ endOffset: int64, epoch: int32 }), { endOffset: -1, epoch: -1 }),
        abortedTransactions: nullableArray({ producerId: int64, firstOffset: int64 }),
        preferredReadReplica: since(11, int32, -1),
        records: nullableRecords,
      }),
    }),
    nodeEndpoints: tagged(0, 16, array({ nodeId: int32, host: string, port: int32, rack: nullableString }), []),
  },
})
export type FetchResponse = Message<typeof FetchResponse>

export const Fetch = api({ name: 'Fetch', request: FetchRequest, response: FetchResponse })
