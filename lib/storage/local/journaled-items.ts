/**
 * ItemStore on LMDB with a journal before it. While this process has the folder alone, a write is done when it is in the journal,
 * which is one request to the disk where LMDB makes two, and no thread has to be waited for; LMDB gets what gathers there some MiB at
 * a time. Whoever opens the folder asks this process (open-gate.ts), which then brings LMDB up to date and goes on without a
 * journal: LMDB is what processes share.
 *
 * States: `journal` → `leaving` (writes wait; LMDB is being brought up to date) → `plain`, until the store is opened again. Races:
 * - A write is looked at, put into the journal and onto the disk without anything else between: nobody sees it before it is there.
 * - A change is found in `#live`, then in `#drain`, then in LMDB, which has it before it is forgotten here.
 * - A half of the journal is used again only when LMDB has all of it, with a note of that in the last transaction: whoever finds
 *   the journal of a process that was killed knows by the note what is missing, however many find it (`bringUpToDate`).
 * - Who holds the folder's lock alone may use the journal, and everybody else holds it shared; the system takes it from whom it kills.
 * - A process that cannot be asked, as one in another container, keeps its lock: then the folder is not opened.
 */
import type { Clock } from '../../base/index.ts'
import {
  type Conflict,
  checkItemKey,
  checkOperations,
  checkPartitionKey,
  type Item,
  type ItemKey,
  type ItemPage,
  type ItemQuery,
  type ItemStore,
  StoreError,
  type WriteOperation,
  type WriteOutcome,
} from '../index.ts'
import { failure } from './file-errors.ts'
import type { FolderLock } from './folder-lock.ts'
import { itemKeyBytes, keyName, sortKeyOf } from './item-key-bytes.ts'
import { type Changes, Drain } from './journal-drain.ts'
import { hasRoomForJournal, JOURNALED_WRITE_BYTES_MAX, type JournalFile } from './journal-file.ts'
import type { Change } from './journal-frame.ts'
import { bytesOf, type PreparedOperation, prepare } from './lmdb-conditional.ts'
import type { LmdbFile } from './lmdb-file.ts'
import { type KeyRange, type LmdbItems, pageItemsMax, QUERY_BYTES_MAX, rangeOf } from './lmdb-items.ts'
import { type ChangedItem, mergedPage } from './merge-page.ts'
import { shareFolder } from './share-folder.ts'

const WAITING_WRITES_MAX = 50_000
/** Items in a half: queries look at the keys of all, and LMDB is told of all in one go. */
const CHANGES_MAX = 4_000
/** This process stands still while the journal goes onto the disk: where that takes longer than this, as a mean, LMDB's threads do it. */
const SYNC_MS_MAX = 4
/** Of the mean, the part that the last sync makes up, and what it counts as at most: one that hung is no slow disk. */
const SYNC_WEIGHT = 1 / 32
const SYNC_COUNTED_MS_MAX = 32

interface PendingWrite {
  readonly operations: readonly PreparedOperation[]
  readonly resolve: (outcome: WriteOutcome | Promise<WriteOutcome>) => void
  readonly reject: (error: StoreError) => void
}

interface Parts {
  readonly folder: string
  readonly file: LmdbFile
  readonly items: LmdbItems
  readonly lock: FolderLock
  readonly clock: Clock
}

export class JournaledItems implements ItemStore {
  readonly #parts: Parts
  readonly #journal: JournalFile | undefined
  #mode: 'journal' | 'leaving' | 'plain'
  /** In the journal, and not on their way to LMDB. */
  #live: Changes = new Map()
  #drain: Drain | undefined
  /** What is being taken to LMDB is of both halves. */
  #isInherited: boolean
  #waiting: PendingWrite[] = []
  #running: Promise<void> | undefined
  #leaving: Promise<void> | undefined
  #large: Promise<void> | undefined
  #syncMs = 0
  /** Why nothing can be read or written any more. */
  #broken: string | undefined
  #closed = false

  /** `inherited`: what is still in the journal's file; nothing is written there before LMDB has it. */
  constructor(parts: Parts, journal: JournalFile | undefined, inherited?: Drain) {
    this.#parts = parts
    this.#journal = journal
    this.#mode = journal ? 'journal' : 'plain'
    this.#drain = inherited
    this.#isInherited = inherited !== undefined
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    this.#checkOpen()
    if (this.#mode === 'plain') return this.#parts.items.get(key)
    checkItemKey(key)
    const change = this.#changeOf(keyName(itemKeyBytes(key)))
    return change ? itemOf(key, change) : this.#parts.items.get(key)
  }

  async query(pk: string, query: ItemQuery = {}): Promise<ItemPage> {
    const { file, items } = this.#parts
    while (file.reopening) await file.reopening
    this.#checkOpen()
    if (this.#mode === 'plain') return items.query(pk, query)
    checkPartitionKey(pk)
    return mergedPage(pk, query, {
      changes: this.#changedIn(pk, rangeOf(pk, query)),
      bounds: { items: pageItemsMax(query), bytes: QUERY_BYTES_MAX },
      pageOf: asked => items.queryNow(pk, asked),
    })
  }

  async write(operations: readonly WriteOperation[]): Promise<WriteOutcome> {
    this.#checkOpen()
    if (this.#mode === 'plain') return this.#parts.items.write(operations)
    checkOperations(operations)
    const prepared = prepare(operations)
    if (this.#waiting.length >= WAITING_WRITES_MAX)
      throw new StoreError('STORE_THROTTLED', `${this.#waiting.length} writes wait`)
    const { promise, resolve, reject } = Promise.withResolvers<WriteOutcome>()
    this.#waiting.push({ operations: prepared, resolve, reject })
    // What is written in this turn goes onto the disk together.
    this.#running ??= Promise.resolve().then(() => this.#writeWaiting())
    return promise
  }

  /** Finishes the writes that wait. What LMDB cannot take, as on a full disk, stays in the journal for the next start. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#running
    await this.#leaving?.catch(() => {})
    if (!this.#broken) await this.#drainWhatIs().catch(() => {})
    // Nothing is written any more when another may have the folder for itself, which is before it hears that this process is gone.
    await this.#parts.items.finish()
    this.#journal?.close()
    this.#parts.lock.close()
    await this.#parts.items.close()
  }

  // -------------------------------------------------------------- reading

  #changeOf(name: string): Change | undefined {
    return this.#live.get(name) ?? this.#drain?.changes.get(name)
  }

  #changedIn(pk: string, { start, end, reverse }: KeyRange): ChangedItem[] {
    const first = keyName(reverse ? end : start)
    const last = keyName(reverse ? start : end)
    const changed = new Map<string, ChangedItem>()
    for (const changes of [this.#drain?.changes, this.#live]) {
      for (const [name, change] of changes ?? []) {
        if (name < first || name > last) continue
        const sk = sortKeyOf(change.keyBytes, pk)
        changed.set(name, { name, sk, item: itemOf({ pk, sk }, change) })
      }
    }
    return Array.from(changed.values())
  }

  // -------------------------------------------------------------- writing

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      try {
        this.#checkNotBroken()
        if (this.#mode === 'leaving') await this.#leaving
        else if (this.#mode === 'plain') this.#passOn(this.#waiting.splice(0))
        else if (this.#parts.file.reopening) await this.#parts.file.reopening
        else if (bytesOf(this.#waiting[0]!.operations) > JOURNALED_WRITE_BYTES_MAX) await this.#writeLarge()
        else if (!this.#writeFitting(this.#journal!)) await this.#beginHalf()
      } catch (error) {
        const refused = failure('write items', error)
        for (const write of this.#waiting.splice(0)) write.reject(refused)
      }
    }
    this.#running = undefined
  }

  #passOn(writes: readonly PendingWrite[]): void {
    for (const { operations, resolve } of writes) resolve(this.#parts.items.writePrepared(operations))
  }

  /** To LMDB at once, after all before it. */
  async #writeLarge(): Promise<void> {
    await this.#drainWhatIs()
    if (this.#mode !== 'journal') return
    const write = this.#waiting.shift()!
    this.#large = this.#parts.items.writePrepared(write.operations).then(write.resolve, error => {
      write.reject(error)
      // It may still come: what would be written to the journal meanwhile could be in its way.
      if (!(error instanceof StoreError) || error.effect !== 'unknown') return
      if (this.#closed) this.#broken = 'a large write gave no answer'
      else void this.leave().catch(() => {})
    })
    await this.#large
  }

  /** Each write sees those before it. False: the first has no room in this half. */
  #writeFitting(journal: JournalFile): boolean {
    if (this.#isInherited) return false
    this.#parts.file.database.resetReadTxn()
    const answers: (() => void)[] = []
    for (const write of this.#waiting) {
      const changes = changesOf(write.operations)
      if (this.#live.size >= CHANGES_MAX || !journal.hasRoomFor(changes)) break
      if (bytesOf(write.operations) > JOURNALED_WRITE_BYTES_MAX) break
      answers.push(this.#writeOne(journal, write, changes))
    }
    if (answers.length === 0) return false
    const written = this.#waiting.splice(0, answers.length)
    try {
      this.#sync(journal)
    } catch (error) {
      this.#broken = `the item store must be opened again: ${String(error)}`
      const unknown = failure('write items', error, 'unknown')
      for (const { reject } of written) reject(unknown)
      return true
    }
    for (const answer of answers) answer()
    return true
  }

  /** Its answer, to be given when it is on disk. */
  #writeOne(journal: JournalFile, write: PendingWrite, changes: readonly Change[]): () => void {
    try {
      const bases = write.operations.map(({ keyBytes }) => this.#changeOf(keyName(keyBytes)))
      const conflicts = write.operations.flatMap((operation, index) => this.#conflictOf(operation, index, bases[index]))
      if (conflicts.length > 0) return () => write.resolve({ written: false, conflicts })
      for (const change of changes.length > 0 ? journal.append(changes) : []) {
        this.#live.set(keyName(change.keyBytes), change)
      }
      return () => write.resolve({ written: true })
    } catch (error) {
      const refused = failure('write items', error)
      return () => write.reject(refused)
    }
  }

  #conflictOf(prepared: PreparedOperation, index: number, change: Change | undefined): Conflict[] {
    if (!change) return this.#parts.items.conflictOf(prepared, index)
    const { key, expected } = prepared.operation
    return (change.version ?? 'absent') === expected ? [] : [{ index, item: itemOf(key, change) }]
  }

  #sync(journal: JournalFile): void {
    const { clock } = this.#parts
    const begunAt = clock.monotonic()
    journal.sync()
    const syncMs = Math.min(clock.monotonic() - begunAt, SYNC_COUNTED_MS_MAX)
    this.#syncMs += (syncMs - this.#syncMs) * SYNC_WEIGHT
    if (this.#syncMs > SYNC_MS_MAX) this.leave().catch(() => {})
  }

  // -------------------------------------------------------------- to LMDB

  async #beginHalf(): Promise<void> {
    await this.#finishDrain()
    if (!(await hasRoomForJournal(this.#parts.folder))) return this.leave()
    this.#beginDrain()
  }

  /** All that is in the journal now. @throws StoreError */
  async #drainWhatIs(): Promise<void> {
    const live = this.#live
    await this.#finishDrain()
    // Another caller may have begun meanwhile.
    if (this.#live === live && live.size > 0) this.#beginDrain()
    await this.#finishDrain()
  }

  /** @throws StoreError STORE_UNAVAILABLE */
  async #finishDrain(): Promise<void> {
    const drain = this.#drain
    if (!drain) return
    try {
      await drain.finish()
    } catch (error) {
      const message = `the journal is full, and LMDB cannot take what is in it: ${(error as Error).message}`
      throw new StoreError('STORE_UNAVAILABLE', message, { cause: error as Error })
    }
    if (this.#drain !== drain) return
    this.#drain = undefined
    this.#isInherited = false
  }

  #beginDrain(): void {
    if (this.#drain || !this.#journal || this.#live.size === 0) return
    const drain = new Drain(this.#parts, this.#live, this.#journal.generation)
    this.#drain = drain
    this.#live = new Map()
    this.#journal.begin()
    // One that fails is tried again when its half is needed.
    this.#finishDrain().catch(() => {})
  }

  /** Goes on without the journal. @throws StoreError: LMDB does not have all of it */
  leave(): Promise<void> {
    if (this.#mode === 'plain') return Promise.resolve()
    if (this.#closed) return Promise.reject(new StoreError('STORE_UNAVAILABLE', 'the item store is being closed'))
    this.#leaving ??= this.#leaveJournal().finally(() => {
      this.#leaving = undefined
    })
    return this.#leaving
  }

  async #leaveJournal(): Promise<void> {
    this.#mode = 'leaving'
    try {
      await this.#large
      await this.#drainWhatIs()
      await shareFolder(this.#parts.lock, this.#parts)
      this.#mode = 'plain'
    } catch (error) {
      if (this.#parts.lock.isAlone) this.#mode = 'journal'
      else this.#broken = `the item store must be opened again: ${String(error)}`
      throw error
    }
  }

  // --------------------------------------------------------------

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('STORE_REFUSED', 'the item store is closed')
    this.#checkNotBroken()
  }

  #checkNotBroken(): void {
    if (this.#broken) throw new StoreError('STORE_UNAVAILABLE', this.#broken)
  }
}

function changesOf(operations: readonly PreparedOperation[]): Change[] {
  return operations.flatMap(({ operation, keyBytes }): Change[] => {
    if (operation.kind === 'check') return []
    if (operation.kind === 'delete') return [{ keyBytes, version: undefined, value: NOTHING }]
    return [{ keyBytes, version: operation.version, value: operation.value }]
  })
}

const NOTHING = new Uint8Array(0)

/** A copy: the journal's memory is used again. */
function itemOf(key: ItemKey, { version, value }: Change): Item | undefined {
  return version === undefined ? undefined : { key, version, value: Buffer.from(value) }
}
