/**
 * The topic configs of Apache Kafka 4.4: names, types, defaults and limits, as a table, and the check of what a user
 * sets. Values are strings, as on the wire. Configs about a broker's files or replicas are accepted, kept and shown, so
 * that tools written for Kafka work, and change nothing here; `unused` marks them.
 */
import {
  type ConfigDefinitions,
  type Configs,
  flawOfConfigs,
  listConfig as listIn,
  numberConfig as numberIn,
  textConfig as textIn,
} from '../../configs/index.ts'
import { STORAGE_CLASSES } from '../../storage/index.ts'
import { LogError } from '../errors.ts'
import { FORK_AT, FORK_FROM } from '../fork/fork-point.ts'
import { parseArchiveColumns } from './archive-columns.ts'

const longMax = '9223372036854775807'

const throttledReplicas = {
  form: /^(|\*|\d+:\d+(,\d+:\d+)*)$/,
  about:
    "must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
}

export const topicConfigs: ConfigDefinitions = {
  'cleanup.policy': {
    type: 'list',
    default: 'delete',
    oneOf: ['compact', 'delete'],
    brokerName: 'log.cleanup.policy',
    about: 'delete: old records go by time and size; compact: the last record of each key stays; empty: all stay.',
  },
  'compression.gzip.level': {
    type: 'int',
    default: '-1',
    min: 1,
    max: 9,
    orElse: -1,
    brokerName: 'compression.gzip.level',
    about: 'How hard to compress where compression.type is gzip and the batch is not; -1: as zlib would.',
  },
  'compression.lz4.level': {
    type: 'int',
    default: '9',
    min: 1,
    max: 17,
    brokerName: 'compression.lz4.level',
    unused: true,
    about: 'LZ4 is written in one way only.',
  },
  'compression.type': {
    type: 'string',
    default: 'producer',
    oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
    brokerName: 'compression.type',
    about: 'How batches are kept; producer: as the producer compressed them.',
  },
  'compression.zstd.level': {
    type: 'int',
    default: '3',
    min: -131_072,
    max: 22,
    brokerName: 'compression.zstd.level',
    about: 'How hard to compress where compression.type is zstd and the batch is not.',
  },
  'delete.retention.ms': {
    type: 'long',
    default: '86400000',
    min: 0,
    brokerName: 'log.cleaner.delete.retention.ms',
    about: 'How long compaction keeps a tombstone.',
  },
  'errors.deadletterqueue.group.enable': {
    type: 'boolean',
    default: 'false',
    about: 'Share groups may write what they could not deliver to this topic.',
  },
  'file.delete.delay.ms': {
    type: 'long',
    default: '60000',
    min: 0,
    brokerName: 'log.segment.delete.delay.ms',
    unused: true,
    about: 'There are no segment files of one topic.',
  },
  'flush.messages': {
    type: 'long',
    default: longMax,
    min: 1,
    brokerName: 'log.flush.interval.messages',
    unused: true,
    about: 'Every acknowledged record is durable.',
  },
  'flush.ms': {
    type: 'long',
    default: longMax,
    min: 0,
    unused: true,
    about: 'Every acknowledged record is durable.',
  },
  'follower.replication.throttled.replicas': {
    type: 'list',
    default: '',
    pattern: throttledReplicas,
    unused: true,
    about: 'There are no replicas.',
  },
  'index.interval.bytes': {
    type: 'int',
    default: '4096',
    min: 0,
    brokerName: 'log.index.interval.bytes',
    unused: true,
    about: 'There are no index files.',
  },
  'leader.replication.throttled.replicas': {
    type: 'list',
    default: '',
    pattern: throttledReplicas,
    unused: true,
    about: 'There are no replicas.',
  },
  'local.retention.bytes': {
    type: 'long',
    default: '-2',
    min: -2,
    brokerName: 'log.local.retention.bytes',
    unused: true,
    about: 'There are no tiers.',
  },
  'local.retention.ms': {
    type: 'long',
    default: '-2',
    min: -2,
    brokerName: 'log.local.retention.ms',
    unused: true,
    about: 'There are no tiers.',
  },
  'max.compaction.lag.ms': {
    type: 'long',
    default: longMax,
    min: 1,
    brokerName: 'log.cleaner.max.compaction.lag.ms',
    about: 'A record waits at most this long for compaction.',
  },
  'max.decompressed.message.bytes': {
    type: 'int',
    default: '2147483639',
    min: 1,
    max: 2_147_483_639,
    brokerName: 'max.decompressed.message.bytes',
    about: 'The largest record, decompressed.',
  },
  'max.message.bytes': {
    type: 'int',
    default: '1048588',
    min: 0,
    brokerName: 'message.max.bytes',
    about: 'The largest record batch, as the producer sent it.',
  },
  'message.timestamp.after.max.ms': {
    type: 'long',
    default: '3600000',
    min: 0,
    brokerName: 'log.message.timestamp.after.max.ms',
    about: 'How far in the future a record may be.',
  },
  'message.timestamp.before.max.ms': {
    type: 'long',
    default: longMax,
    min: 0,
    brokerName: 'log.message.timestamp.before.max.ms',
    about: 'How far in the past a record may be.',
  },
  'message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
    brokerName: 'log.message.timestamp.type',
    about: "Whether records carry the producer's time or the time of the append.",
  },
  'min.cleanable.dirty.ratio': {
    type: 'double',
    default: '0.5',
    min: 0,
    max: 1,
    brokerName: 'log.cleaner.min.cleanable.ratio',
    about: 'A compacted topic is cleaned when this part of it was not yet.',
  },
  'min.compaction.lag.ms': {
    type: 'long',
    default: '0',
    min: 0,
    brokerName: 'log.cleaner.min.compaction.lag.ms',
    about: 'A record is not compacted before this age.',
  },
  'min.insync.replicas': {
    type: 'int',
    default: '1',
    min: 1,
    brokerName: 'min.insync.replicas',
    unused: true,
    about: 'There are no replicas; the stores make records durable.',
  },
  preallocate: {
    type: 'boolean',
    default: 'false',
    brokerName: 'log.preallocate',
    unused: true,
    about: 'There are no segment files of one topic.',
  },
  'remote.copy.lag.bytes': {
    type: 'long',
    default: '-1',
    min: -1,
    brokerName: 'log.remote.copy.lag.bytes',
    unused: true,
    about: 'There are no tiers.',
  },
  'remote.copy.lag.ms': {
    type: 'long',
    default: '0',
    min: -1,
    brokerName: 'log.remote.copy.lag.ms',
    unused: true,
    about: 'There are no tiers.',
  },
  'remote.log.copy.disable': { type: 'boolean', default: 'false', unused: true, about: 'There are no tiers.' },
  'remote.log.delete.on.disable': { type: 'boolean', default: 'false', unused: true, about: 'There are no tiers.' },
  'remote.storage.enable': {
    type: 'boolean',
    default: 'false',
    unused: true,
    about: 'There are no tiers: all records are in the object store.',
  },
  'retention.bytes': {
    type: 'long',
    default: '-1',
    brokerName: 'log.retention.bytes',
    about: 'The oldest records of a partition go when it is larger than this; -1: no limit.',
  },
  'retention.ms': {
    type: 'long',
    default: '604800000',
    min: -1,
    about: 'Records older than this go; -1: they stay.',
  },
  'segment.bytes': {
    type: 'int',
    default: '1073741824',
    min: 1_048_576,
    brokerName: 'log.segment.bytes',
    unused: true,
    about: 'Segments hold records of many topics.',
  },
  'segment.index.bytes': {
    type: 'int',
    default: '10485760',
    min: 4,
    brokerName: 'log.index.size.max.bytes',
    unused: true,
    about: 'There are no index files.',
  },
  'segment.jitter.ms': {
    type: 'long',
    default: '0',
    min: 0,
    unused: true,
    about: 'Segments hold records of many topics.',
  },
  'segment.ms': {
    type: 'long',
    default: '604800000',
    min: 1,
    unused: true,
    about: 'Segments hold records of many topics.',
  },
  'unclean.leader.election.enable': {
    type: 'boolean',
    default: 'false',
    brokerName: 'unclean.leader.election.enable',
    unused: true,
    about: 'There are no elections.',
  },
  [FORK_AT]: {
    type: 'string',
    default: 'latest',
    fixed: true,
    about:
      'Where a fork parts from its source: latest, a time (2026-11-23T10:00:00Z), or partition:offset pairs (0:1500,3:20).',
  },
  [FORK_FROM]: {
    type: 'string',
    default: '',
    fixed: true,
    about: 'The topic that this one is made from, sharing what that has stored.',
  },
  'varve.archive': {
    type: 'string',
    default: 'none',
    oneOf: ['none', 'iceberg'],
    about: 'iceberg: upkeep writes the records to an Apache Iceberg table too.',
  },
  'varve.archive.lag.ms': {
    type: 'long',
    default: '7200000',
    min: 0,
    about: 'Records are archived when one of them is this old, many at a time.',
  },
  'varve.archive.schema': {
    type: 'string',
    default: '',
    about: 'Columns for what JSON values hold: name:type or name=path.in.value:type, with commas between them.',
  },
  'varve.storage.class': {
    type: 'string',
    default: 'STANDARD_IA',
    oneOf: STORAGE_CLASSES,
    about: "S3's storage class for records that are older than varve.storage.class.after.ms.",
  },
  'varve.storage.class.after.ms': {
    type: 'long',
    default: '-1',
    min: -1,
    about:
      'Records older than this are kept in varve.storage.class; -1: never. Not for topics with cleanup.policy=compact.',
  },
}

/**
 * What a topic's config is, set or by default, as a number. A long above 2^53 is rounded, which is for limits that
 * nothing reaches.
 */
export function numberConfig(configs: Configs, name: string): number {
  return numberIn(topicConfigs, configs, name)
}

/** The members of a list config, set or by default. */
export function listConfig(configs: Configs, name: string): string[] {
  return listIn(topicConfigs, configs, name)
}

/** What a topic's config is, set or by default. */
export function textConfig(configs: Configs, name: string): string {
  return textIn(topicConfigs, configs, name)
}

/** @throws LogError INVALID_CONFIG that names the first config that cannot be, and why. */
export function validateTopicConfigs(configs: Configs): void {
  const flaw = flawOfConfigs(topicConfigs, configs, 'topic') ?? flawOfTopic(configs)
  if (flaw) throw new LogError('INVALID_CONFIG', flaw)
}

/**
 * The configs of a topic after a change. Those that are fixed stay, said again or not.
 * @throws LogError INVALID_CONFIG where one of them would be another
 */
export function withFixedConfigs(changed: Configs, before: Configs): Configs {
  const fixed = Object.keys(topicConfigs).filter(name => topicConfigs[name]?.fixed)
  const other = fixed.find(name => Object.hasOwn(changed, name) && changed[name] !== before[name])
  if (other !== undefined)
    throw new LogError('INVALID_CONFIG', `${other} is for making a fork, and cannot be set or changed otherwise`)
  const kept = fixed.filter(name => Object.hasOwn(before, name)).map(name => [name, before[name]!] as const)
  return { ...changed, ...Object.fromEntries(kept) }
}

function flawOfTopic(configs: Configs): string | undefined {
  const minLag = textConfig(configs, 'min.compaction.lag.ms')
  const maxLag = textConfig(configs, 'max.compaction.lag.ms')
  if (BigInt(minLag) > BigInt(maxLag)) {
    return `conflict topic config setting min.compaction.lag.ms (${minLag}) > max.compaction.lag.ms (${maxLag})`
  }
  const columns = parseArchiveColumns(textConfig(configs, 'varve.archive.schema'))
  if ('flaw' in columns) return `Invalid value for configuration varve.archive.schema: ${columns.flaw}`
  if (
    numberConfig(configs, 'varve.storage.class.after.ms') >= 0 &&
    listConfig(configs, 'cleanup.policy').includes('compact')
  )
    return 'varve.storage.class.after.ms is for topics without cleanup.policy=compact, whose old records are rewritten again and again'
  return textConfig(configs, 'remote.storage.enable').toLowerCase() === 'true'
    ? 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.'
    : undefined
}
