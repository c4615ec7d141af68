/** Acknowledges records that a share group's member acquired (KIP-932). */
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
  since,
  string,
  struct,
  uuid,
} from '../kernel/index.ts'

export const ShareAcknowledgeRequest = message({
  api: 79,
  versions: [1, 2],
  flexible: 0,
  fields: {
    groupId: nullableString,
    memberId: nullableString,
    shareSessionEpoch: int32,
    isRenewAck: since(2, boolean, false),
    topics: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        acknowledgementBatches: array({ firstOffset: int64, lastOffset: int64, acknowledgeTypes: array(int8) }),
      }),
    }),
  },
})
export type ShareAcknowledgeRequest = Message<typeof ShareAcknowledgeRequest>

export const ShareAcknowledgeResponse = message({
  api: 79,
  versions: [1, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    acquisitionLockTimeoutMs: since(2, int32, 0),
    responses: array({
      topicId: uuid,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: nullableString,
        currentLeader: struct({ leaderId: int32, leaderEpoch: int32 }),
      }),
    }),
    nodeEndpoints: array({ nodeId: int32, host: string, port: int32, rack: nullableString }),
  },
})
export type ShareAcknowledgeResponse = Message<typeof ShareAcknowledgeResponse>

export const ShareAcknowledge = api({
  name: 'ShareAcknowledge',
  request: ShareAcknowledgeRequest,
  response: ShareAcknowledgeResponse,
})
