/** Record batches for partitions, by topic name up to version 12, by topic id from 13 on. */
import {
  api,
  array,
  int16,
  int32,
  int64,
  type Message,
  message,
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

export const ProduceRequest = message({
  api: 0,
  versions: [3, 13],
  flexible: 9,
  fields: {
    transactionalId: nullableString,
    acks: int16,
    timeoutMs: int32,
    topicData: array({
      name: until(12, string, ''),
      topicId: since(13, uuid, zeroUuid),
      partitionData: array({ index: int32, records: nullableRecords }),
    }),
  },
})
export type ProduceRequest = Message<typeof ProduceRequest>

export const ProduceResponse = message({
  api: 0,
  versions: [3, 13],
  flexible: 9,
  fields: {
    responses: array({
      name: until(12, string, ''),
      topicId: since(13, uuid, zeroUuid),
      partitionResponses: array({
        index: int32,
        errorCode: int16,
        baseOffset: int64,
        logAppendTimeMs: int64,
        logStartOffset: since(5, int64, -1),
        recordErrors: since(8, array({ batchIndex: int32, batchIndexErrorMessage: nullableString }), []),
        errorMessage: since(8, nullableString, null),
        currentLeader: tagged(0, 10, struct({ leaderId: int32, leaderEpoch: int32 }), {
          leaderId: -1,
          leaderEpoch: -1,
        }),
      }),
    }),
    throttleTimeMs: int32,
    nodeEndpoints: tagged(0, 10, array({ nodeId: int32, host: string, port: int32, rack: nullableString }), []),
  },
})
export type ProduceResponse = Message<typeof ProduceResponse>

export const Produce = api({ name: 'Produce', request: ProduceRequest, response: ProduceResponse, advertised: [0, 13] })
