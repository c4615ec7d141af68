/**
 * RenewDelegationToken, versions 1 and 2: tokens are for connections that are authenticated, which none is.
 *
 * Departures from Apache Kafka: none known.
 */
import { RenewDelegationToken } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const renewDelegationToken = handler(RenewDelegationToken, {
  handle: () => ({
    errorCode: errorCodes.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    expiryTimestampMs: -1,
    throttleTimeMs: 0,
  }),
})
