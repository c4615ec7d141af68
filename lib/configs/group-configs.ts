/**
 * The configs of groups (KIP-848, KIP-932, KIP-1071) of Apache Kafka 4.4: table, check, and as values for those who run
 * the groups. Limits are those of a Kafka whose broker configs are not set, but for heartbeats of consumer and streams groups:
 * they come each second unless the group says otherwise, so that rebalances are short.
 */
import {
  type ConfigDefinition,
  type Configs,
  flawOfConfigs,
  listConfig,
  numberConfig,
  textConfig,
} from './definition.ts'
import { parseDurationMs } from './duration.ts'
import { ConfigError } from './errors.ts'

interface GroupConfigDefinition extends ConfigDefinition {
  /** What the operator allows, both inclusive; narrower than what can be. */
  readonly range?: readonly [number, number]
}

const sessionTimeout = (kind: string): GroupConfigDefinition => ({
  type: 'int',
  default: '45000',
  min: 1,
  range: [45_000, 60_000],
  brokerName: `group.${kind}.session.timeout.ms`,
  about: 'A member that is not heard of for so long is taken out of the group.',
})
const heartbeatInterval = (kind: string, defaultMs: number): GroupConfigDefinition => ({
  type: 'int',
  default: String(defaultMs),
  min: 1,
  range: [defaultMs, 15_000],
  brokerName: `group.${kind}.heartbeat.interval.ms`,
  about: 'How often members are told to send heartbeats.',
})
const assignmentInterval = (kind: string): GroupConfigDefinition => ({
  type: 'int',
  default: '1000',
  min: 0,
  range: [0, 15_000],
  brokerName: `group.${kind}.assignment.interval.ms`,
  unused: true,
  about: 'The least time between two assignments.',
})

export const groupConfigs: Readonly<Record<string, GroupConfigDefinition>> = {
  'consumer.assignment.interval.ms': assignmentInterval('consumer'),
  'consumer.heartbeat.interval.ms': heartbeatInterval('consumer', 1_000),
  'consumer.session.timeout.ms': sessionTimeout('consumer'),
  'errors.deadletterqueue.copy.record.enable': {
    type: 'boolean',
    default: 'false',
    brokerName: 'errors.deadletterqueue.copy.record.enable',
    unused: true,
    about: 'Whether a dead letter holds the record itself.',
  },
  'errors.deadletterqueue.topic.name': {
    type: 'string',
    default: '',
    brokerName: 'errors.deadletterqueue.topic.name',
    unused: true,
    about: 'The topic that takes records which a share group could not deliver.',
  },
  'share.assignment.interval.ms': assignmentInterval('share'),
  'share.auto.offset.reset': {
    type: 'string',
    default: 'latest',
    brokerName: 'share.auto.offset.reset',
    about: 'Where a share group begins: earliest, latest, or by_duration:<ISO 8601 duration> before now.',
  },
  'share.delivery.count.limit': {
    type: 'int',
    default: '5',
    min: 2,
    range: [2, 10],
    brokerName: 'group.share.delivery.count.limit',
    about: 'How often a share group tries to deliver a record.',
  },
  'share.heartbeat.interval.ms': heartbeatInterval('share', 5_000),
  'share.isolation.level': {
    type: 'string',
    default: 'read_uncommitted',
    oneOf: ['read_committed', 'read_uncommitted'],
    brokerName: 'share.isolation.level',
    about: 'Whether a share group sees records of open and aborted transactions.',
  },
  'share.partition.max.record.locks': {
    type: 'int',
    default: '2000',
    min: 100,
    range: [100, 4_000],
    brokerName: 'group.share.partition.max.record.locks',
    about: 'Records of a partition that may be under way to members at once.',
  },
  'share.record.lock.duration.ms': {
    type: 'int',
    default: '30000',
    min: 1_000,
    range: [15_000, 60_000],
    brokerName: 'group.share.record.lock.duration.ms',
    about: 'How long a member has a record to itself.',
  },
  'share.renew.acknowledge.enable': {
    type: 'boolean',
    default: 'true',
    brokerName: 'share.renew.acknowledge.enable',
    about: 'Whether members may hold a record for longer.',
  },
  'share.session.timeout.ms': sessionTimeout('share'),
  'streams.assignment.interval.ms': assignmentInterval('streams'),
  'streams.assignor.name': {
    type: 'string',
    default: 'sticky',
    brokerName: 'group.streams.assignors',
    about: 'Which of the assignors of tasks the group has; there is one, sticky.',
  },
  'streams.heartbeat.interval.ms': heartbeatInterval('streams', 1_000),
  'streams.initial.rebalance.delay.ms': {
    type: 'int',
    default: '3000',
    min: 0,
    brokerName: 'group.streams.initial.rebalance.delay.ms',
    unused: true,
    about: 'How long an empty group waits for more members.',
  },
  'streams.num.standby.replicas': {
    type: 'int',
    default: '0',
    min: 0,
    brokerName: 'group.streams.num.standby.replicas',
    about: 'Standby replicas of each task.',
  },
  'streams.rack.aware.assignment.tags': {
    type: 'list',
    default: '',
    brokerName: 'group.streams.rack.aware.assignment.tags',
    unused: true,
    about: 'Client tags by which standby replicas are spread.',
  },
  'streams.session.timeout.ms': sessionTimeout('streams'),
}

const standbyReplicasMax = 2
const streamsAssignors = ['sticky']

interface MemberTimes {
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
}

/** Where a group sets nothing, it has what the process that coordinates it was started with. */
type WhereSet<T> = { readonly [Name in keyof T]: T[Name] | undefined }

export type ShareStart = { readonly at: 'earliest' | 'latest' } | { readonly at: 'duration'; readonly ms: number }

/** A group's configs that have an effect; those of share groups set or by default. */
export interface GroupConfigValues {
  readonly consumer: WhereSet<MemberTimes>
  readonly share: MemberTimes & {
    readonly autoOffsetReset: ShareStart
    readonly deliveryCountLimit: number
    readonly isolationLevel: 'read_committed' | 'read_uncommitted'
    readonly partitionRecordLocksMax: number
    readonly recordLockDurationMs: number
    readonly renewAcknowledgeEnable: boolean
  }
  readonly streams: WhereSet<MemberTimes & { readonly standbyReplicas: number }>
}

export function groupConfigValues(configs: Configs): GroupConfigValues {
  const text = (name: string) => textConfig(groupConfigs, configs, name)
  const number = (name: string) => numberConfig(groupConfigs, configs, name)
  const set = (name: string) => (Object.hasOwn(configs, name) ? number(name) : undefined)
  const setTimes = (kind: 'consumer' | 'streams') => ({
    sessionTimeoutMs: set(`${kind}.session.timeout.ms`),
    heartbeatIntervalMs: set(`${kind}.heartbeat.interval.ms`),
  })
  return {
    consumer: setTimes('consumer'),
    share: {
      sessionTimeoutMs: number('share.session.timeout.ms'),
      heartbeatIntervalMs: number('share.heartbeat.interval.ms'),
      autoOffsetReset: shareStartOf(text('share.auto.offset.reset')) ?? { at: 'latest' },
      deliveryCountLimit: number('share.delivery.count.limit'),
      isolationLevel: text('share.isolation.level') === 'read_committed' ? 'read_committed' : 'read_uncommitted',
      partitionRecordLocksMax: number('share.partition.max.record.locks'),
      recordLockDurationMs: number('share.record.lock.duration.ms'),
      renewAcknowledgeEnable: text('share.renew.acknowledge.enable').toLowerCase() === 'true',
    },
    streams: { ...setTimes('streams'), standbyReplicas: set('streams.num.standby.replicas') },
  }
}

/** @throws ConfigError INVALID_CONFIG that names the first config that cannot be, and why. */
export function validateGroupConfigs(configs: Configs): void {
  const flaw = flawOfConfigs(groupConfigs, configs, 'group') ?? flawOfStart(configs) ?? flawOfGroup(configs)
  if (flaw) throw new ConfigError('INVALID_CONFIG', flaw)
}

function flawOfStart(configs: Configs): string | undefined {
  const name = 'share.auto.offset.reset'
  const value = textConfig(groupConfigs, configs, name)
  if (shareStartOf(value)) return undefined
  return `Invalid value ${value} for configuration ${name}: Invalid value \`${value}\` for configuration ${name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`
}

function flawOfGroup(configs: Configs): string | undefined {
  for (const name of Object.keys(configs)) {
    const range = groupConfigs[name]?.range
    const value = numberConfig(groupConfigs, configs, name)
    if (range && (value < range[0] || value > range[1])) {
      return `${name} must be in the range ${range[0]} to ${range[1]} inclusive.`
    }
  }
  if (numberConfig(groupConfigs, configs, 'streams.num.standby.replicas') > standbyReplicasMax) {
    return `streams.num.standby.replicas must be less than or equal to ${standbyReplicasMax}`
  }
  const assignor = textConfig(groupConfigs, configs, 'streams.assignor.name')
  if (!streamsAssignors.includes(assignor)) {
    const known = streamsAssignors.join(', ')
    return `streams.assignor.name '${assignor}' is not a registered task assignor. Registered assignors are: [${known}].`
  }
  const tags = listConfig(groupConfigs, configs, 'streams.rack.aware.assignment.tags')
  if (new Set(tags).size < tags.length) {
    return 'streams.rack.aware.assignment.tags must not contain duplicate tag keys.'
  }
  return textConfig(groupConfigs, configs, 'errors.deadletterqueue.topic.name').startsWith('__')
    ? "errors.deadletterqueue.topic.name: DLQ topic name must not start with '__'"
    : undefined
}

function shareStartOf(value: string): ShareStart | undefined {
  if (value === 'earliest' || value === 'latest') return { at: value }
  if (!value.startsWith('by_duration:')) return undefined
  const ms = parseDurationMs(value.slice('by_duration:'.length))
  return ms === undefined || ms < 0 ? undefined : { at: 'duration', ms }
}
