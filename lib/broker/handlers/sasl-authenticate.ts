/**
 * SaslAuthenticate, versions 0 to 2: connections are not authenticated.
 *
 * Departures from Apache Kafka: none known.
 */
import { SaslAuthenticate } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const saslAuthenticate = handler(SaslAuthenticate, {
  handle: () => ({
    errorCode: errorCodes.ILLEGAL_SASL_STATE,
    errorMessage: 'SaslAuthenticate request received after successful authentication',
    authBytes: new Uint8Array(),
    sessionLifetimeMs: 0,
  }),
})
