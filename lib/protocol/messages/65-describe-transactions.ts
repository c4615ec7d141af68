/** State of transactional ids' transactions (KIP-664). */
import { api, array, int16, int32, int64, type Message, message, string } from '../kernel/index.ts'

export const DescribeTransactionsRequest = message({
  api: 65,
  versions: [0, 0],
  flexible: 0,
  fields: { transactionalIds: array(string) },
})
export type DescribeTransactionsRequest = Message<typeof DescribeTransactionsRequest>

export const DescribeTransactionsResponse = message({
  api: 65,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    transactionStates: array({
      errorCode: int16,
      transactionalId: string,
      transactionState: string,
      transactionTimeoutMs: int32,
      transactionStartTimeMs: int64,
      producerId: int64,
      producerEpoch: int16,
      topics: array({ topic: string, partitions: array(int32) }),
    }),
  },
})
export type DescribeTransactionsResponse = Message<typeof DescribeTransactionsResponse>

export const DescribeTransactions = api({
  name: 'DescribeTransactions',
  request: DescribeTransactionsRequest,
  response: DescribeTransactionsResponse,
})
