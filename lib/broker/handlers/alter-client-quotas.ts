/**
 * AlterClientQuotas, versions 0 and 1 (KIP-546): one answer for each entity.
 *
 * Departures from Apache Kafka: quotas are kept and told, and nobody is held to them; a host's name is not looked up;
 * entities are answered in the order in which they came, where Kafka's has no meaning.
 */
import { changeQuotas, quotaEntity, quotaEntityName, quotaEntityOf } from '../../configs/index.ts'
import {
  AlterClientQuotas,
  type AlterClientQuotasRequest,
  type AlterClientQuotasResponse,
  type Message,
  type MessageInput,
} from '../../protocol/index.ts'
import { changeStored } from '../config-resources.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'

type Entry = Message<typeof AlterClientQuotasRequest>['entries'][number]
type Answer = MessageInput<typeof AlterClientQuotasResponse>['entries'][number]

export const alterClientQuotas = handler(AlterClientQuotas, {
  async handle({ entries, validateOnly }, context) {
    const answers = new Map<string, Answer>()
    for (const entry of entries) {
      const name = quotaEntityName(new Map(entry.entity.map(({ entityType, entityName }) => [entityType, entityName])))
      const known = answers.get(name)
      const answer = known ? ignored(known) : { ...(await alter(entry, validateOnly, context)), entity: partsOf(name) }
      answers.set(name, answer)
    }
    return { throttleTimeMs: 0, entries: [...answers.values()] }
  },
})

function partsOf(name: string): Answer['entity'] {
  return [...quotaEntityOf(name)].map(([entityType, entityName]) => ({ entityType, entityName }))
}

/** An entity that is named again: what was done for it the first time stays, and the one answer tells of the second. */
function ignored({ entity }: Answer): Answer {
  const text = entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).join(', ')
  const errorMessage = `Ignoring duplicate entity ClientQuotaEntity(entries={${text}})`
  return { errorCode: errorCodes.INVALID_REQUEST, errorMessage, entity }
}

async function alter({ entity: parts, ops }: Entry, validateOnly: boolean, broker: Broker) {
  try {
    const entity = quotaEntity(parts)
    const change = (set: Readonly<Record<string, string>>) => changeQuotas(entity, set, ops)
    await changeStored('client-quotas', quotaEntityName(entity), change, validateOnly, broker)
    if (!validateOnly && ops.some(({ remove }) => !remove)) {
      broker.logger.warn('client quotas are kept, but nobody is held to them', { entity: quotaEntityName(entity) })
    }
    return { errorCode: errorCodes.NONE, errorMessage: null }
  } catch (error) {
    return { errorCode: errorCodeOf(error, broker.logger), errorMessage: errorMessageOf(error) }
  }
}
