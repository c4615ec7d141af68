/**
 * DescribeProducers, version 0 (KIP-664): the producers that partitions know, and their open transactions.
 *
 * Departures from Apache Kafka: the coordinator's epoch is 0, as in every marker.
 */
import type { Topic } from '../../log/index.ts'
import { DescribeProducers, type DescribeProducersResponse, type MessageInput } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { unknownPartition } from '../kafka-texts.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type Answer = MessageInput<typeof DescribeProducersResponse>['topics'][number]['partitions'][number]

export const describeProducers = handler(DescribeProducers, {
  async handle(request, context) {
    const topics = request.topics.map(async ({ name, partitionIndexes }) => {
      const topic = await lookUpTopic({ name }, context)
      const partitions = partitionIndexes.map(partition => answerFor(topic, partition, context))
      return { name, partitions: await Promise.all(partitions) }
    })
    return { throttleTimeMs: 0, topics: await Promise.all(topics) }
  },
})

async function answerFor(
  topic: Topic | number,
  partitionIndex: number,
  { log, logger }: RequestContext,
): Promise<Answer> {
  const refuse = (errorCode: number, errorMessage: string | null) => {
    return { partitionIndex, errorCode, errorMessage, activeProducers: [] }
  }
  if (typeof topic === 'number') return refuse(topic, unknownPartition)
  if (partitionIndex < 0 || partitionIndex >= topic.partitions) {
    return refuse(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, null)
  }
  try {
    const producers = await log.activeProducers(topic, partitionIndex)
    const activeProducers = producers.map(
      ({ producerId, producerEpoch, lastSequence, lastTimestamp, transactionStartOffset }) => ({
        producerId,
        producerEpoch,
        lastSequence,
        lastTimestamp,
        coordinatorEpoch: 0,
        currentTxnStartOffset: transactionStartOffset,
      }),
    )
    return { partitionIndex, errorCode: 0, errorMessage: null, activeProducers }
  } catch (error) {
    return refuse(errorCodeOf(error, logger), errorMessageOf(error))
  }
}
