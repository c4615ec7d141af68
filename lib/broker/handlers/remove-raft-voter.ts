/**
 * RemoveRaftVoter, version 0 (KIP-853): there are no controllers that vote.
 *
 * Departures from Apache Kafka: none known; it is refused as by a Kafka whose voters are fixed.
 */
import { RemoveRaftVoter } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const removeRaftVoter = handler(RemoveRaftVoter, {
  handle: () => ({
    throttleTimeMs: 0,
    errorCode: errorCodes.UNSUPPORTED_VERSION,
    errorMessage: `Cluster doesn't support removing voter because the kraft.version feature is 0`,
  }),
})
