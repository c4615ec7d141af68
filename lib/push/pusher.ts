/**
 * Runs all subscriptions. A long-lived process waits at every partition and takes the partition's lease only while there is
 * something to send, so that nothing is written while nothing happens. A process that lives for seconds makes one round
 * (`runOnce`). Leases keep deliveries from being made twice; checkpoints make them right (`partition-pusher.ts`).
 */
import { type Clock, CorruptDataError, drawFraction, inParallel, type Logger, type Random } from '../base/index.ts'
import type { Leases } from '../leases/index.ts'
import { type Log, LogError, type Topic } from '../log/index.ts'
import { type ItemStore, StoreError } from '../storage/index.ts'
import type { RecordFormat, Target, TargetFactory } from './contract.ts'
import { PushError } from './errors.ts'
import { PartitionPusher, type Pumped } from './partition-pusher.ts'
import type { StoredSubscription, Subscriptions } from './subscriptions.ts'

export interface PusherParts {
  readonly items: ItemStore
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly leases: Leases
  readonly subscriptions: Subscriptions
  readonly targetFor: TargetFactory
  readonly loadFormat: () => Promise<RecordFormat>
}

export interface Round {
  /** No delivery begins later than this, in ms from now; what is under way then is waited for. */
  readonly withinMs: number
  /** Only partitions of these shards, by topic id. */
  readonly shards?: ReadonlyMap<string, ReadonlySet<number>>
  /** Breaks off what is under way; it comes again. */
  readonly signal: AbortSignal
}

export interface RoundReport {
  /** Partitions with something to send. */
  readonly behind: number
  /** Of them, those where all was sent. */
  readonly done: number
}

const LEASE_MS = 30_000
/** After its last delivery a partition's lease is kept for so long: records seldom come alone. */
const LINGER_MS = 1_000
const WAIT_MS = 60_000
const HELD_ELSEWHERE_MS = 3_000
const OBSTACLE_MS = 2_000
const LOOK_MS = 3_000
const LOOK_MS_WITHOUT = 15_000
const WORKERS_MAX = 4_096
const ROUND_PARALLEL = 32
const HELD_LOOK_MS = 250

interface Worker {
  readonly version: number
  readonly stopping: AbortController
  readonly done: Promise<void>
}

export class Pusher {
  readonly #parts: PusherParts
  readonly #workers = new Map<string, Worker>()
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined

  constructor(parts: PusherParts) {
    this.#parts = parts
  }

  /** Until `close`. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Deliveries that are under way are broken off; they come again. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    await Promise.all([...this.#workers.values()].map(({ done }) => done))
  }

  /**
   * Sends what there is to send and comes back. Partitions take turns in being the first: of more than a round has time for, none is
   * always the last. What one of them meets does not keep the others from being sent. @throws StoreError where nobody can say what
   * there is; CorruptDataError
   */
  async runOnce({ withinMs, shards, signal }: Round): Promise<RoundReport> {
    const { clock, random, subscriptions } = this.#parts
    const until = clock.monotonic() + withinMs
    const stored = (await subscriptions.list()).filter(({ subscription }) => subscription.state === 'active')
    const asked = stored.filter(({ subscription }) => !shards || shards.has(subscription.topicId))
    const places = (await Promise.all(asked.map(one => this.#placesOf(one, shards)))).flat()
    const first = Math.floor(drawFraction(random) * places.length)
    const inTurn = [...places.slice(first), ...places.slice(0, first)]
    const results = await inParallel(inTurn, ROUND_PARALLEL, place => this.#sendAll(place, { signal, until }))
    const behind = results.filter(isDone => isDone !== undefined)
    return { behind: behind.length, done: behind.filter(isDone => isDone).length }
  }

  /** Whether all was sent; undefined: there was nothing to send. */
  async #sendAll(
    place: Place,
    { signal, until }: { signal: AbortSignal; until: number },
  ): Promise<boolean | undefined> {
    const { clock, leases, logger } = this.#parts
    const { lease, topic, partition } = place
    const pusher = this.#open(place)
    try {
      for (let looks = 0; ; looks++) {
        if (!(await this.#isBehind(pusher, topic, partition))) return looks > 0 ? true : undefined
        const held = await leases.hold(lease, LEASE_MS, lost =>
          pusher.pump({ signal: AbortSignal.any([signal, lost]), until, lingerMs: 0 }),
        )
        if (held.held && held.value.status !== 'lost') return held.value.status === 'idle'
        if (held.held && !(await pusher.isCurrent())) return undefined
        // Whoever sends may have looked for more just before the last record came: nobody else is told of it.
        if (signal.aborted || clock.monotonic() + HELD_LOOK_MS >= until) return false
        await clock.sleep(HELD_LOOK_MS, signal)
      }
    } catch (error) {
      if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') return undefined
      if (!(error instanceof LogError || error instanceof StoreError || error instanceof CorruptDataError)) throw error
      logger.warn('pushing meets an obstacle', { lease, error: String(error) })
      return false
    }
  }

  // ---------------------------------------------------------------- a long-lived process

  async #run(): Promise<void> {
    const { clock, logger, subscriptions } = this.#parts
    const { signal } = this.#closing
    while (!signal.aborted) {
      let none = true
      try {
        const stored = (await subscriptions.list()).filter(({ subscription }) => subscription.state === 'active')
        none = stored.length === 0
        await this.#adjust(stored)
      } catch (error) {
        if (!isPassing(error)) logger.error('subscriptions are unreadable', { error: String(error) })
      }
      await clock.sleep(none ? LOOK_MS_WITHOUT : LOOK_MS, signal)
    }
    for (const { stopping } of this.#workers.values()) stopping.abort()
  }

  async #adjust(stored: readonly StoredSubscription[]): Promise<void> {
    const wanted = (await Promise.all(stored.map(one => this.#placesOf(one)))).flat()
    const names = new Set(wanted.map(({ lease }) => lease))
    for (const [name, { stopping }] of this.#workers) if (!names.has(name)) stopping.abort()
    for (const place of wanted) {
      const { lease } = place
      const { version } = place.stored
      const worker = this.#workers.get(lease)
      // One of a changed subscription ends first; the next look starts its successor.
      if (worker && worker.version !== version) worker.stopping.abort()
      if (worker || this.#closing.signal.aborted) continue
      if (this.#workers.size >= WORKERS_MAX) {
        this.#parts.logger.error('too many partitions to push', { workersMax: WORKERS_MAX, leftOut: lease })
        continue
      }
      const stopping = new AbortController()
      const done = this.#work(place, stopping.signal).finally(() => this.#workers.delete(lease))
      this.#workers.set(lease, { version, stopping, done })
    }
  }

  async #work(place: Place, signal: AbortSignal): Promise<void> {
    const { clock, log, logger, leases } = this.#parts
    const { lease, topic, partition } = place
    const pusher = this.#open(place)
    while (!signal.aborted) {
      try {
        if (!(await this.#isBehind(pusher, topic, partition))) {
          const offset = await pusher.position()
          await log.waitForRecords([{ topic, partition, offset }], WAIT_MS, signal)
          continue
        }
        if (signal.aborted) return
        const bounds = { until: Number.POSITIVE_INFINITY, lingerMs: LINGER_MS }
        const held = await leases.hold<Pumped>(lease, LEASE_MS, lost =>
          pusher.pump({ ...bounds, signal: AbortSignal.any([signal, lost]) }),
        )
        if (!held.held || held.value.status === 'lost') await clock.sleep(HELD_ELSEWHERE_MS, signal)
      } catch (error) {
        if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') {
          logger.warn('the topic of a subscription is gone', { lease })
          return
        }
        logger.warn('pushing meets an obstacle', { lease, error: String(error) })
        await clock.sleep(OBSTACLE_MS, signal)
      }
    }
  }

  // ---------------------------------------------------------------- parts

  async #placesOf(stored: StoredSubscription, shards?: Round['shards']): Promise<Place[]> {
    const { log, logger, targetFor } = this.#parts
    const { id, name, topicId, target: spec } = stored.subscription
    try {
      const topic = await log.topics.find({ id: topicId })
      if (!topic) return []
      const target = targetFor(spec)
      const asked = shards?.get(topicId)
      const partitions = Array.from({ length: topic.partitions }, (_, partition) => partition)
      return partitions
        .filter(partition => !asked || asked.has(Math.floor(partition / topic.shardSize)))
        .map(partition => ({ lease: `push#${id}#${partition}`, stored, target, topic, partition }))
    } catch (error) {
      if (!(error instanceof PushError)) throw error
      logger.error('a subscription cannot be served here', { subscription: name, error: error.message })
      return []
    }
  }

  #open({ stored, topic, partition, target }: Place): PartitionPusher {
    return new PartitionPusher(this.#parts, { stored, topic, partition, target })
  }

  /** Without a write. */
  async #isBehind(pusher: PartitionPusher, topic: Topic, partition: number): Promise<boolean> {
    const latest = { at: 'latest', isolation: 'read_committed' } as const
    const [offset, end] = await Promise.all([pusher.position(), this.#parts.log.findOffset(topic, partition, latest)])
    return offset < end.offset
  }
}

interface Place {
  readonly lease: string
  readonly stored: StoredSubscription
  readonly target: Target
  readonly topic: Topic
  readonly partition: number
}

function isPassing(error: unknown): boolean {
  return error instanceof StoreError && error.code !== 'STORE_REFUSED'
}
