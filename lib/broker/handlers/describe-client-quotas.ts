/**
 * DescribeClientQuotas, versions 0 and 1 (KIP-546): there are none.
 *
 * Departures from Apache Kafka: none known.
 */
import { DescribeClientQuotas } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'
import { quotaEntityTypes } from './alter-client-quotas.ts'

const matchTypes = [0, 1, 2]

export const describeClientQuotas = handler(DescribeClientQuotas, {
  handle({ components }) {
    for (const { entityType, matchType } of components) {
      if (entityType === '') return refuse(errorCodes.INVALID_REQUEST, 'Invalid empty entity type.')
      if (!quotaEntityTypes.includes(entityType)) {
        return refuse(errorCodes.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`)
      }
      if (!matchTypes.includes(matchType)) return refuse(errorCodes.INVALID_REQUEST, `Unknown match type ${matchType}`)
    }
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: '', entries: [] }
  },
})

function refuse(errorCode: number, errorMessage: string) {
  return { throttleTimeMs: 0, errorCode, errorMessage, entries: null }
}
