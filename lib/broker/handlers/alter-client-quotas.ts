/**
 * AlterClientQuotas, versions 0 and 1 (KIP-546).
 *
 * Departures from Apache Kafka: quotas are not kept, so setting one is refused with UNSUPPORTED_VERSION; removing one
 * finds none.
 */
import { AlterClientQuotas, type AlterClientQuotasRequest, type Message } from '../../protocol/index.ts'
import { type ErrorName, errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

type Entry = Message<typeof AlterClientQuotasRequest>['entries'][number]

export const quotaEntityTypes = ['user', 'client-id', 'ip']
const keys = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage', 'controller_mutation_rate']
const ipKeys = ['connection_creation_rate']

export const alterClientQuotas = handler(AlterClientQuotas, {
  handle({ entries }) {
    return {
      throttleTimeMs: 0,
      entries: entries.map(entry => {
        const flaw = flawOf(entry)
        const answer = flaw
          ? { errorCode: errorCodes[flaw[0]], errorMessage: flaw[1] }
          : { errorCode: 0, errorMessage: null }
        return { ...answer, entity: entry.entity }
      }),
    }
  },
})

function flawOf({ entity, ops }: Entry): [ErrorName, string] | undefined {
  if (entity.length === 0) return ['INVALID_REQUEST', 'Invalid empty client quota entity']
  const strange = entity.find(({ entityType }) => !quotaEntityTypes.includes(entityType))
  if (strange) return ['INVALID_REQUEST', `Unhandled client quota entity type: ${strange.entityType}`]
  const allowed = entity.some(({ entityType }) => entityType === 'ip') ? ipKeys : keys
  const unknown = ops.find(({ key, remove }) => !remove && !allowed.includes(key))
  if (unknown) return ['INVALID_REQUEST', `Invalid configuration key ${unknown.key}`]
  return ops.some(({ remove }) => !remove) ? ['UNSUPPORTED_VERSION', 'Varve has no client quotas.'] : undefined
}
