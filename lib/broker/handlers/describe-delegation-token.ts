/**
 * DescribeDelegationToken, versions 1 to 3: tokens are for connections that are authenticated, which none is.
 *
 * Departures from Apache Kafka: none known.
 */
import { DescribeDelegationToken } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const describeDelegationToken = handler(DescribeDelegationToken, {
  handle: () => ({ errorCode: errorCodes.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, tokens: [], throttleTimeMs: 0 }),
})
