/**
 * UnregisterController, version 0. There are no controllers.
 *
 * Departures from Apache Kafka: none known.
 */
import { UnregisterController } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const unregisterController = handler(UnregisterController, {
  handle: ({ controllerId }) => ({
    throttleTimeMs: 0,
    errorCode: errorCodes.CONTROLLER_ID_NOT_REGISTERED,
    errorMessage: `Controller ID ${controllerId} is not currently registered.`,
  }),
})
