/** Records acquired for a share group's member, with acknowledgements of earlier ones (KIP-932). */
import {
  api,
  array,
  boolean,
  int8,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableString,
  records,
  since,
  string,
  struct,
  uuid,
} from '../kernel/index.ts'

export const ShareFetchRequest = message({
  api: 78,
  versions: [1, 2],
  flexible: 0,
  fields: {
    groupId: nullableString,
    memberId: nullableString,
    shareSessionEpoch: int32,
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32,
    maxRecords: int32,
    batchSize: int32,
    shareAcquireMode: since(2, int8, 0),
    isRenewAck: since(2, boolean, false),
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        acknowledgementBatches: array({ firstOffset: int64, lastOffset: int64, acknowledgeTypes: array(int8) }),
      }),
    }),
    forgottenTopicsData: array({ topicId: uuid, partitions: array(int32) }),
  },
})
export type ShareFetchRequest = Message<typeof ShareFetchRequest>

export const ShareFetchResponse = message({
  api: 78,
  versions: [1, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    acquisitionLockTimeoutMs: int32,
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: nullableString,
        acknowledgeErrorCode: int16,
        acknowledgeErrorMessage: nullableString,
        currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }),
        records: records,
        acquiredRecords: array({ firstOffset: int64, lastOffset: int64, deliveryCount: int16 }),
      }),
    }),
    nodeEndpoints: array({ nodeId: int32, host: string, port: int32, rack: nullableString }),
  },
})
export type ShareFetchResponse = Message<typeof ShareFetchResponse>

export const ShareFetch = api({ name: 'ShareFetch', request: ShareFetchRequest, response: ShareFetchResponse })
