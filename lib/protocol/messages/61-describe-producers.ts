/** The producers that are active in partitions (KIP-664). */
import { api, array, int16, int32, int64, type Message, message, nullableString, string } from '../kernel/index.ts'

export const DescribeProducersRequest = message({
  api: 61,
  versions: [0, 0],
  flexible: 0,
  fields: { topics: array({ name: string, partitionIndexes: array(int32) }) },
})
export type DescribeProducersRequest = Message<typeof DescribeProducersRequest>

export const DescribeProducersResponse = message({
  api: 61,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: nullableString,
        activeProducers: array({
          producerId: int64,
          producerEpoch: int32,
          lastSequence: int32,
          lastTimestamp: int64,
          coordinatorEpoch: int32,
          currentTxnStartOffset: int64,
        }),
      }),
    }),
  },
})
export type DescribeProducersResponse = Message<typeof DescribeProducersResponse>

export const DescribeProducers = api({
  name: 'DescribeProducers',
  request: DescribeProducersRequest,
  response: DescribeProducersResponse,
})
