/** A producer id and epoch, for idempotence or for a transactional id. Version 6 (KIP-939) is not stable yet and not advertised. */
import { api, boolean, int16, int32, int64, type Message, message, nullableString, since } from '../kernel/index.ts'

export const InitProducerIdRequest = message({
  api: 22,
  versions: [0, 6],
  flexible: 2,
  fields: {
    transactionalId: nullableString,
    transactionTimeoutMs: int32,
    producerId: since(3, int64, -1),
    producerEpoch: since(3, int16, -1),
    enable2Pc: since(6, boolean, false),
    keepPreparedTxn: since(6, boolean, false),
  },
})
export type InitProducerIdRequest = Message<typeof InitProducerIdRequest>

export const InitProducerIdResponse = message({
  api: 22,
  versions: [0, 6],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: int64,
    producerEpoch: int16,
    ongoingTxnProducerId: since(6, int64, -1),
    ongoingTxnProducerEpoch: since(6, int16, -1),
  },
})
export type InitProducerIdResponse = Message<typeof InitProducerIdResponse>

export const InitProducerId = api({
  name: 'InitProducerId',
  request: InitProducerIdRequest,
  response: InitProducerIdResponse,
  advertised: [0, 5],
})
