/**
 * AlterClientQuotas, versions 0 and 1 (KIP-546).
 *
 * Departures from Apache Kafka: quotas are kept and told, and nobody is held to them; a host's name is not looked up.
 */
import { changeQuotas, quotaEntity, quotaEntityName } from '../../configs/index.ts'
import { AlterClientQuotas, type AlterClientQuotasRequest, type Message } from '../../protocol/index.ts'
import { changeStored } from '../config-resources.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'

type Entry = Message<typeof AlterClientQuotasRequest>['entries'][number]

export const alterClientQuotas = handler(AlterClientQuotas, {
  async handle({ entries, validateOnly }, context) {
    const answers = []
    for (const entry of entries) answers.push(await alter(entry, validateOnly, context))
    return { throttleTimeMs: 0, entries: answers }
  },
})

async function alter({ entity: parts, ops }: Entry, validateOnly: boolean, broker: Broker) {
  try {
    const entity = quotaEntity(parts)
    const change = (set: Readonly<Record<string, string>>) => changeQuotas(entity, set, ops)
    await changeStored('client-quotas', quotaEntityName(entity), change, validateOnly, broker)
    if (!validateOnly && ops.some(({ remove }) => !remove)) {
      broker.logger.warn('client quotas are kept, but nobody is held to them', { entity: quotaEntityName(entity) })
    }
    return { errorCode: errorCodes.NONE, errorMessage: null, entity: parts }
  } catch (error) {
    return { errorCode: errorCodeOf(error, broker.logger), errorMessage: errorMessageOf(error), entity: parts }
  }
}
