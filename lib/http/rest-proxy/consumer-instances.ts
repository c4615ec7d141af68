/**
 * Consumer instances of REST Proxy v2. The Proxy keeps them in one process, and another answers 404; here an instance is an item, so
 * any process serves it. Each change is a compare-and-swap: of two requests that use an instance at once, one is refused.
 *
 *   rest#<group> / <instance> → version uint8 · JSON
 *   rest / <group> → version uint8: the group may have instances; written anew with each of them
 *
 * Instances that nobody used for a day are removed when another is made, and by upkeep.
 */
import * as z from 'zod'
import {
  ByteReader,
  ByteWriter,
  type Clock,
  CorruptDataError,
  checkFormat,
  drawToken,
  parseStoredJson,
  type Random,
} from '../../base/index.ts'
import { type UpkeepJob, upkeepIntervals } from '../../log/index.ts'
import { type Item, type ItemKey, type ItemStore, queryAll, StoreError, type Version } from '../../storage/index.ts'
import { HttpError } from '../errors.ts'
import { memberSchema } from '../groups/group-member.ts'
import { embeddedFormats } from './embedded-format.ts'

const FORMAT_VERSION = 1
const IDLE_MS_MAX = 24 * 3_600_000
/** An instance that is used says so this often. */
const USED_EVERY_MS = 600_000
const ATTEMPTS_MAX = 10
const INSTANCES_MAX = 1_000
const FORGET_INTERVAL_MS = 3_600_000

export const INSTANCE_GROUPS = 'rest'

const instanceSchema = z.object({
  format: z.enum(embeddedFormats),
  from: z.enum(['earliest', 'latest']),
  autoCommit: z.boolean(),
  waitMs: z.number(),
  member: memberSchema,
  usedAt: z.number(),
})
export type Instance = z.infer<typeof instanceSchema>

export interface StoredInstance {
  readonly instance: Instance
  readonly version: Version
}

export interface InstanceParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export class ConsumerInstances {
  readonly #parts: InstanceParts

  constructor(parts: InstanceParts) {
    this.#parts = parts
  }

  /** @throws HttpError INSTANCE_EXISTS */
  async create(group: string, name: string, instance: Omit<Instance, 'usedAt'>): Promise<void> {
    await this.#removeIdle(group)
    const value = encodeInstance({ ...instance, usedAt: this.#parts.clock.now() })
    const version = drawToken(this.#parts.random)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const put = { key: instanceKey(group, name), expected: 'absent', version, value } as const
      const listed = { kind: 'put', ...(await this.#listing(group)), value: encodeInstanceGroup(), version } as const
      if (await this.#written([{ kind: 'put', ...put }, listed])) return
      const item = await this.#parts.items.get(put.key)
      if (item?.version === version) return
      if (item) throw new HttpError('INSTANCE_EXISTS', `the group ${group} has a consumer ${name} already`)
    }
    throw new StoreError('STORE_THROTTLED', `the consumer ${name} could not be stored`)
  }

  async #listing(group: string): Promise<{ key: ItemKey; expected: Version | 'absent' }> {
    const key = instanceGroupKey(group)
    return { key, expected: (await this.#parts.items.get(key))?.version ?? 'absent' }
  }

  /** @throws HttpError UNKNOWN_INSTANCE */
  async find(group: string, name: string): Promise<StoredInstance> {
    const item = await this.#parts.items.get(instanceKey(group, name))
    if (!item) throw new HttpError('UNKNOWN_INSTANCE', `the group ${group} has no consumer ${name}`)
    return { instance: decodeInstance(item.value), version: item.version }
  }

  /** Writes nothing where nothing changed, but for a sign of life now and then. @throws HttpError INSTANCE_IN_USE */
  async replace(group: string, name: string, { instance, version }: StoredInstance, changed: Instance): Promise<void> {
    const now = this.#parts.clock.now()
    const same = JSON.stringify(instance) === JSON.stringify(changed)
    if (same && Math.abs(now - instance.usedAt) < USED_EVERY_MS) return
    const put = { key: instanceKey(group, name), expected: version, version: drawToken(this.#parts.random) }
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (await this.#written([{ kind: 'put', ...put, value: encodeInstance({ ...changed, usedAt: now }) }])) return
      const item = await this.#parts.items.get(put.key)
      if (item?.version === put.version) return
      if (item?.version !== version) break
    }
    throw new HttpError('INSTANCE_IN_USE', `the consumer ${name} was used by another request meanwhile`)
  }

  async remove(group: string, name: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const item = await this.#parts.items.get(instanceKey(group, name))
      if (!item || (await this.#delete(item))) return
    }
    throw new StoreError('STORE_THROTTLED', `the consumer ${name} could not be removed`)
  }

  async #removeIdle(group: string): Promise<void> {
    const { items, clock } = this.#parts
    const page = await items.query(pkOf(group))
    const idle = page.items.filter(item => decodeInstance(item.value).usedAt < clock.now() - IDLE_MS_MAX)
    for (const item of idle) await this.#delete(item)
    if (page.items.length - idle.length >= INSTANCES_MAX) {
      throw new HttpError('INSTANCE_EXISTS', `the group ${group} has ${INSTANCES_MAX} consumers already: delete some`)
    }
  }

  #delete({ key, version }: Item): Promise<boolean> {
    return this.#written([{ kind: 'delete', key, expected: version }])
  }

  /** false: it was not, or nobody knows; look again. */
  async #written(operations: Parameters<ItemStore['write']>[0]): Promise<boolean> {
    try {
      return (await this.#parts.items.write(operations)).written
    } catch (error) {
      if (error instanceof StoreError && error.effect === 'unknown') return false
      throw error
    }
  }
}

function pkOf(group: string): string {
  return `rest#${group}`
}

export function instanceKey(group: string, name: string): ItemKey {
  return { pk: pkOf(group), sk: name }
}

/** Removes idle instances, and the listings of groups that have none: an instance that is made meanwhile changes its group's. */
export function forgetInstancesJob({ items, clock }: Pick<InstanceParts, 'items' | 'clock'>): UpkeepJob {
  return {
    name: 'forget-consumer-instances',
    ...upkeepIntervals(FORGET_INTERVAL_MS),
    run: async pass => {
      if (!pass.isMine('consumer-instances')) return false
      let found = false
      for await (const listing of queryAll(items, INSTANCE_GROUPS)) {
        checkInstanceGroup(listing.value)
        const group = listing.key.sk
        let left = 0
        for await (const { key, version, value } of queryAll(items, pkOf(group))) {
          if (pass.signal.aborted) return found
          const isIdle = decodeInstance(value).usedAt < clock.now() - IDLE_MS_MAX
          if (isIdle) {
            found = true
            pass.tell(`consumer instance ${key.sk} of group ${group}`, 'nobody used it for a day')
          }
          if (!isIdle || pass.dry || !(await items.write([{ kind: 'delete', key, expected: version }])).written) left++
        }
        if (left > 0 || pass.dry) continue
        await items.write([{ kind: 'delete', key: listing.key, expected: listing.version }])
        await pass.pause()
      }
      return found
    },
  }
}

export function instanceGroupKey(group: string): ItemKey {
  return { pk: INSTANCE_GROUPS, sk: group }
}

export function encodeInstanceGroup(): Uint8Array {
  return Uint8Array.of(FORMAT_VERSION)
}

/** @throws CorruptDataError */
export function checkInstanceGroup(bytes: Uint8Array): void {
  checkFormat('group of consumer instances', bytes[0] ?? 0, FORMAT_VERSION)
}

export function encodeInstance(instance: Instance): Uint8Array {
  return new ByteWriter().uint8(FORMAT_VERSION).string(JSON.stringify(instance)).finish()
}

/** @throws CorruptDataError */
export function decodeInstance(bytes: Uint8Array): Instance {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('consumer instance', version, FORMAT_VERSION)
  const read = instanceSchema.safeParse(parseStoredJson('consumer instance', reader.string()))
  if (!read.success) throw new CorruptDataError(`a consumer instance: ${read.error.message}`)
  return read.data
}
