/**
 * The configs that a group can have (Kafka's resource type GROUP, KIP-848, 932, 1071): names, types, defaults and limits of
 * Apache Kafka 4.4 as a table, the check of what a user sets, and the document `group-configs` / `<group id>` that keeps
 * what was set. They are there before the group is, and stay when it goes, as in Kafka.
 */
import { ByteReader, ByteWriter, type Clock, CorruptDataError, drawToken, type Random } from '../base/index.ts'
import type { ItemStore } from '../storage/index.ts'
import { checkGroupId, GroupError } from './errors.ts'
import { RecentlyUsed } from './recently-used.ts'
import { CONFLICT_ATTEMPTS_MAX } from './settings.ts'

export interface GroupConfig {
  readonly type: 'boolean' | 'string' | 'int'
  readonly default: string
  /** Kafka's name for the broker-wide default. */
  readonly brokerName: string
  /** For numbers, both inclusive: Kafka's own limits of what a group may be given. */
  readonly min?: number
  readonly max?: number
  /** For strings. */
  readonly pattern?: RegExp
  /** What `pattern` means, in words. */
  readonly expected?: string
  readonly about: string
}

const int = (brokerName: string, standard: number, [min, max]: readonly [number, number], about: string) =>
  ({ type: 'int', default: String(standard), brokerName, min, max, about }) as const

export const groupConfigs = {
  'consumer.heartbeat.interval.ms': int(
    'group.consumer.heartbeat.interval.ms',
    5_000,
    [5_000, 15_000],
    'How often members of a consumer group send heartbeats.',
  ),
  'consumer.session.timeout.ms': int(
    'group.consumer.session.timeout.ms',
    45_000,
    [45_000, 60_000],
    'A member of a consumer group that is silent for so long is gone.',
  ),
  'share.auto.offset.reset': {
    type: 'string',
    default: 'latest',
    brokerName: '',
    pattern: /^(latest|earliest|by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/,
    expected: 'latest, earliest or by_duration:PnDTnHnMn.nS',
    about: 'Where a share group begins in a partition that it has not read before.',
  },
  'share.delivery.count.limit': int(
    'group.share.delivery.count.limit',
    5,
    [2, 10],
    'How often a record is delivered to a share group before it is given up.',
  ),
  'share.heartbeat.interval.ms': int(
    'group.share.heartbeat.interval.ms',
    5_000,
    [5_000, 15_000],
    'How often members of a share group send heartbeats.',
  ),
  'share.isolation.level': {
    type: 'string',
    default: 'read_uncommitted',
    brokerName: '',
    pattern: /^read_(un)?committed$/,
    expected: 'read_committed or read_uncommitted',
    about: 'Whether a share group is given records of transactions that are open or were aborted.',
  },
  'share.partition.max.record.locks': int(
    'group.share.partition.max.record.locks',
    2_000,
    [100, 4_000],
    'Records of one partition that may be in flight in a share group.',
  ),
  'share.record.lock.duration.ms': int(
    'group.share.record.lock.duration.ms',
    30_000,
    [1_000, 60_000],
    'How long a member of a share group holds a record before others get it.',
  ),
  'share.renew.acknowledge.enable': {
    type: 'boolean',
    default: 'true',
    brokerName: '',
    about: 'Whether members of a share group may extend the time for which they hold a record.',
  },
  'share.session.timeout.ms': int(
    'group.share.session.timeout.ms',
    45_000,
    [45_000, 60_000],
    'A member of a share group that is silent for so long is gone.',
  ),
} as const satisfies Readonly<Record<string, GroupConfig>>

export type GroupConfigName = keyof typeof groupConfigs

/** What was set, as strings. */
export type GroupConfigValues = Readonly<Partial<Record<GroupConfigName, string>>>

/** @throws GroupError INVALID_CONFIG for a name that is not known or a value that does not fit */
export function validateGroupConfigs(values: Readonly<Record<string, string>>): GroupConfigValues {
  for (const [name, value] of Object.entries(values)) {
    const config: GroupConfig | undefined = Object.hasOwn(groupConfigs, name)
      ? groupConfigs[name as GroupConfigName]
      : undefined
    if (!config) throw new GroupError('INVALID_CONFIG', `Unknown group config name: ${name}`)
    const problem = problemOf(config, value)
    if (problem) throw new GroupError('INVALID_CONFIG', `Invalid value ${value} for configuration ${name}: ${problem}`)
  }
  return values
}

function problemOf({ type, min, max, pattern, expected }: GroupConfig, value: string): string | undefined {
  if (type === 'boolean') return /^(true|false)$/i.test(value) ? undefined : 'Expected value to be either true or false'
  if (type === 'string') return pattern?.test(value) ? undefined : `Expected ${expected}`
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : Number.NaN
  if (Number.isNaN(number)) return 'Not a number of type INT'
  if (min !== undefined && number < min) return `Value must be at least ${min}`
  return max !== undefined && number > max ? `Value must be no more than ${max}` : undefined
}

/** The number that holds for a group. */
export function groupNumber(values: GroupConfigValues, name: GroupConfigName): number {
  return Number(values[name] ?? groupConfigs[name].default)
}

const PARTITION = 'group-configs'
const FORMAT_VERSION = 1
/** A gateway sees what another one changed after so long at the latest. */
const CACHED_MS = 2_000
const CACHED_GROUPS_MAX = 10_000

export interface GroupConfigsOptions {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export class GroupConfigs {
  readonly #options: GroupConfigsOptions
  readonly #cached = new RecentlyUsed<string, { readonly values: GroupConfigValues; readonly asOf: number }>(
    CACHED_GROUPS_MAX,
  )

  constructor(options: GroupConfigsOptions) {
    this.#options = options
  }

  /** What is set for a group; may be a few seconds old. @throws StoreError */
  async find(groupId: string): Promise<GroupConfigValues> {
    const { clock } = this.#options
    const cached = this.#cached.get(groupId)
    const asOf = clock.monotonic()
    if (cached && asOf - cached.asOf < CACHED_MS) return cached.values
    const { values } = await this.read(groupId)
    this.#cached.set(groupId, { values, asOf })
    return values
  }

  /** What is set for a group, read strongly. @throws StoreError */
  async read(groupId: string): Promise<{ readonly values: GroupConfigValues; readonly version: number | 'absent' }> {
    const item = await this.#options.items.get({ pk: PARTITION, sk: groupId })
    return item ? { values: decode(item.value), version: item.version } : { values: {}, version: 'absent' }
  }

  /** The groups for which something is set, sorted. @throws StoreError */
  async list(): Promise<string[]> {
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await this.#options.items.query(PARTITION, cursor === undefined ? {} : { cursor })
      for (const { key, value } of page.items) if (Object.keys(decode(value)).length > 0) found.push(key.sk)
      cursor = page.cursor
    } while (cursor !== undefined)
    return found
  }

  /**
   * Replaces what is set by what `change` makes of it.
   * @throws StoreError; GroupError INVALID_CONFIG, INVALID_GROUP_ID, COORDINATOR_NOT_AVAILABLE (too many at once)
   */
  async alter(groupId: string, change: (set: GroupConfigValues) => Readonly<Record<string, string>>): Promise<void> {
    checkGroupId(groupId)
    const { items, random, clock } = this.#options
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const { values, version: expected } = await this.read(groupId)
      const next = validateGroupConfigs(change(values))
      const put = {
        kind: 'put',
        key: { pk: PARTITION, sk: groupId },
        expected,
        version: drawToken(random),
        value: encode(next),
      } as const
      const { written } = await items.write([put])
      if (written) {
        this.#cached.set(groupId, { values: next, asOf: clock.monotonic() })
        return
      }
    }
    throw new GroupError('COORDINATOR_NOT_AVAILABLE', `the configs of group '${groupId}' keep changing`)
  }
}

function encode(values: GroupConfigValues): Uint8Array {
  const entries = Object.entries(values)
  const writer = new ByteWriter().uint8(FORMAT_VERSION).uint(entries.length)
  for (const [name, value] of entries) writer.string(name).string(value)
  return writer.finish()
}

function decode(bytes: Uint8Array): GroupConfigValues {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  if (version !== FORMAT_VERSION) throw new CorruptDataError(`group configs of unknown format ${version}`)
  return Object.fromEntries(reader.list(r => [r.string(), r.string()]))
}
