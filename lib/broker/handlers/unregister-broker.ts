/**
 * UnregisterBroker, version 0. A gateway registers when it starts, and is forgotten when it ends.
 *
 * Departures from Apache Kafka: one that runs cannot be unregistered.
 */
import { UnregisterBroker } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const unregisterBroker = handler(UnregisterBroker, {
  handle({ brokerId }, { cluster }) {
    const runs = cluster.gateways().some(({ nodeId }) => nodeId === brokerId)
    return {
      throttleTimeMs: 0,
      errorCode: runs ? errorCodes.INVALID_REQUEST : errorCodes.BROKER_ID_NOT_REGISTERED,
      errorMessage: runs
        ? `Broker ${brokerId} runs: stop it, and it is unregistered.`
        : `Broker ID ${brokerId} is not currently registered`,
    }
  },
})
