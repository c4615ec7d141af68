/**
 * InitProducerId, versions 0 to 5: a new producer id with epoch 0, for idempotence; or, for a transactional id, its producer
 * id with the next epoch, when what an earlier producer left open is aborted.
 *
 * Departures from Apache Kafka: an open transaction is aborted before the answer, where Kafka answers
 * CONCURRENT_TRANSACTIONS until it is.
 */
import { InitProducerId } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'
import { coordinatorCodeOf } from '../transaction-codes.ts'

const versions = { fenced: 4 }

export const initProducerId = handler(InitProducerId, {
  async handle(request, { log, transactions, logger, apiVersion }) {
    const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request
    if (transactionalId === '') return refuse(errorCodes.INVALID_REQUEST)
    if ((producerId === -1) !== (producerEpoch === -1)) return refuse(errorCodes.INVALID_REQUEST)
    if (transactionalId !== null) {
      try {
        const expected = producerId === -1 ? undefined : { producerId, producerEpoch }
        const initialised = { transactionalId, timeoutMs: transactionTimeoutMs, expected }
        return { throttleTimeMs: 0, errorCode: 0, ...(await transactions.initProducer(initialised)) }
      } catch (error) {
        return refuse(coordinatorCodeOf(error, apiVersion, versions, logger))
      }
    }
    try {
      return { throttleTimeMs: 0, errorCode: 0, producerId: await log.producerIds.next(), producerEpoch: 0 }
    } catch (error) {
      logger.warn('no producer id', { message: error instanceof Error ? error.message : String(error) })
      // Every client tries again after this one, without looking for a transaction's coordinator first.
      return refuse(errorCodes.COORDINATOR_LOAD_IN_PROGRESS)
    }
  },
})

function refuse(errorCode: number) {
  return { throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 }
}
