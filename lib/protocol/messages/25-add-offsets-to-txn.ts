/** A group whose offsets a transaction will commit. */
import { api, int16, int32, int64, type Message, message, string } from '../kernel/index.ts'

export const AddOffsetsToTxnRequest = message({
  api: 25,
  versions: [0, 4],
  flexible: 3,
  fields: { transactionalId: string, producerId: int64, producerEpoch: int16, groupId: string },
})
export type AddOffsetsToTxnRequest = Message<typeof AddOffsetsToTxnRequest>

export const AddOffsetsToTxnResponse = message({
  api: 25,
  versions: [0, 4],
  flexible: 3,
  fields: { throttleTimeMs: int32, errorCode: int16 },
})
export type AddOffsetsToTxnResponse = Message<typeof AddOffsetsToTxnResponse>

export const AddOffsetsToTxn = api({
  name: 'AddOffsetsToTxn',
  request: AddOffsetsToTxnRequest,
  response: AddOffsetsToTxnResponse,
})
