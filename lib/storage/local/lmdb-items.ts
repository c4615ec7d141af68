/**
 * ItemStore on LMDB. Several processes may use one folder. Writes that wait while a commit runs go together in the next
 * one. lmdb keeps a read transaction for a while; every read here begins a new one, or it would miss other processes' commits.
 */
import { type Clock, Deadlines } from '../../base/index.ts'
import {
  type Conflict,
  checkItemKey,
  checkOperations,
  checkPageLimit,
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
import { itemKeyBytes, partitionEnd, partitionStart, sortKeyOf } from './item-key-bytes.ts'
import {
  bytesOf,
  changeItems,
  isConditional,
  isExpected,
  type PreparedOperation,
  prepare,
  writeIfExpected,
} from './lmdb-conditional.ts'
import { LmdbFile, type LmdbFileOptions } from './lmdb-file.ts'

const QUERY_ITEMS_MAX = 1_000
/** A page ends after this many bytes of values, as DynamoDB's does. */
export const QUERY_BYTES_MAX = 1_024 * 1_024
const COMMIT_WRITES_MAX = 512
/** Conditions that lie in each other. */
const NESTED_MAX = 8
const COMMIT_BYTES_MAX = 16 * 1_024 * 1_024
const WAITING_WRITES_MAX = 50_000
/** Another process that holds the write lock may be stopped, or the disk may hang: callers are told after so long. */
const COMMIT_MS_MAX = 30_000
const NO_ANSWER_YET = 'a commit before gave no answer yet'

/** @throws StoreError where the folder cannot be made or written. */
export async function openLmdbItems(options: LmdbFileOptions): Promise<ItemStore> {
  return new LmdbItems(await LmdbFile.open(options), options.clock)
}

interface PendingWrite {
  readonly operations: readonly PreparedOperation[]
  readonly bytes: number
  /** A condition did not hold: it is looked at in a transaction that says which. */
  readonly isContested: boolean
  readonly resolve: (outcome: WriteOutcome) => void
  readonly reject: (error: StoreError) => void
}

/** `contested`: nothing was written, and it is not known yet what is in the way. */
type Outcome = WriteOutcome | 'contested'

/** A group of writes on its way into one LMDB transaction. */
class Commit {
  readonly #group: readonly PendingWrite[]
  #begun = false
  #givenUp = false

  constructor(group: readonly PendingWrite[]) {
    this.#group = group
  }

  /** LMDB can do it without being told the outcome of each condition. Then it cannot be stopped any more. */
  get isSimple(): boolean {
    return this.#group.every(
      ({ operations, isContested }) => !isContested && operations.filter(isConditional).length <= NESTED_MAX,
    )
  }

  /** The writes to apply: none where nobody waits any more. */
  begin(): readonly PendingWrite[] {
    this.#begun = true
    return this.#givenUp ? [] : this.#group
  }

  giveUp(): StoreError {
    this.#givenUp = true
    const message = `no answer from the disk, or from the process that holds the lock, for ${COMMIT_MS_MAX} ms`
    return new StoreError(this.#begun ? 'STORE_OUTCOME_UNKNOWN' : 'STORE_UNAVAILABLE', message)
  }
}

export class LmdbItems implements ItemStore {
  readonly #file: LmdbFile
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  #waiting: PendingWrite[] = []
  #committing: Promise<void> | undefined
  /** Why nothing can be written: a commit gave no answer (lmdb cannot be told to give it up), or LMDB gave up itself. */
  #stuck: string | undefined
  #closed = false
  #ended: Promise<void> | undefined

  constructor(file: LmdbFile, clock: Clock) {
    this.#file = file
    this.#clock = clock
    this.#deadlines = new Deadlines(clock)
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    checkItemKey(key)
    const keyBytes = itemKeyBytes(key)
    return this.#read(() => this.#find(key, keyBytes))
  }

  async query(pk: string, query: ItemQuery = {}): Promise<ItemPage> {
    checkQuery(pk, query)
    return this.#read(() => this.#page(pk, rangeOf(pk, query), pageItemsMax(query)))
  }

  /** The same at once, while the file is not being opened anew. */
  queryNow(pk: string, query: ItemQuery): ItemPage {
    checkQuery(pk, query)
    return this.#readNow(() => this.#page(pk, rangeOf(pk, query), pageItemsMax(query)))
  }

  async write(operations: readonly WriteOperation[]): Promise<WriteOutcome> {
    checkOperations(operations)
    return this.writePrepared(prepare(operations))
  }

  /** As many as there are. */
  async writePrepared(prepared: readonly PreparedOperation[]): Promise<WriteOutcome> {
    this.#checkOpen()
    if (this.#stuck) throw new StoreError('STORE_UNAVAILABLE', this.#stuck)
    if (this.#waiting.length >= WAITING_WRITES_MAX)
      throw new StoreError('STORE_THROTTLED', `${this.#waiting.length} writes wait`)
    const { promise, resolve, reject } = Promise.withResolvers<WriteOutcome>()
    this.#waiting.push({ operations: prepared, bytes: bytesOf(prepared), isContested: false, resolve, reject })
    this.#committing ??= this.#commitWaiting()
    return promise
  }

  /** Finishes the writes that wait, and takes no more. */
  async finish(): Promise<void> {
    this.#closed = true
    await this.#committing
  }

  /** Finishes the writes that wait. */
  async close(): Promise<void> {
    await this.finish()
    this.#ended ??= this.#file.close(!this.#stuck)
    await this.#ended
  }

  // -------------------------------------------------------------- reading

  async #read<T>(read: () => T): Promise<T> {
    while (this.#file.reopening) await this.#file.reopening
    return this.#readNow(read)
  }

  #readNow<T>(read: () => T): T {
    this.#checkOpen()
    try {
      this.#file.database.resetReadTxn()
      return read()
    } catch (error) {
      throw failure('read items', error)
    } finally {
      if (this.#shouldReopen) this.#committing ??= this.#commitWaiting()
    }
  }

  #find(key: ItemKey, keyBytes: Buffer): Item | undefined {
    const entry = this.#file.database.getEntry(keyBytes)
    if (!entry) return undefined
    this.#file.mapped.valueRead(entry.value.length)
    return { key, version: entry.version!, value: entry.value }
  }

  #page(pk: string, range: KeyRange, limit: number): ItemPage {
    const items: Item[] = []
    let bytes = 0
    for (const { key, value, version } of this.#file.database.getRange({ ...range, versions: true })) {
      const sk = sortKeyOf(key, pk)
      if (items.length === limit || bytes >= QUERY_BYTES_MAX) return { items, cursor: sk }
      this.#file.mapped.valueRead(value.length)
      items.push({ key: { pk, sk }, version: version!, value })
      bytes += value.length
    }
    return { items }
  }

  // -------------------------------------------------------------- writing

  async #commitWaiting(): Promise<void> {
    for (;;) {
      if (this.#shouldReopen) await this.#file.reopen()
      this.#stuck ??= this.#file.broken
      if (this.#stuck) this.#refuseWaiting(this.#stuck)
      if (this.#waiting.length === 0) break
      const wait = this.#file.gate.begin()
      if (wait) {
        await wait
        continue
      }
      const group = this.#takeGroup()
      this.#file.mapped.valuesWritten(group.reduce((sum, { bytes }) => sum + bytes, 0))
      try {
        const outcomes = await this.#commitInTime(group)
        const contested: PendingWrite[] = []
        for (const [index, write] of group.entries()) {
          const outcome = outcomes[index]!
          if (outcome === 'contested') contested.push({ ...write, isContested: true })
          else write.resolve(outcome)
        }
        this.#waiting.unshift(...contested)
      } catch (error) {
        const refused = failure('write items', error, 'unknown')
        for (const write of group) write.reject(refused)
      }
    }
    this.#committing = undefined
  }

  get #shouldReopen(): boolean {
    return this.#file.mapped.areTooMany && !this.#closed && !this.#stuck
  }

  #takeGroup(): PendingWrite[] {
    let bytes = 0
    let count = 0
    for (const write of this.#waiting) {
      bytes += write.bytes
      if (count > 0 && (count === COMMIT_WRITES_MAX || bytes > COMMIT_BYTES_MAX)) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  /** Gives up after a time: a commit that has not begun by then never does. */
  #commitInTime(group: readonly PendingWrite[]): Promise<readonly Outcome[]> {
    const commit = new Commit(group)
    const running = this.#commit(commit)
    const told = Promise.withResolvers<readonly Outcome[]>()
    const giveUp = () => {
      this.#stuck = NO_ANSWER_YET
      this.#resumeAfter(running)
      told.reject(commit.giveUp())
    }
    const forgetDeadline = this.#deadlines.add(this.#clock.monotonic() + COMMIT_MS_MAX, giveUp)
    // When LMDB is done with it, told in time or not.
    const ended = () => {
      forgetDeadline()
      this.#file.gate.ended()
    }
    running.then(ended, ended)
    running.then(told.resolve, told.reject)
    return told.promise
  }

  #resumeAfter(overdue: Promise<unknown>): void {
    const resume = () => {
      if (this.#stuck === NO_ANSWER_YET) this.#stuck = undefined
    }
    overdue.then(resume, resume)
  }

  /** One LMDB transaction; each write of the group sees those before it. */
  async #commit(commit: Commit): Promise<readonly Outcome[]> {
    const database = this.#file.database
    try {
      if (!commit.isSimple)
        return await database.transaction(() => commit.begin().map(({ operations }) => this.#apply(operations)))
      const writes = commit.begin().map(({ operations }) => writeIfExpected(database, operations))
      return (await Promise.all(writes)).map(written => (written ? { written } : 'contested'))
    } catch (error) {
      throw await this.#explain(error)
    }
  }

  #apply(operations: readonly PreparedOperation[]): WriteOutcome {
    const conflicts = operations.flatMap((prepared, index) => this.conflictOf(prepared, index))
    if (conflicts.length > 0) return { written: false, conflicts }
    changeItems(this.#file.database, operations)
    return { written: true }
  }

  /** In a transaction, or while nobody else writes; what is in LMDB does not change between this and the write. */
  conflictOf(prepared: PreparedOperation, index: number): Conflict[] {
    const { operation, keyBytes } = prepared
    if (!isConditional(prepared) || isExpected(this.#file.database, keyBytes, operation.expected)) return []
    return [{ index, item: this.#find(operation.key, keyBytes) }]
  }

  /**
   * LMDB changes nothing in a commit that fails before the page that makes it valid is written. If that page was the
   * one that failed, LMDB refuses everything after, reads too: then nobody knows.
   */
  async #explain(error: unknown): Promise<StoreError> {
    if (!(error instanceof Error && 'commitError' in error)) return failure('write items', error, 'unknown')
    const reason = await reasonOf(error.commitError)
    try {
      this.#file.database.resetReadTxn()
      this.#file.database.doesExist(partitionStart('any'))
      return failure('write items', reason)
    } catch (broken) {
      this.#stuck = `the item store must be opened again: ${messageOf(broken)}`
      return new StoreError('STORE_OUTCOME_UNKNOWN', `${messageOf(reason)}; ${this.#stuck}`, { cause: reason })
    }
  }

  #refuseWaiting(reason: string): void {
    const refused = new StoreError('STORE_UNAVAILABLE', reason)
    for (const write of this.#waiting.splice(0)) write.reject(refused)
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreError('STORE_REFUSED', 'the item store is closed')
  }
}

function checkQuery(pk: string, { limit = QUERY_ITEMS_MAX }: ItemQuery): void {
  checkPartitionKey(pk)
  checkPageLimit(limit, Number.MAX_SAFE_INTEGER)
}

export function pageItemsMax({ limit = QUERY_ITEMS_MAX }: ItemQuery): number {
  return Math.min(limit, QUERY_ITEMS_MAX)
}

export interface KeyRange {
  readonly start: Buffer
  readonly end: Buffer
  readonly reverse: boolean
  readonly inclusiveEnd: true
}

/** Both ends inclusive; a cursor is the sort key that the page before stopped at. */
export function rangeOf(pk: string, { from, to, descending = false, cursor }: ItemQuery): KeyRange {
  const low = (descending ? undefined : cursor) ?? from
  const high = (descending ? cursor : undefined) ?? to
  const lowBytes = low === undefined ? partitionStart(pk) : itemKeyBytes({ pk, sk: low })
  const highBytes = high === undefined ? partitionEnd(pk) : itemKeyBytes({ pk, sk: high })
  return descending
    ? { start: highBytes, end: lowBytes, reverse: true, inclusiveEnd: true }
    : { start: lowBytes, end: highBytes, reverse: false, inclusiveEnd: true }
}

/** lmdb rejects a commit before it knows why; this promise of the reason is rejected a moment later. */
async function reasonOf(commitError: unknown): Promise<unknown> {
  try {
    return await commitError
  } catch (reason) {
    return reason
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
