/** Ends transactions in partitions, whoever coordinates them. */
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
  since,
  string,
} from '../kernel/index.ts'

export const WriteTxnMarkersRequest = message({
  api: 27,
  versions: [1, 2],
  flexible: 1,
  fields: {
    markers: array({
      producerId: int64,
      producerEpoch: int16,
      transactionResult: boolean,
      topics: array({ name: string, partitionIndexes: array(int32) }),
      coordinatorEpoch: int32,
      transactionVersion: since(2, int8, 0),
    }),
  },
})
export type WriteTxnMarkersRequest = Message<typeof WriteTxnMarkersRequest>

export const WriteTxnMarkersResponse = message({
  api: 27,
  versions: [1, 2],
  flexible: 1,
  fields: {
    markers: array({
      producerId: int64,
      topics: array({ name: string, partitions: array({ partitionIndex: int32, errorCode: int16 }) }),
    }),
  },
})
export type WriteTxnMarkersResponse = Message<typeof WriteTxnMarkersResponse>

export const WriteTxnMarkers = api({
  name: 'WriteTxnMarkers',
  request: WriteTxnMarkersRequest,
  response: WriteTxnMarkersResponse,
})
