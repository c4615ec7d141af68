/**
 * What the log's tests of races share: stores whose calls a test may hold, lose or repeat, and a clock that moves only
 * when told. The memory stores answer within the turn, so `drain` is the moment when everything that can happen has.
 */
import { type Clock, silentLogger, systemRandom } from '../../lib/base/index.ts'
import { type Log, type LogOptions, openLog, type Topic } from '../../lib/log/index.ts'
import { buildBatch, type NewBatch, readRecords, viewBatch } from '../../lib/records/index.ts'
import { type ItemStore, type ObjectStore, StoreError, type WriteOperation } from '../../lib/storage/index.ts'
import { gather } from '../support/gather.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'

/** Everything that waits for no clock and no gate has happened. */
export function drain(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

export class ManualClock implements Clock {
  #wall: number
  #monotonic = 0
  #sleepers: { readonly until: number; readonly wake: () => void }[] = []

  constructor(wall = 1_700_000_000_000) {
    this.#wall = wall
  }

  now(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      this.#sleepers.push({ until: this.#monotonic + ms, wake: resolve })
      signal?.addEventListener('abort', () => resolve())
    })
  }

  /** In steps, so that whoever wakes may sleep again. */
  async advance(ms: number, stepMs = ms): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.#monotonic += Math.min(left, stepMs)
      this.#wall += Math.min(left, stepMs)
      const awake = this.#sleepers.filter(({ until }) => until <= this.#monotonic)
      this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#monotonic)
      for (const { wake } of awake) wake()
      await drain()
    }
  }

  /** Lets time pass until `promise` is settled, for an hour at most. */
  async passUntil<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    await drain()
    for (let passed = 0; !settled && passed < 3_600_000; passed += 100) await this.advance(100)
    return promise
  }

  jump(ms: number): void {
    this.#wall += ms
  }
}

type Write = ItemStore['write']
type Get = ItemStore['get']
type Put = ObjectStore['put']

/** Memory stores; a test may set what happens to a call, `next` being the real one. */
export function openRig(defaults: Partial<LogOptions> = {}) {
  const items = memoryItems()
  const objects = memoryObjects()
  const clock = new ManualClock()
  const hooks = {
    write: (operations: readonly WriteOperation[], next: Write) => next(operations),
    get: (key: Parameters<Get>[0], next: Get) => next(key),
    put: (key: string, parts: readonly Uint8Array[], next: Put) => next(key, parts),
  }
  const open = (options: Partial<LogOptions> = {}): Log =>
    openLog({
      items: {
        ...items,
        write: operations => hooks.write(operations, items.write),
        get: key => hooks.get(key, items.get),
      },
      objects: {
        ...objects,
        put: (key, parts, more) => hooks.put(key, parts, (at, bytes) => objects.put(at, bytes, more)),
        putStream: async (key, source, more) =>
          hooks.put(key, await gather(source()), (at, bytes) => objects.put(at, bytes, more)),
      },
      clock,
      random: systemRandom,
      logger: silentLogger,
      flushBudget: Number.POSITIVE_INFINITY,
      ...defaults,
      ...options,
    })
  return { items, objects, clock, hooks, open }
}

/** From now on each segment that lies in an item is read with a bit changed, in the byte at `at`. */
export function spoilSegments(hooks: ReturnType<typeof openRig>['hooks'], at: (segment: Buffer) => number): void {
  hooks.get = async (key, next) => {
    const item = await next(key)
    if (!key.pk.startsWith('g#')) return item
    const value = Buffer.from(item!.value)
    value[at(value)]! ^= 1
    return { ...item!, value }
  }
}

export function throttled(): StoreError {
  return new StoreError('STORE_THROTTLED', 'slow down')
}

export function lost(): StoreError {
  return new StoreError('STORE_OUTCOME_UNKNOWN', 'no answer')
}

export function touchesHead(operations: readonly WriteOperation[]): boolean {
  return operations.some(({ key }) => key.sk === 'head')
}

/** A promise with its handles: what a test holds back. */
export function gate<T = void>() {
  return Promise.withResolvers<T>()
}

export interface Sent extends Omit<Partial<NewBatch>, 'records'> {
  readonly partition?: number
  readonly timestamp?: number
  readonly timeoutMs?: number
  readonly transaction?: number
}

export function send(log: Log, topic: Topic, values: readonly string[], sent: Sent = {}) {
  const { partition = 0, timestamp = 1_000, timeoutMs = 5_000, transaction, ...producer } = sent
  const records = values.map(value => ({ timestamp, key: null, value: Buffer.from(value), headers: [] }))
  const identity = producer.producerId === undefined ? {} : { producerEpoch: 0, ...producer }
  const transacted = transaction === undefined ? {} : { transaction, isTransactional: true }
  const batch = buildBatch({ records, ...identity, ...transacted })
  const answer = log.append({
    topic,
    partition,
    batch,
    timeoutMs,
    ...(transaction === undefined ? {} : { transaction }),
  })
  // A test may look at it later than it is refused.
  answer.catch(() => undefined)
  return answer
}

/** What became of a promise by now. */
export async function stateOf<T>(promise: Promise<T>): Promise<T | 'pending' | { readonly refused: string }> {
  let state: T | 'pending' | { readonly refused: string } = 'pending'
  promise.then(
    value => {
      state = value
    },
    error => {
      state = { refused: error.code ?? String(error) }
    },
  )
  await drain()
  return state
}

export async function readAll(log: Log, topic: Topic, partition = 0, from = 0, maxBytes = 100_000): Promise<string[]> {
  const found: string[] = []
  for (let offset = from; ; ) {
    const asked = { offset, maxBytes, atLeastOneBatch: true, isolation: 'read_uncommitted' } as const
    const { batches } = await log.read({ topic, partition, ...asked })
    if (batches.length === 0) return found
    for (const bytes of batches) {
      for (const record of readRecords(viewBatch(bytes))) {
        if (record.offset < offset) continue
        if (record.offset !== offset) throw new Error(`offset ${record.offset}, where ${offset} is next`)
        found.push(String(record.value))
        offset++
      }
    }
  }
}
