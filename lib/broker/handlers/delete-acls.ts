/**
 * DeleteAcls, versions 1 to 3: refused, because there is no authorizer.
 *
 * Departures from Apache Kafka: none known.
 */
import { DeleteAcls } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const deleteAcls = handler(DeleteAcls, {
  handle: ({ filters }) => ({
    throttleTimeMs: 0,
    filterResults: filters.map(() => ({
      errorCode: errorCodes.SECURITY_DISABLED,
      errorMessage: 'No Authorizer is configured.',
      matchingAcls: [],
    })),
  }),
})
