import { errorCodes } from './errors.ts'

/** What every partition is answered in a request that only brokers may send. */
export const refusedBetweenBrokers = {
  errorCode: errorCodes.CLUSTER_AUTHORIZATION_FAILED,
  errorMessage: 'Only brokers may ask for this.',
}
