/**
 * One share partition as this process serves it. What is true is the document; what is here may be behind it, and a write
 * that does not find the version it expects changes nothing.
 *
 * What can happen, and what holds:
 * - Two processes serve the same share partition. Every acquisition is written before it is answered, so one of two that
 *   give the same record to two members loses at the compare-and-swap, reads again, and gives something else.
 * - A lock's time is counted by each process from when it first saw the lock, by its own monotonic clock. That is never
 *   before the lock was written, so no lock ends early, whatever the clocks say; one whose process died ends late by as
 *   long as nobody looked. The end is a write as well: a member that acknowledges first wins, one that comes later is told
 *   INVALID_RECORD_STATE.
 * - This process freezes: its counts go on, and what it writes after that meets newer versions.
 * - The outcome of a write stays unknown: the member is told REQUEST_TIMED_OUT; if the write counts, the records are held
 *   by a member that does not know of it, until the lock runs out. An acknowledgement that was answered is stored.
 * - The answer to an acquisition is lost: as before; where the connection was lost with it, the records are given back.
 * - Fetches of one share partition take turns, so that two do not read and write for the same records; acknowledgements do
 *   not wait for reading, and those that come while a write is under way go together in the next.
 */
import { type Clock, Mailbox } from '../base/index.ts'
import { StoreError } from '../storage/index.ts'
import { ShareError } from './errors.ts'
import { CONFLICT_ATTEMPTS_MAX, PARTITION_QUEUE_MAX } from './settings.ts'
import type { Read, ShareItems } from './share-items.ts'
import { firstAvailable, release, type SharePartition } from './share-partition.ts'
import type { Place } from './share-partition-document.ts'

/** Gives the next state, and what to answer once that is stored; or throws ShareError: nothing changes for this one. */
export type Change<T> = (partition: SharePartition) => { readonly partition: SharePartition; readonly answer: T }

export interface ServedPartitionOptions extends Place {
  readonly groupId: string
  readonly items: ShareItems
  readonly clock: Clock
  /** How often a record is delivered at most, now. */
  readonly deliveriesMax: () => Promise<number>
  /** Puts the document where there is none. */
  readonly create: () => Promise<void>
}

interface Entry {
  readonly change: Change<unknown>
  outcome: { readonly answer: unknown } | { readonly error: unknown } | undefined
}

interface Known {
  readonly value: SharePartition
  readonly version: number
  /** Monotonic, from before the read or write began. */
  readonly asOf: number
}

export class ServedPartition {
  readonly #options: ServedPartitionOptions
  readonly #mailbox = new Mailbox(PARTITION_QUEUE_MAX)
  readonly #fetches = new Mailbox(PARTITION_QUEUE_MAX)
  readonly #listeners = new Set<() => void>()
  /** When each lock ends, on the monotonic clock. */
  readonly #lockEnds = new Map<number, number>()
  #waiting: Entry[] = []
  #known: Known | undefined

  constructor(options: ServedPartitionOptions) {
    this.#options = options
  }

  /** Nobody uses it or waits for it. */
  get isIdle(): boolean {
    return this.#mailbox.idle && this.#fetches.idle && this.#listeners.size === 0
  }

  /** The state, not older than `maxAgeMs`, with overdue locks taken back (if not in the store yet). */
  async look(maxAgeMs: number): Promise<SharePartition> {
    const { clock } = this.#options
    if (!this.#known || clock.monotonic() - this.#known.asOf > maxAgeMs) await this.#mailbox.run(() => this.#read())
    const seen = this.#withoutOverdue(this.#known!.value, await this.#options.deliveriesMax())
    if (seen === this.#known?.value || firstAvailable(seen) !== undefined) return seen
    // What was delivered too often is done, and nobody will come to take it.
    await this.change(partition => ({ partition, answer: undefined }))
    return this.#known?.value ?? seen
  }

  /** Runs `fetch` when the fetches before it are done. */
  inTurn<T>(fetch: () => Promise<T>): Promise<T> {
    return this.#fetches.run(fetch)
  }

  /** @throws ShareError, StoreError, and what `change` throws */
  async change<T>(change: Change<T>): Promise<T> {
    const entry: Entry = { change, outcome: undefined }
    this.#waiting.push(entry)
    await this.#mailbox.run(async () => {
      if (entry.outcome) return
      const entries = this.#waiting
      this.#waiting = []
      await this.#settle(entries)
    })
    const outcome = entry.outcome! as NonNullable<Entry['outcome']>
    if ('error' in outcome) throw outcome.error
    return outcome.answer as T
  }

  /** Calls `listener` when the state has changed, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** When the next lock ends, on the monotonic clock. */
  get nextLockEnd(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#lockEnds.values())
  }

  // ---------------------------------------------------------------- writing

  async #settle(entries: readonly Entry[]): Promise<void> {
    try {
      for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
        if (await this.#attempt(entries)) return
        await this.#options.items.pause(attempt)
      }
      throw new ShareError('COORDINATOR_NOT_AVAILABLE', 'the share partition keeps changing')
    } catch (error) {
      this.#known = undefined
      for (const entry of entries) entry.outcome = { error }
    }
  }

  /** False: the race was lost, and no answer may be given. */
  async #attempt(entries: readonly Entry[], fresh?: Known): Promise<boolean> {
    const { items, groupId, clock } = this.#options
    const isFresh = fresh !== undefined || !this.#known
    const known = fresh ?? this.#known ?? (await this.#read())
    const deliveriesMax = await this.#options.deliveriesMax()
    const overdue = this.#overdue()
    const before = release(known.value, (_, id) => overdue.has(id), { deliveriesMax, unseen: false })
    let value = before
    for (const entry of entries) {
      try {
        const { partition, answer } = entry.change(value)
        value = partition
        entry.outcome = { answer }
      } catch (error) {
        if (!(error instanceof ShareError)) throw error
        entry.outcome = { error }
        // Nobody is refused by a state that may be an old one.
        if (!isFresh) return this.#attempt(entries, await this.#read())
      }
    }
    if (value === known.value) return true
    const asOf = clock.monotonic()
    const written = await items.writePartition(groupId, this.#options, { expected: known.version, value })
    if (written === 'conflict') {
      this.#known = undefined
      return false
    }
    this.#adopt({ value, version: written.version, asOf })
    return true
  }

  // ---------------------------------------------------------------- reading

  async #read(): Promise<Known> {
    const { items, groupId, clock, create } = this.#options
    for (let attempt = 0; attempt < CONFLICT_ATTEMPTS_MAX; attempt++) {
      const asOf = clock.monotonic()
      const read: Read<SharePartition> = await items.readPartition(groupId, this.#options)
      if (read.value && read.version !== 'absent')
        return this.#adopt({ ...read, value: read.value, version: read.version, asOf })
      await create()
    }
    throw new StoreError('STORE_UNAVAILABLE', `the share partition of group '${groupId}' does not stay`)
  }

  #adopt(known: Known): Known {
    const changed = this.#known?.version !== known.version
    this.#known = known
    const { locks } = known.value
    const now = this.#options.clock.monotonic()
    for (const id of this.#lockEnds.keys()) if (!locks.has(id)) this.#lockEnds.delete(id)
    for (const [id, { durationMs }] of locks) if (!this.#lockEnds.has(id)) this.#lockEnds.set(id, now + durationMs)
    if (changed) for (const listener of [...this.#listeners]) listener()
    return known
  }

  #overdue(): ReadonlySet<number> {
    const now = this.#options.clock.monotonic()
    return new Set([...this.#lockEnds].filter(([, end]) => end <= now).map(([id]) => id))
  }

  #withoutOverdue(partition: SharePartition, deliveriesMax: number): SharePartition {
    const overdue = this.#overdue()
    return release(partition, (_, id) => overdue.has(id), { deliveriesMax, unseen: false })
  }
}
