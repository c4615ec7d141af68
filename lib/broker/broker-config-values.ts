/** What a gateway tells of its own settings, by the names of Kafka's broker configs: only what is true here. */
import { groupConfigs } from '../configs/index.ts'
import { topicConfigs } from '../log/index.ts'
import { type ConfigValue, configSource, configType } from './config-values.ts'
import type { Broker } from './handler.ts'

type Row = readonly [name: string, type: keyof typeof configType, value: string, about: string]

/** This broker's own settings, and the defaults that topics and groups inherit. All are read-only. */
export function brokerConfigValues(nodeId: number, { config, cluster }: Broker): ConfigValue[] {
  const gateway = cluster.gateways().find(candidate => candidate.nodeId === nodeId)
  const address = gateway ? `PLAINTEXT://${gateway.host}:${gateway.port}` : ''
  const set: readonly Row[] = [
    ['node.id', 'int', String(nodeId), 'The number of this gateway.'],
    ['broker.id', 'int', String(nodeId), 'The number of this gateway.'],
    ['advertised.listeners', 'list', address, 'Where clients find this gateway.'],
    ['broker.rack', 'string', gateway?.rack ?? '', 'The zone of this gateway.'],
    ['auto.create.topics.enable', 'boolean', String(config.autoCreateTopics), 'Whether using a topic creates it.'],
    ['num.partitions', 'int', String(config.defaultPartitions), 'Partitions of a topic that does not say.'],
    ['socket.request.max.bytes', 'int', String(config.requestBytesMax), 'The largest request.'],
    ['fetch.max.bytes', 'int', String(config.fetchBytesMax), 'The most that a fetch answers with.'],
  ]
  const fixed: readonly Row[] = [
    ['default.replication.factor', 'int', '1', 'The stores replicate.'],
    ['delete.topic.enable', 'boolean', 'true', 'Topics can be deleted.'],
    ['authorizer.class.name', 'string', '', 'There is no authorizer.'],
    ['auto.leader.rebalance.enable', 'boolean', 'false', 'There are no leaders to move.'],
    ['offset.metadata.max.bytes', 'int', '4096', 'The longest metadata of a committed offset.'],
    ['group.min.session.timeout.ms', 'int', '6000', 'The shortest session timeout of a classic group.'],
    ['group.max.session.timeout.ms', 'int', '1800000', 'The longest session timeout of a classic group.'],
    ['transaction.max.timeout.ms', 'int', '900000', 'The longest timeout of a transaction.'],
  ]
  const inherited = [...Object.values(topicConfigs), ...Object.values(groupConfigs)].flatMap(definition =>
    definition.brokerName === undefined
      ? []
      : [[definition.brokerName, definition.type, definition.default, definition.about] as const],
  )
  return [
    ...set.map(row => readOnly(row, configSource.brokerStatic)),
    ...[...fixed, ...inherited].map(row => readOnly(row, configSource.default)),
  ]
}

function readOnly([name, type, value, about]: Row, source: number): ConfigValue {
  return { name, type: configType[type], value, about, source, isReadOnly: true, synonyms: [{ name, value, source }] }
}
