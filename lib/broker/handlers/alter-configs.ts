/**
 * AlterConfigs, versions 0 to 2: sets all configs of a topic, a group or a subscription to clients' metrics anew; what is not
 * named goes back to its default. Each resource succeeds or fails for itself.
 *
 * Departures from Apache Kafka: gateways are configured where they are started, so every change of a broker's config is
 * refused as one of a read-only config, but for the throttles of replication, which are kept and slow nothing
 * down; a resource that is named twice is refused, where Kafka does not answer.
 */
import { alterConfigs as altered } from '../../configs/index.ts'
import { AlterConfigs } from '../../protocol/index.ts'
import { type Change, changeResources } from '../config-resources.ts'
import { handler } from '../handler.ts'

export const alterConfigs = handler(AlterConfigs, {
  async handle({ resources, validateOnly }, context) {
    const changes = resources.map(resource => {
      const alterations = resource.configs.map(({ name, value }) => ({ name, operation: 'set', value }) as const)
      const change: Change = definitions => altered(definitions, {}, alterations)
      return {
        resourceType: resource.resourceType,
        resourceName: resource.resourceName,
        isWhole: true,
        names: resource.configs.map(({ name }) => name),
        change,
      }
    })
    return { throttleTimeMs: 0, responses: await changeResources(changes, validateOnly, context) }
  },
})
