/**
 * SaslHandshake, versions 0 and 1: connections are not authenticated.
 *
 * Departures from Apache Kafka: none known.
 */
import { SaslHandshake } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const saslHandshake = handler(SaslHandshake, {
  handle: () => ({ errorCode: errorCodes.ILLEGAL_SASL_STATE, mechanisms: [] }),
})
