/**
 * The ports of items and objects as a simulated process sees them. Every request and every answer is an event of the world; between
 * the two lies the effect on the shared truth, and the process's fate decides which of the three come, and when.
 */
import {
  type Allocate,
  type ByteRange,
  type Item,
  type ItemKey,
  type ItemPage,
  type ItemQuery,
  type ItemStore,
  type ObjectPage,
  type ObjectStore,
  StoreError,
  type WriteOperation,
  type WriteOutcome,
} from '../../../lib/storage/index.ts'
import { gather } from '../../support/gather.ts'
import { copyBytes } from './copy-bytes.ts'
import type { SimulatedEvent } from './event-heap.ts'
import type { Fate, Faults } from './faults.ts'
import type { FileTruth } from './file-truth.ts'
import type { ItemTruth } from './item-truth.ts'
import type { ObjectTruth } from './object-truth.ts'
import type { Process } from './process.ts'
import type { Rng } from './rng.ts'
import type { World } from './world.ts'

/** Objects younger than this may be missed by a stale listing. */
export const LIST_LAG_MS = 60_000

/** Sees what happened to the truth, for checks and coverage. */
export interface StoreObserver {
  wrote?(operations: readonly WriteOperation[], outcome: WriteOutcome, by: Process): void
  put?(key: string, outcome: 'created' | 'exists', by: Process): void
  /** The parts of a put changed before its answer, which the port forbids. */
  changedParts?(key: string, by: Process): void
  deleted?(keys: readonly string[], by: Process): void
  /** An item is read. */
  got?(key: ItemKey, by: Process): void
  /** A published file is sent; it is stored, in the place of another; it is read; files are gone. */
  publishes?(name: string, bytes: Uint8Array, by: Process): void
  published?(name: string, bytes: Uint8Array, before: Uint8Array | undefined): void
  lookedAt?(name: string, by: Process): void
  unpublished?(names: readonly string[]): void
}

export interface Truth {
  readonly objects: ObjectTruth
  readonly items: ItemTruth
  readonly files: FileTruth
  readonly observer: StoreObserver
}

type Store = 'items' | 'objects' | 'files'

interface Request<T> {
  readonly kind: 'write' | 'read' | 'list'
  readonly store: Store
  /** For the trace. */
  what(): string
  /** Happens at the store; `fate` for what the store itself draws. */
  effect(fate: Fate): T
  describe(answer: T): string
}

/** Carries the requests of one process to the stores. */
export class StoreLink {
  readonly #world: World
  readonly #process: Process
  readonly #faults: Faults
  #requests = 0

  constructor(world: World, process: Process, faults: Faults) {
    this.#world = world
    this.#process = process
    this.#faults = faults
  }

  send<T>(request: Request<T>): Promise<T> {
    this.#process.noteRequest(request.what)
    const name = `${this.#process.name}/${++this.#requests}`
    const fate = this.#faults.draw({ name, time: this.#world.time, kind: request.kind })
    this.#world.note(name, () => `→ ${request.what()}${fate.fault ? ` (${fate.fault})` : ''}`)
    this.#world.count(`${request.store}:requests`)
    if (fate.fault) this.#world.count(`fault:${fate.fault}`)
    return new Promise((resolve, reject) => {
      const answer = (delayMs: number, tell: () => void) => this.#world.scheduleDelivery(delayMs, tell, this.#process)
      const fail = (delayMs: number, code: StoreError['code'], why: string) =>
        answer(delayMs, () => {
          this.#world.note(name, `← ${code}`)
          reject(new StoreError(code, why))
        })
      const arrive = () => {
        const result = this.#apply(name, request, fate)
        const answerMs = fate.fault === 'slow-answer' ? fate.rng.spread(500, 120_000) : fate.answerMs
        if (fate.fault === 'lost-answer') fail(answerMs, 'STORE_OUTCOME_UNKNOWN', 'the connection broke')
        else if (fate.fault === 'silence') fail(fate.timeoutMs, 'STORE_OUTCOME_UNKNOWN', 'no answer in time')
        else if (fate.fault !== 'late-effect')
          answer(answerMs, () => {
            this.#world.note(name, '← answered')
            settle(result, resolve, reject)
          })
        if (fate.fault === 'twice') this.#deliver(fate.laterMs, () => this.#apply(`${name} again`, request, fate))
      }
      if (fate.fault === 'refused') {
        fail(fate.requestMs + fate.answerMs, refusalCode(request.store, fate.rng), 'refused')
      } else if (fate.fault === 'lost-request') {
        fail(fate.timeoutMs, request.kind === 'write' ? 'STORE_OUTCOME_UNKNOWN' : 'STORE_UNAVAILABLE', 'lost')
      } else if (fate.fault === 'late-effect') {
        fail(fate.timeoutMs, 'STORE_OUTCOME_UNKNOWN', 'no answer in time')
        this.#deliver(fate.timeoutMs + fate.laterMs, arrive)
      } else {
        this.#deliver(fate.fault === 'slow-request' ? fate.rng.spread(500, 30_000) : fate.requestMs, arrive)
      }
    })
  }

  /** The request reaches the store after `delayMs`, whatever becomes of its sender, unless a kill loses it. */
  #deliver(delayMs: number, arrive: () => void): void {
    const world = this.#world
    const underway = this.#process.underway
    const sent = {
      event: undefined as SimulatedEvent | undefined,
      abandon(rng: Rng) {
        const luck = rng.fraction()
        if (luck < 0.3 && this.event) this.event.cancelled = true
        if (luck < 0.6 || !this.event) return
        this.event.cancelled = true
        world.scheduleDelivery(rng.spread(100, 900_000), arrive)
      },
    }
    sent.event = world.scheduleDelivery(delayMs, () => {
      underway.delete(sent)
      arrive()
    })
    underway.add(sent)
  }

  #apply<T>(name: string, request: Request<T>, fate: Fate): { value: T } | { error: unknown } {
    try {
      const value = request.effect(fate)
      this.#world.note(name, () => `· ${request.describe(value)}`)
      return { value }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#world.note(name, () => `· ${error.message}`)
      return { error }
    }
  }
}

function settle<T>(
  result: { value: T } | { error: unknown },
  resolve: (value: T) => void,
  reject: (e: unknown) => void,
) {
  if ('value' in result) resolve(result.value)
  else reject(result.error)
}

function refusalCode(store: Store, rng: Rng): StoreError['code'] {
  return rng.chance(store === 'items' ? 0.7 : 0.3) ? 'STORE_THROTTLED' : 'STORE_UNAVAILABLE'
}

export class SimulatedObjects implements ObjectStore {
  readonly #link: StoreLink
  readonly #truth: Truth
  readonly #world: World
  readonly #process: Process

  constructor(world: World, process: Process, truth: Truth, link: StoreLink) {
    this.#world = world
    this.#process = process
    this.#truth = truth
    this.#link = link
  }

  put(key: string, parts: readonly Uint8Array[]): Promise<'created' | 'exists'> {
    const bytes = new Uint8Array(Buffer.concat(parts))
    let answered = false
    const sent = this.#link.send({
      kind: 'write',
      store: 'objects',
      what: () => `put ${key} ${bytes.length}`,
      effect: () => {
        if (!answered && !Buffer.concat(parts).equals(bytes)) this.#truth.observer.changedParts?.(key, this.#process)
        const outcome = this.#truth.objects.put(key, bytes, this.#world.time)
        this.#truth.observer.put?.(key, outcome, this.#process)
        return outcome
      },
      describe: outcome => outcome,
    })
    const settled = () => {
      answered = true
    }
    sent.then(settled, settled)
    return sent
  }

  async putStream(key: string, open: () => AsyncIterable<Uint8Array>): Promise<'created' | 'exists'> {
    return this.put(key, await gather(open()))
  }

  get(key: string, range?: ByteRange, allocate?: Allocate): Promise<Uint8Array | undefined> {
    return this.#link.send({
      kind: 'read',
      store: 'objects',
      what: () => `get ${key} ${range ? `${range.from}+${range.length}` : ''}`,
      effect: () => this.#truth.objects.get(key, range, allocate),
      describe: bytes => (bytes ? `${bytes.length} bytes` : 'nothing'),
    })
  }

  list(prefix: string, options: { cursor?: string; limit?: number } = {}): Promise<ObjectPage> {
    return this.#link.send({
      kind: 'list',
      store: 'objects',
      what: () => `list ${prefix} ${options.cursor ?? ''}`,
      effect: ({ fault, rng }) => {
        const visibleUntil = this.#world.time - (fault === 'stale-list' ? LIST_LAG_MS : 0)
        const limit = Math.min(options.limit ?? 1_000, rng.between(1, 50))
        return this.#truth.objects.list(prefix, { ...options, limit }, visibleUntil)
      },
      describe: page => `${page.objects.length} objects`,
    })
  }

  delete(keys: readonly string[]): Promise<void> {
    const copy = [...keys]
    return this.#link.send({
      kind: 'write',
      store: 'objects',
      what: () => `delete ${copy.join(' ')}`,
      effect: () => {
        this.#truth.objects.delete(copy)
        this.#truth.observer.deleted?.(copy, this.#process)
      },
      describe: () => 'deleted',
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

export class SimulatedItems implements ItemStore {
  readonly #link: StoreLink
  readonly #truth: Truth
  readonly #process: Process

  constructor(process: Process, truth: Truth, link: StoreLink) {
    this.#process = process
    this.#truth = truth
    this.#link = link
  }

  get(key: ItemKey): Promise<Item | undefined> {
    return this.#link.send({
      kind: 'read',
      store: 'items',
      what: () => `get ${key.pk}/${key.sk}`,
      effect: () => {
        this.#truth.observer.got?.(key, this.#process)
        return this.#truth.items.get(key)
      },
      describe: item => (item ? `version ${item.version}` : 'nothing'),
    })
  }

  query(pk: string, query: ItemQuery = {}): Promise<ItemPage> {
    return this.#link.send({
      kind: 'read',
      store: 'items',
      what: () => `query ${pk} ${query.from ?? ''}..${query.to ?? ''}${query.descending ? ' descending' : ''}`,
      effect: ({ rng }) => this.#truth.items.query(pk, query, rng.between(1, 50)),
      describe: page => `${page.items.length} items${page.cursor === undefined ? '' : ' and more'}`,
    })
  }

  write(operations: readonly WriteOperation[]): Promise<WriteOutcome> {
    const copy = operations.map(operation =>
      operation.kind === 'put' ? { ...operation, value: copyBytes(operation.value) } : operation,
    )
    return this.#link.send({
      kind: 'write',
      store: 'items',
      what: () => `write ${copy.map(describeOperation).join(', ')}`,
      effect: () => {
        const outcome = this.#truth.items.write(copy)
        this.#truth.observer.wrote?.(copy, outcome, this.#process)
        return outcome
      },
      describe: outcome => (outcome.written ? 'written' : `conflict at ${outcome.conflicts.map(c => c.index)}`),
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

function describeOperation(operation: WriteOperation): string {
  const key = `${operation.key.pk}/${operation.key.sk}`
  if (operation.kind !== 'put') return `${operation.kind} ${key} at ${operation.expected}`
  return `put ${key} at ${operation.expected} as ${operation.version} ${checksum(operation.value)}`
}

/** Of an item's value, so that the trace tells two contents apart. */
function checksum(bytes: Uint8Array): string {
  let hash = bytes.length
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0
  return `${bytes.length}:${(hash >>> 0).toString(16)}`
}
