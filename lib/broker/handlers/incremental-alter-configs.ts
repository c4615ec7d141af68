/**
 * IncrementalAlterConfigs, versions 0 and 1: sets, deletes, appends to and subtracts from single configs of topics, groups and
 * subscriptions to clients' metrics (KIP-339), and throttles of brokers. Each resource succeeds or fails for itself, as a whole.
 *
 * Departures from Apache Kafka: gateways are configured where they are started, so a broker's config that is set is refused
 * as a read-only one, but for the throttles of replication, which are kept and slow nothing down; there are no loggers
 * to set; an operation of no known kind is INVALID_REQUEST.
 */
import { type Alteration, alterConfigs, ConfigError } from '../../configs/index.ts'
import { IncrementalAlterConfigs, type IncrementalAlterConfigsRequest, type Message } from '../../protocol/index.ts'
import { type Change, changeResources } from '../config-resources.ts'
import { handler } from '../handler.ts'

type Asked = Message<typeof IncrementalAlterConfigsRequest>['resources'][number]['configs'][number]

/** By Kafka's AlterConfigOp numbers. */
const operations = ['set', 'delete', 'append', 'subtract'] as const

export const incrementalAlterConfigs = handler(IncrementalAlterConfigs, {
  async handle({ resources, validateOnly }, context) {
    const changes = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      names: configs.map(({ name }) => name),
      unset: configs.filter(({ configOperation }) => operations[configOperation] === 'delete').map(({ name }) => name),
      change: alter(configs),
    }))
    return { throttleTimeMs: 0, responses: await changeResources(changes, validateOnly, context) }
  },
})

function alter(configs: readonly Asked[]): Change {
  return (definitions, current) => alterConfigs(definitions, current, configs.map(alterationOf))
}

/** @throws ConfigError INVALID_REQUEST */
function alterationOf(config: Asked): Alteration {
  const operation = operations[config.configOperation]
  if (!operation) throw new ConfigError('INVALID_REQUEST', `Unknown operation ${config.configOperation}`)
  return { name: config.name, operation, value: config.value }
}
