/**
 * DescribeTransactions, version 0 (KIP-664). Any gateway answers for any transactional id.
 *
 * Departures from Apache Kafka: there is no topic of offsets, so a transaction that commits offsets shows none.
 */
import type { Log } from '../../log/index.ts'
import { DescribeTransactions, type DescribeTransactionsResponse, type MessageInput } from '../../protocol/index.ts'
import type { TransactionDescription } from '../../transactions/index.ts'
import { errorCodeOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Answer = MessageInput<typeof DescribeTransactionsResponse>['transactionStates'][number]

export const describeTransactions = handler(DescribeTransactions, {
  async handle({ transactionalIds }, context) {
    const answers = transactionalIds.map(transactionalId => answerFor(transactionalId, context))
    return { throttleTimeMs: 0, transactionStates: await Promise.all(answers) }
  },
})

async function answerFor(transactionalId: string, { transactions, log, logger }: RequestContext): Promise<Answer> {
  try {
    const described = await transactions.describe(transactionalId)
    return {
      errorCode: 0,
      transactionalId,
      transactionState: described.state,
      transactionTimeoutMs: described.timeoutMs,
      transactionStartTimeMs: described.startedAt,
      producerId: described.producerId,
      producerEpoch: described.producerEpoch,
      topics: await nameTopics(described, log),
    }
  } catch (error) {
    return {
      errorCode: errorCodeOf(error, logger),
      transactionalId,
      transactionState: '',
      transactionTimeoutMs: 0,
      transactionStartTimeMs: 0,
      producerId: 0,
      producerEpoch: 0,
      topics: [],
    }
  }
}

/** Topics that are gone are left out. */
async function nameTopics({ topics }: TransactionDescription, log: Log) {
  const named = topics.map(async ({ topicId, partitions }) => {
    const topic = await log.topics.find({ id: topicId })
    return topic ? [{ topic: topic.name, partitions }] : []
  })
  return (await Promise.all(named)).flat()
}
