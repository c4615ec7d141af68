/**
 * EndTxn, versions 0 to 5: commits or aborts. From version 5 on (KIP-890) the epoch is raised, and answered. The answer
 * comes when every partition and group of the transaction was told, so committed readers see the outcome at once.
 *
 * Departures from Apache Kafka: a repeated request waits for the end that is under way, where Kafka answers
 * CONCURRENT_TRANSACTIONS; an end by protocol 1 is given up when its connection is gone before it was decided, so that it does not come
 * to end the producer's next transaction.
 */
import { EndTxn } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { coordinatorCodeOf } from '../transaction-codes.ts'

const versions = { fenced: 2 }
const secondProtocolVersion = 5

export const endTxn = handler(EndTxn, {
  async handle(request, { transactions, logger, apiVersion, signal }) {
    const { transactionalId, producerId, producerEpoch, committed } = request
    const outcome = committed ? 'commit' : 'abort'
    const protocol = apiVersion >= secondProtocolVersion ? 2 : 1
    try {
      const ended = await transactions.end({ transactionalId, producerId, producerEpoch, outcome, protocol }, signal)
      return { throttleTimeMs: 0, errorCode: 0, ...ended }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: coordinatorCodeOf(error, apiVersion, versions, logger) }
    }
  },
})
