import type { Random } from '../../../lib/base/index.ts'
import { silentLogger } from '../../../lib/base/index.ts'
import { groupConfigValues } from '../../../lib/configs/index.ts'
import {
  GroupError,
  type GroupErrorCode,
  type GroupSettings,
  Groups,
  type JoinRequest,
  type SyncRequest,
  type TopicSource,
} from '../../../lib/groups/index.ts'
import { aJoin, bytes } from './engine.ts'
import { MemoryItems } from './memory-items.ts'
import { settled, VirtualClock } from './virtual-clock.ts'

/** Deterministic bytes (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed
  return {
    bytes: length =>
      Uint8Array.from({ length }, () => {
        state = (state + 0x6d2b79f5) | 0
        let t = Math.imul(state ^ (state >>> 15), 1 | state)
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
        return (t ^ (t >>> 14)) & 0xff
      }),
  }
}

/** Topics that a test makes, changes and removes. */
export class FakeTopics implements TopicSource {
  readonly #topics = new Map<string, { name: string; id: string; partitions: number }>()
  #made = 0
  /** How often it was asked. */
  asked = 0

  /** Also anew, with another id. Gives the id. */
  set(name: string, partitions: number, again = false): string {
    const known = again ? undefined : this.#topics.get(name)
    const id = known?.id ?? (++this.#made).toString(16).padStart(32, '0')
    this.#topics.set(name, { name, id, partitions })
    return id
  }

  remove(name: string): void {
    this.#topics.delete(name)
  }

  async find({ name }: { name: string }) {
    this.asked++
    return this.#topics.get(name)
  }

  async create({ name, partitions }: { name: string; partitions: number }) {
    this.set(name, partitions)
  }

  async list() {
    this.asked++
    return [...this.#topics.values()]
  }
}

/** Processes over one store, each with its own clock. */
export class Fleet {
  readonly items = new MemoryItems()
  readonly topics = new FakeTopics()
  readonly clocks: VirtualClock[] = []
  /** The configs of every group. */
  configs: Readonly<Record<string, string>> = {}
  readonly #settings: Partial<GroupSettings>

  constructor(settings: Partial<GroupSettings> = {}) {
    this.#settings = settings
  }

  start(): Groups {
    const clock = new VirtualClock()
    this.clocks.push(clock)
    const random = seededRandom(this.clocks.length)
    return new Groups({
      items: this.items,
      topics: this.topics,
      clock,
      random,
      logger: silentLogger,
      settings: this.#settings,
      configs: { ofGroup: async () => groupConfigValues(this.configs) },
    })
  }

  /** Time passes for every process, in small steps so that they keep together. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      for (const clock of this.clocks) await clock.advance(Math.min(left, 100))
    }
    await settled()
  }
}

/** Lets time pass until `promise` has an outcome, at most five minutes. */
export async function driven<T>(fleet: Fleet, promise: Promise<T>): Promise<T> {
  const watched = new Watched(promise)
  await settled()
  for (let i = 0; i < 3_000 && !watched.isSettled; i++) await fleet.advance(100)
  return promise
}

/** A promise whose outcome can be looked at. */
export class Watched<T> {
  value: T | undefined
  error: unknown
  isSettled = false

  constructor(promise: Promise<T>) {
    promise.then(
      value => {
        this.value = value
        this.isSettled = true
      },
      error => {
        this.error = error
        this.isSettled = true
      },
    )
  }

  get code(): GroupErrorCode | undefined {
    if (this.error !== undefined && !(this.error instanceof GroupError)) throw this.error
    return this.error?.code
  }
}

export function joinRequest(options: Partial<JoinRequest> = {}): JoinRequest {
  return { ...aJoin, requiresMemberId: false, ...options }
}

export function syncRequest(
  memberId: string,
  generation: number,
  assignments: Record<string, string> = {},
): SyncRequest {
  return {
    groupId: 'g',
    memberId,
    instanceId: undefined,
    generation,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: bytes(text) })),
  }
}

export function memberRequest(memberId: string, generation: number) {
  return { groupId: 'g', memberId, instanceId: undefined, generation }
}

export async function codeOf(promise: Promise<unknown>): Promise<GroupErrorCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof GroupError) return error.code
    throw error
  }
}

/** A stable group of `count` members on `groups`; the first leads. */
export async function formGroup(fleet: Fleet, groups: Groups, count: number, options: Partial<JoinRequest> = {}) {
  const joins = Array.from({ length: count }, () => new Watched(groups.join(joinRequest(options))))
  await fleet.advance(3_000)
  const ids = joins.map(({ value }) => value!.memberId)
  const { generation, leader } = joins[0]!.value!
  const syncs = ids.map(id => {
    const assignments = Object.fromEntries(ids.map(each => [each, `of ${each}`]))
    return groups.sync(syncRequest(id, generation, id === leader ? assignments : {}))
  })
  await driven(fleet, Promise.all(syncs))
  return { ids, generation, leader }
}
