/** Partitions that a transaction will write to: from a client up to version 3, from a broker in batches from 4 on. */
import {
  api,
  array,
  boolean,
  int16,
  int32,
  int64,
  type Message,
  message,
  since,
  string,
  until,
} from '../kernel/index.ts'

const addPartitionsToTxnTopic = { name: string, partitions: array(int32) }

const addPartitionsToTxnPartitionResult = { partitionIndex: int32, partitionErrorCode: int16 }

const addPartitionsToTxnTopicResult = { name: string, resultsByPartition: array(addPartitionsToTxnPartitionResult) }

export const AddPartitionsToTxnRequest = message({
  api: 24,
  versions: [0, 5],
  flexible: 3,
  fields: {
    transactions: since(
      4,
      array({
        transactionalId: string,
        producerId: int64,
        producerEpoch: int16,
        verifyOnly: boolean,
        topics: array(addPartitionsToTxnTopic),
      }),
      [],
    ),
    v3AndBelowTransactionalId: until(3, string, ''),
    v3AndBelowProducerId: until(3, int64, 0),
    v3AndBelowProducerEpoch: until(3, int16, 0),
    v3AndBelowTopics: until(3, array(addPartitionsToTxnTopic), []),
  },
})
export type AddPartitionsToTxnRequest = Message<typeof AddPartitionsToTxnRequest>

export const AddPartitionsToTxnResponse = message({
  api: 24,
  versions: [0, 5],
  flexible: 3,
  fields: {
    throttleTimeMs: int32,
    errorCode: since(4, int16, 0),
    resultsByTransaction: since(
      4,
      array({ transactionalId: string, topicResults: array(addPartitionsToTxnTopicResult) }),
      [],
    ),
    resultsByTopicV3AndBelow: until(3, array(addPartitionsToTxnTopicResult), []),
  },
})
export type AddPartitionsToTxnResponse = Message<typeof AddPartitionsToTxnResponse>

export const AddPartitionsToTxn = api({
  name: 'AddPartitionsToTxn',
  request: AddPartitionsToTxnRequest,
  response: AddPartitionsToTxnResponse,
})
