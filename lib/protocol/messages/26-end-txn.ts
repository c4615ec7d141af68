/** Commits or aborts a transaction; from version 5 on it answers the producer's next epoch (KIP-890). */
import { api, boolean, int16, int32, int64, type Message, message, since, string } from '../kernel/index.ts'

export const EndTxnRequest = message({
  api: 26,
  versions: [0, 5],
  flexible: 3,
  fields: { transactionalId: string, producerId: int64, producerEpoch: int16, committed: boolean },
})
export type EndTxnRequest = Message<typeof EndTxnRequest>

export const EndTxnResponse = message({
  api: 26,
  versions: [0, 5],
  flexible: 3,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: since(5, int64, -1),
    producerEpoch: since(5, int16, -1),
  },
})
export type EndTxnResponse = Message<typeof EndTxnResponse>

export const EndTxn = api({ name: 'EndTxn', request: EndTxnRequest, response: EndTxnResponse })
