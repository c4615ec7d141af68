/**
 * CreateAcls, versions 1 to 3: refused, because there is no authorizer.
 *
 * Departures from Apache Kafka: none known.
 */
import { CreateAcls } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const createAcls = handler(CreateAcls, {
  handle: ({ creations }) => ({
    throttleTimeMs: 0,
    results: creations.map(() => ({
      errorCode: errorCodes.SECURITY_DISABLED,
      errorMessage: 'No Authorizer is configured.',
    })),
  }),
})
