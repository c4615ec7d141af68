/**
 * InitProducerId, versions 0 to 5: a new producer id with epoch 0, for idempotence.
 *
 * Departures from Apache Kafka: transactional ids are refused with UNSUPPORTED_VERSION, which clients hold to be final.
 */
import { InitProducerId } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const initProducerId = handler(InitProducerId, {
  async handle({ transactionalId, producerId, producerEpoch }, { log, logger }) {
    if (transactionalId === '') return refuse(errorCodes.INVALID_REQUEST)
    if (transactionalId !== null) return refuse(errorCodes.UNSUPPORTED_VERSION)
    if ((producerId === -1) !== (producerEpoch === -1)) return refuse(errorCodes.INVALID_REQUEST)
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
