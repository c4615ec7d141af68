/**
 * CreateDelegationToken, versions 1 to 3: tokens are for connections that are authenticated, which none is.
 *
 * Departures from Apache Kafka: none known.
 */
import { CreateDelegationToken } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const createDelegationToken = handler(CreateDelegationToken, {
  handle: () => ({
    errorCode: errorCodes.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
    principalType: 'User',
    principalName: 'ANONYMOUS',
    tokenRequesterPrincipalType: 'User',
    tokenRequesterPrincipalName: 'ANONYMOUS',
    issueTimestampMs: -1,
    expiryTimestampMs: -1,
    maxTimestampMs: -1,
    tokenId: '',
    hmac: new Uint8Array(),
    throttleTimeMs: 0,
  }),
})
