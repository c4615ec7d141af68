/**
 * What a gateway tells of its own settings, by the names of Kafka's broker configs: what is set, what topics and groups
 * inherit, and for the rest, which steers nothing here, what Kafka says of it.
 */
import { groupConfigs } from '../configs/index.ts'
import { topicConfigs } from '../log/index.ts'
import { defaultBrokerConfig } from './broker-config.ts'
import { type ConfigValue, configSource, configType } from './config-values.ts'
import type { Broker } from './handler.ts'
import { logDirectory } from './handlers/describe-log-dirs.ts'
import { type KafkaBrokerConfig, kafkaBrokerConfigs } from './kafka-broker-configs.ts'

type Row = readonly [name: string, type: keyof typeof configType, value: string, about: string, otherwise?: string]

/** This broker's own settings, and the defaults that topics and groups inherit. All are read-only. */
export function brokerConfigValues(nodeId: number, { config, cluster }: Broker): ConfigValue[] {
  const gateway = cluster.gateways().find(candidate => candidate.nodeId === nodeId)
  const address = gateway ? `PLAINTEXT://${gateway.host}:${gateway.port}` : ''
  const { autoCreateTopics, defaultPartitions, requestBytesMax, fetchBytesMax } = config
  const { offsetsRetentionMinutes, transactionalIdExpirationMs } = config
  const standard = defaultBrokerConfig
  const rows: readonly Row[] = [
    ['node.id', 'int', String(nodeId), 'The number of this gateway.', ''],
    ['broker.id', 'int', String(nodeId), 'The number of this gateway.', '-1'],
    ['advertised.listeners', 'list', address, 'Where clients find this gateway.', ''],
    ['listeners', 'list', address, 'Where clients find this gateway.', ''],
    ...(gateway?.rack ? [['broker.rack', 'string', gateway.rack, 'The zone of this gateway.', ''] as const] : []),
    ['process.roles', 'list', 'broker,controller', 'Each gateway does all that a controller does.', ''],
    ['log.dirs', 'list', logDirectory, 'The one directory stands for the stores.', ''],
    [
      'auto.create.topics.enable',
      'boolean',
      String(autoCreateTopics),
      'Whether using a topic creates it.',
      String(standard.autoCreateTopics),
    ],
    [
      'num.partitions',
      'int',
      String(defaultPartitions),
      'Partitions of a topic that does not say.',
      String(standard.defaultPartitions),
    ],
    ['socket.request.max.bytes', 'int', String(requestBytesMax), 'The largest request.'],
    ['fetch.max.bytes', 'int', String(fetchBytesMax), 'The most that a fetch answers with.'],
    ['default.replication.factor', 'int', '1', 'The stores replicate.'],
    ['delete.topic.enable', 'boolean', 'true', 'Topics can be deleted.'],
    ['auto.leader.rebalance.enable', 'boolean', 'false', 'There are no leaders to move.'],
    ['offset.metadata.max.bytes', 'int', '4096', 'The longest metadata of a committed offset.'],
    ['group.min.session.timeout.ms', 'int', '6000', 'The shortest session timeout of a classic group.'],
    ['group.max.session.timeout.ms', 'int', '1800000', 'The longest session timeout of a classic group.'],
    [
      'offsets.retention.minutes',
      'int',
      String(offsetsRetentionMinutes),
      'How long a group that nobody is in keeps its committed offsets.',
      String(standard.offsetsRetentionMinutes),
    ],
    [
      'transactional.id.expiration.ms',
      'int',
      String(transactionalIdExpirationMs),
      'How long a transactional id is remembered that nobody uses.',
      String(standard.transactionalIdExpirationMs),
    ],
    [
      'group.initial.rebalance.delay.ms',
      'int',
      '500',
      'How long an empty classic group waits for more members.',
      '3000',
    ],
    ['group.consumer.min.heartbeat.interval.ms', 'int', '1000', 'The shortest heartbeat interval.', '5000'],
    ['group.streams.min.heartbeat.interval.ms', 'int', '1000', 'The shortest heartbeat interval.', '5000'],
    ['transaction.max.timeout.ms', 'int', '900000', 'The longest timeout of a transaction.'],
  ]
  const inherited = [...Object.values(topicConfigs), ...Object.values(groupConfigs)].flatMap(definition => {
    const name = definition.brokerName
    // Some of groups' configs have a default of the same name that Kafka's brokers do not tell of.
    const known = name === undefined ? undefined : kafkaBrokerConfigs.get(name)
    return known ? [[name!, known.type, definition.default, definition.about] as const] : []
  })
  const own = [...rows, ...inherited].map(readOnly)
  const told = new Set(own.map(({ name }) => name))
  return [...own, ...[...kafkaBrokerConfigs].filter(([name]) => !told.has(name)).map(unused)]
}

function unused([name, { type, about, default: value }]: [string, KafkaBrokerConfig]): ConfigValue {
  return {
    name,
    value,
    about,
    type: configType[type],
    source: configSource.default,
    isReadOnly: true,
    synonyms: value === null ? [] : [{ name, value, source: configSource.default }],
  }
}

/** `otherwise`: the value of one that is not set; absent: this one. */
function readOnly([name, type, value, about, otherwise = value]: Row): ConfigValue {
  const fallback = { name, value: otherwise, source: configSource.default }
  const isSet = value !== otherwise
  const set = { name, value, source: configSource.brokerStatic }
  return {
    name,
    value,
    about,
    type: configType[type],
    source: isSet ? configSource.brokerStatic : configSource.default,
    isReadOnly: true,
    synonyms: isSet ? [set, ...(otherwise === '' ? [] : [fallback])] : [fallback],
  }
}
