/**
 * ItemStore on LMDB. Several processes may use one folder. Writes that wait while a commit runs go together in the next
 * one. `overlappingSync: false`: a commit becomes visible, to anyone, only after it is on disk. lmdb keeps a read
 * transaction for a while; every read here begins a new one, or it would miss other processes' commits. Now and then the
 * file is opened anew, between two commits, so that the pages that were read leave this process's memory.
 */
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import type { Clock, Random } from '../../base/index.ts'
import {
  type Conflict,
  checkItemKey,
  checkOperations,
  checkPageLimit,
  checkPartitionKey,
  type Expected,
  type Item,
  type ItemKey,
  type ItemPage,
  type ItemQuery,
  type ItemStore,
  StoreError,
  type WriteOperation,
  type WriteOutcome,
} from '../index.ts'
import { makeDurableFolder, syncPath } from './durable-folders.ts'
import { failure } from './file-errors.ts'
import { itemKeyBytes, partitionEnd, partitionStart, sortKeyOf } from './item-key-bytes.ts'
import { changeItems, type PreparedOperation, writeIfExpected } from './lmdb-conditional.ts'
import { MappedPages } from './mapped-pages.ts'
import { OpenGate } from './open-gate.ts'

const QUERY_ITEMS_MAX = 1_000
/** A page ends after this many bytes of values, as DynamoDB's does. */
const QUERY_BYTES_MAX = 1_024 * 1_024
const COMMIT_WRITES_MAX = 512
/** Conditions that lie in each other. */
const NESTED_MAX = 8
const COMMIT_BYTES_MAX = 16 * 1_024 * 1_024
const WAITING_WRITES_MAX = 50_000
/** Another process that holds the write lock may be stopped, or the disk may hang: callers are told after so long. */
const COMMIT_MS_MAX = 30_000
const MAPPED_BYTES_MAX = 64 * 1_024 * 1_024
/** Between two attempts to open the file anew: there may be no file handle for it. */
const REOPEN_PAUSE_MS = 100
const REOPEN_ATTEMPTS_MAX = 300
const TOKEN_BYTES = 16
const NO_ANSWER_YET = 'a commit before gave no answer yet'

export interface LmdbItemsOptions {
  /** Made where it is missing. */
  readonly folder: string
  readonly clock: Clock
  readonly random: Random
  /** Of the file, so much may lie in this process's memory before it is opened anew. Default: 64 MiB. */
  readonly mappedBytesMax?: number
}

/** @throws StoreError where the folder cannot be made or written. */
export async function openLmdbItems(options: LmdbItemsOptions): Promise<ItemStore> {
  const { folder, clock, random, mappedBytesMax = MAPPED_BYTES_MAX } = options
  try {
    await makeDurableFolder(folder)
    const token = Buffer.from(random.bytes(TOKEN_BYTES)).toString('hex')
    const { gate, opened: database } = await OpenGate.open({ clock, folder, token }, () => openDatabase(folder))
    // What a process that was killed in a commit left in the page cache is on disk before anyone here relies on it.
    await syncPath(join(folder, 'data.mdb'))
    await syncPath(folder)
    return new LmdbItems({ folder, clock, gate, database, mapped: new MappedPages(mappedBytesMax) })
  } catch (error) {
    throw error instanceof StoreError ? error : failure(`open the item store in ${folder}`, error)
  }
}

function openDatabase(folder: string): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>({
    path: folder,
    noSubdir: false,
    overlappingSync: false,
    // Writes are grouped here. With lmdb's own grouping a failed commit also rejects a promise that nobody holds.
    eventTurnBatching: false,
    useVersions: true,
    encoding: 'binary',
    keyEncoding: 'binary',
  })
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
    return this.#group.every(({ operations, isContested }) => !isContested && operations.length <= NESTED_MAX)
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

interface LmdbItemsParts {
  readonly folder: string
  readonly clock: Clock
  readonly gate: OpenGate
  readonly database: RootDatabase<Buffer, Buffer>
  readonly mapped: MappedPages
}

class LmdbItems implements ItemStore {
  readonly #folder: string
  readonly #clock: Clock
  readonly #gate: OpenGate
  #database: RootDatabase<Buffer, Buffer>
  readonly #mapped: MappedPages
  /** The file is closed, and will be open again. */
  #reopening: Promise<void> | undefined
  #waiting: PendingWrite[] = []
  #committing: Promise<void> | undefined
  /** Why nothing can be written: a commit gave no answer (lmdb cannot be told to give it up), or LMDB gave up itself. */
  #stuck: string | undefined
  /** The file could not be opened again. */
  #broken: string | undefined
  #closed = false

  constructor({ folder, clock, gate, database, mapped }: LmdbItemsParts) {
    this.#folder = folder
    this.#clock = clock
    this.#gate = gate
    this.#database = database
    this.#mapped = mapped
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    checkItemKey(key)
    const keyBytes = itemKeyBytes(key)
    return this.#read(() => this.#find(key, keyBytes))
  }

  async query(pk: string, query: ItemQuery = {}): Promise<ItemPage> {
    checkPartitionKey(pk)
    const limit = query.limit ?? QUERY_ITEMS_MAX
    checkPageLimit(limit, Number.MAX_SAFE_INTEGER)
    const range = rangeOf(pk, query)
    return this.#read(() => this.#page(pk, range, Math.min(limit, QUERY_ITEMS_MAX)))
  }

  async write(operations: readonly WriteOperation[]): Promise<WriteOutcome> {
    checkOperations(operations)
    const prepared = operations.map(operation => ({ operation, keyBytes: itemKeyBytes(operation.key) }))
    this.#checkOpen()
    if (this.#stuck) throw new StoreError('STORE_UNAVAILABLE', this.#stuck)
    if (this.#waiting.length >= WAITING_WRITES_MAX)
      throw new StoreError('STORE_THROTTLED', `${this.#waiting.length} writes wait`)
    const { promise, resolve, reject } = Promise.withResolvers<WriteOutcome>()
    this.#waiting.push({ operations: prepared, bytes: bytesOf(operations), isContested: false, resolve, reject })
    this.#committing ??= this.#commitWaiting()
    return promise
  }

  /** Finishes the writes that wait. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#committing
    if (!this.#stuck) await this.#database.close()
    await this.#gate.close()
  }

  // -------------------------------------------------------------- reading

  async #read<T>(read: () => T): Promise<T> {
    while (this.#reopening) await this.#reopening
    this.#checkOpen()
    try {
      this.#database.resetReadTxn()
      return read()
    } catch (error) {
      throw failure('read items', error)
    } finally {
      if (this.#shouldReopen) this.#committing ??= this.#commitWaiting()
    }
  }

  #find(key: ItemKey, keyBytes: Buffer): Item | undefined {
    const entry = this.#database.getEntry(keyBytes)
    if (!entry) return undefined
    this.#mapped.valueRead(entry.value.length)
    return { key, version: entry.version!, value: entry.value }
  }

  #page(pk: string, range: KeyRange, limit: number): ItemPage {
    const items: Item[] = []
    let bytes = 0
    for (const { key, value, version } of this.#database.getRange({ ...range, versions: true })) {
      const sk = sortKeyOf(key, pk)
      if (items.length === limit || bytes >= QUERY_BYTES_MAX) return { items, cursor: sk }
      this.#mapped.valueRead(value.length)
      items.push({ key: { pk, sk }, version: version!, value })
      bytes += value.length
    }
    return { items }
  }

  // -------------------------------------------------------------- writing

  async #commitWaiting(): Promise<void> {
    for (;;) {
      if (this.#shouldReopen) await this.#reopen()
      if (this.#broken) this.#refuseWaiting(this.#broken)
      if (this.#waiting.length === 0) break
      const wait = this.#gate.begin()
      if (wait) {
        await wait
        continue
      }
      const group = this.#takeGroup()
      this.#mapped.valuesWritten(group.reduce((sum, { bytes }) => sum + bytes, 0))
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
      if (this.#stuck) this.#refuseWaiting(this.#stuck)
    }
    this.#committing = undefined
  }

  get #shouldReopen(): boolean {
    return this.#mapped.areTooMany && !this.#closed && !this.#stuck
  }

  /** Where other processes have the file open too, it stays as it is. Reads and writes wait; no commit is under way. */
  async #reopen(): Promise<void> {
    this.#mapped.forget()
    const reopened = Promise.withResolvers<void>()
    try {
      await this.#gate.reopenAlone(async () => {
        this.#reopening = reopened.promise
        await this.#database.close()
        this.#database = await this.#openAgain()
      })
    } catch (error) {
      // Else the file is still open, for it was not known who else has it open.
      if (this.#reopening) this.#broken = `the item store could not be opened again: ${messageOf(error)}`
      this.#stuck = this.#broken
    } finally {
      this.#reopening = undefined
      reopened.resolve()
    }
  }

  async #openAgain(): Promise<RootDatabase<Buffer, Buffer>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return openDatabase(this.#folder)
      } catch (error) {
        if (attempt === REOPEN_ATTEMPTS_MAX) throw error
        await this.#clock.sleep(REOPEN_PAUSE_MS)
      }
    }
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
  async #commitInTime(group: readonly PendingWrite[]): Promise<readonly Outcome[]> {
    const commit = new Commit(group)
    const running = this.#commit(commit)
    // When LMDB is done with it, answered in time or not.
    const ended = () => this.#gate.ended()
    running.then(ended, ended)
    const answered = new AbortController()
    const overdue = this.#clock.sleep(COMMIT_MS_MAX, answered.signal).then(() => undefined)
    try {
      const outcomes = await Promise.race([running, overdue])
      if (outcomes) return outcomes
    } finally {
      // A reason spares the making of an error, and of its stack.
      answered.abort('answered')
    }
    this.#stuck = NO_ANSWER_YET
    this.#resumeAfter(running)
    throw commit.giveUp()
  }

  #resumeAfter(overdue: Promise<unknown>): void {
    const resume = () => {
      if (this.#stuck === NO_ANSWER_YET) this.#stuck = undefined
    }
    overdue.then(resume, resume)
  }

  /** One LMDB transaction; each write of the group sees those before it. */
  async #commit(commit: Commit): Promise<readonly Outcome[]> {
    const database = this.#database
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
    const conflicts = operations.flatMap((prepared, index) => this.#conflictOf(prepared, index))
    if (conflicts.length > 0) return { written: false, conflicts }
    changeItems(this.#database, operations)
    return { written: true }
  }

  #conflictOf({ operation, keyBytes }: PreparedOperation, index: number): Conflict[] {
    if (this.#isExpected(keyBytes, operation.expected)) return []
    return [{ index, item: this.#find(operation.key, keyBytes) }]
  }

  #isExpected(keyBytes: Buffer, expected: Expected): boolean {
    if (expected === 'absent') return !this.#database.doesExist(keyBytes)
    return this.#database.doesExist(keyBytes, expected)
  }

  /**
   * LMDB changes nothing in a commit that fails before the page that makes it valid is written. If that page was the
   * one that failed, LMDB refuses everything after, reads too: then nobody knows.
   */
  async #explain(error: unknown): Promise<StoreError> {
    if (!(error instanceof Error && 'commitError' in error)) return failure('write items', error, 'unknown')
    const reason = await reasonOf(error.commitError)
    try {
      this.#database.resetReadTxn()
      this.#database.doesExist(partitionStart('any'))
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
    if (this.#broken) throw new StoreError('STORE_UNAVAILABLE', this.#broken)
    if (this.#closed) throw new StoreError('STORE_REFUSED', 'the item store is closed')
  }
}

interface KeyRange {
  readonly start: Buffer
  readonly end: Buffer
  readonly reverse: boolean
  readonly inclusiveEnd: true
}

/** Both ends inclusive; a cursor is the sort key that the page before stopped at. */
function rangeOf(pk: string, { from, to, descending = false, cursor }: ItemQuery): KeyRange {
  const low = (descending ? undefined : cursor) ?? from
  const high = (descending ? cursor : undefined) ?? to
  const lowBytes = low === undefined ? partitionStart(pk) : itemKeyBytes({ pk, sk: low })
  const highBytes = high === undefined ? partitionEnd(pk) : itemKeyBytes({ pk, sk: high })
  return descending
    ? { start: highBytes, end: lowBytes, reverse: true, inclusiveEnd: true }
    : { start: lowBytes, end: highBytes, reverse: false, inclusiveEnd: true }
}

function bytesOf(operations: readonly WriteOperation[]): number {
  return operations.reduce((sum, operation) => sum + (operation.kind === 'put' ? operation.value.length : 0), 0)
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
