/**
 * AddPartitionsToTxn, versions 0 to 5: the partitions that a transaction will write to, for clients of the first protocol;
 * from version 4 on several transactions in one request, which may also ask only whether partitions were added. A
 * transaction's partitions are added all or none.
 *
 * Departures from Apache Kafka: versions 4 and 5, which its brokers send each other, are served to anybody.
 */
import type { TopicPartition } from '../../groups/index.ts'
import type { Topic } from '../../log/index.ts'
import { AddPartitionsToTxn, type AddPartitionsToTxnRequest, type Message } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'
import { coordinatorCodeOf } from '../transaction-codes.ts'

type Asked = Message<typeof AddPartitionsToTxnRequest>['transactions'][number]

const versions = { fenced: 2 }
const batchVersion = 4
/** From here on a partition that was not added is TRANSACTION_ABORTABLE. */
const abortableVersion = 5

export const addPartitionsToTxn = handler(AddPartitionsToTxn, {
  async handle(request, context) {
    if (context.apiVersion >= batchVersion) {
      const resultsByTransaction = request.transactions.map(async asked => ({
        transactionalId: asked.transactionalId,
        topicResults: await answerTransaction(asked, context),
      }))
      return { throttleTimeMs: 0, errorCode: 0, resultsByTransaction: await Promise.all(resultsByTransaction) }
    }
    const asked = {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    }
    return { throttleTimeMs: 0, resultsByTopicV3AndBelow: await answerTransaction(asked, context) }
  },
})

async function answerTransaction(asked: Asked, context: RequestContext) {
  const found = await Promise.all(asked.topics.map(({ name }) => lookUpTopic({ name }, context)))
  const refusals = asked.topics.map(({ partitions }, index) => partitions.map(each => refusalOf(found[index]!, each)))
  const isComplete = refusals.flat().every(refusal => refusal === 0)
  const code = isComplete ? await add(asked, found, context) : errorCodes.OPERATION_NOT_ATTEMPTED
  return asked.topics.map(({ name, partitions }, index) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex, at) => ({
      partitionIndex,
      partitionErrorCode: refusals[index]![at] || code,
    })),
  }))
}

/** The error code for all partitions of the transaction, or 0. */
async function add(asked: Asked, found: readonly (Topic | number)[], context: RequestContext): Promise<number> {
  const { transactionalId, producerId, producerEpoch } = asked
  const { transactions, logger, apiVersion } = context
  const partitions = asked.topics.flatMap((topic, index): TopicPartition[] => {
    const known = found[index]!
    return typeof known === 'number' ? [] : topic.partitions.map(partition => ({ topicId: known.id, partition }))
  })
  const request = { transactionalId, producerId, producerEpoch, partitions }
  try {
    if (asked.verifyOnly) await transactions.admit({ ...request, protocol: 1 })
    else await transactions.addPartitions(request)
    return 0
  } catch (error) {
    const code = coordinatorCodeOf(error, apiVersion, versions, logger)
    const wasNotAdded = asked.verifyOnly && code === errorCodes.INVALID_TXN_STATE
    return wasNotAdded && apiVersion >= abortableVersion ? errorCodes.TRANSACTION_ABORTABLE : code
  }
}

function refusalOf(topic: Topic | number, partition: number): number {
  if (typeof topic === 'number') return topic
  return partition >= 0 && partition < topic.partitions ? 0 : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}
