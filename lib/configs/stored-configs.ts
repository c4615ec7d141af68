/**
 * The configs of groups and of subscriptions to clients' metrics, client quotas, and throttles of brokers: one small document for each resource that has any,
 * `configs#<kind>` / <name>, changed by compare-and-swap. It is removed when nothing is set any more, so that a first write that
 * was delayed on its way does not bring it back (lib/lifetimes).
 *
 * A write whose outcome is unknown is looked for by reading again: the change is then made of what is there, and making it
 * twice does what making it once does.
 */
import { LRUCache } from 'lru-cache'
import { ByteReader, ByteWriter, type Clock, checkFormat, drawToken, type Random } from '../base/index.ts'
import { checkOfMaking, markOfRemoval } from '../lifetimes/index.ts'
import { type Item, type ItemKey, type ItemStore, StoreError, type WriteOperation } from '../storage/index.ts'
import type { Configs } from './definition.ts'
import { ConfigError } from './errors.ts'
import { type GroupConfigValues, groupConfigValues } from './group-configs.ts'

export type ConfigKind = 'group' | 'client-metrics' | 'client-quotas' | 'broker'

/** For those who run groups. */
export interface GroupConfigs {
  /** May be `CONFIGS_CACHE_MS` old. @throws StoreError */
  ofGroup(groupId: string): Promise<GroupConfigValues>
}

/** How long a group's configs are believed without asking. */
export const CONFIGS_CACHE_MS = 10_000
const GROUPS_CACHED_MAX = 10_000
const ATTEMPTS_MAX = 50
const DOCUMENT_BYTES_MAX = 100_000
const FORMAT_VERSION = 1
const NOTHING_SET = encodeConfigs({})

export interface StoredConfigsParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export class StoredConfigs implements GroupConfigs {
  readonly #parts: StoredConfigsParts
  readonly #groups = new LRUCache<string, { values: GroupConfigValues; askedAt: number }>({
    maxSize: GROUPS_CACHED_MAX,
    sizeCalculation: () => 1,
  })

  constructor(parts: StoredConfigsParts) {
    this.#parts = parts
  }

  async ofGroup(groupId: string): Promise<GroupConfigValues> {
    const now = this.#parts.clock.monotonic()
    const cached = this.#groups.get(groupId)
    if (cached && now - cached.askedAt < CONFIGS_CACHE_MS) return cached.values
    const values = groupConfigValues((await this.get('group', groupId)) ?? {})
    this.#groups.set(groupId, { values, askedAt: now })
    return values
  }

  /** Read strongly; undefined: nothing is set. @throws StoreError */
  async get(kind: ConfigKind, name: string): Promise<Configs | undefined> {
    const item = await this.#parts.items.get(configsKey(kind, name))
    const configs = item && decodeConfigs(item.value)
    return configs && Object.keys(configs).length > 0 ? configs : undefined
  }

  /** The names of all that have configs set, sorted. @throws StoreError */
  async list(kind: ConfigKind): Promise<string[]> {
    return (await this.all(kind)).map(([name]) => name)
  }

  /** All that have configs set, sorted by name. @throws StoreError */
  async all(kind: ConfigKind): Promise<(readonly [name: string, Configs])[]> {
    const all: (readonly [string, Configs])[] = []
    let cursor: string | undefined
    do {
      const page = await this.#parts.items.query(partitionOf(kind), cursor === undefined ? {} : { cursor })
      const read = page.items.map(item => [item.key.sk, decodeConfigs(item.value)] as const)
      all.push(...read.filter(([, configs]) => Object.keys(configs).length > 0))
      cursor = page.cursor
    } while (cursor !== undefined)
    return all
  }

  /**
   * Sets what `change` makes of what is set; it may be called several times. Other processes know after
   * `CONFIGS_CACHE_MS` at most.
   * @throws what `change` throws, ConfigError where the document would be too large, StoreError
   */
  async change(kind: ConfigKind, name: string, change: (configs: Configs) => Configs): Promise<void> {
    const key = configsKey(kind, name)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await this.#parts.items.get(key)
      const value = encodeConfigs(change(item ? decodeConfigs(item.value) : {}))
      const isNothing = value.equals(NOTHING_SET)
      if (item ? value.equals(item.value) && !isNothing : isNothing) return
      const version = drawToken(this.#parts.random)
      const put = { kind: 'put', key, expected: item?.version ?? 'absent', version, value } as const
      const written = await this.#write(await this.#operations(put, item))
      this.#groups.delete(name)
      if (written) return
    }
    throw new StoreError('STORE_THROTTLED', `the configs of ${kind} '${name}' changed ${ATTEMPTS_MAX} times in a row`)
  }

  async #operations(put: WriteOperation & { kind: 'put' }, item: Item | undefined): Promise<WriteOperation[]> {
    const { items, random } = this.#parts
    const { key } = put
    if (!item) return [put, await checkOfMaking(items, key)]
    if (!NOTHING_SET.equals(put.value)) return [put]
    return [{ kind: 'delete', key, expected: item.version }, await markOfRemoval(items, random, key)]
  }

  /** false: it was not written, or nobody knows; look again. */
  async #write(operations: readonly WriteOperation[]): Promise<boolean> {
    try {
      return (await this.#parts.items.write(operations)).written
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') return false
      throw error
    }
  }
}

function partitionOf(kind: ConfigKind): string {
  return `configs#${kind}`
}

export function configsKey(kind: ConfigKind, name: string): ItemKey {
  return { pk: partitionOf(kind), sk: name }
}

/** @throws ConfigError INVALID_CONFIG */
export function encodeConfigs(configs: Configs): Buffer {
  const pairs = Object.entries(configs)
  const writer = new ByteWriter(256).uint8(FORMAT_VERSION).uint(pairs.length)
  for (const [name, value] of pairs) writer.string(name).string(value)
  if (writer.length > DOCUMENT_BYTES_MAX) {
    throw new ConfigError('INVALID_CONFIG', `the configs are longer than ${DOCUMENT_BYTES_MAX} bytes together`)
  }
  return writer.finish()
}

/** @throws CorruptDataError */
export function decodeConfigs(bytes: Uint8Array): Configs {
  const reader = new ByteReader(bytes)
  const format = reader.uint8()
  checkFormat('configs', format, FORMAT_VERSION)
  return Object.fromEntries(reader.list(pair => [pair.string(), pair.string()] as const))
}
