/**
 * Takes one generation of the journal into LMDB, with a note at the end that LMDB has it. That note lies under a key that no item can
 * have, with the generation for its version, and each transaction of the way expects it as it was before. Nobody sees LMDB half way: who
 * has the journal reads what is on its way from there, and who finds it left behind begins anew.
 *
 * The transactions are small, because lmdb (3.5.6) loses count of its free pages, and cannot write any more after the next opening, where one
 * transaction frees some MB of large values beside what it puts (seen from 1.6 MB on, not up to 0.9; https://github.com/kriszyp/lmdb-js/issues/317).
 */
import { StoreError } from '../index.ts'
import type { Change } from './journal-frame.ts'
import type { PreparedOperation } from './lmdb-conditional.ts'
import type { LmdbFile } from './lmdb-file.ts'
import type { LmdbItems } from './lmdb-items.ts'

/** A partition key without bytes, which the ports refuse. */
const NOTE_KEY = Buffer.from('\0\0journal')
const NOTE = {
  key: { pk: '', sk: 'journal' },
  value: Buffer.from('generations of the journal are in here up to this version'),
}

/** Of the values that one transaction puts, and of those that it frees in their place. */
const TRANSACTION_BYTES_MAX = 512 * 1_024
const TRANSACTION_CHANGES_MAX = 1_000

/** By the bytes of its key, as `keyName` makes a string of them. */
export type Changes = Map<string, Change>

/** The last generation that LMDB has; 0: none. */
export function drainedGeneration(file: LmdbFile): number {
  file.database.resetReadTxn()
  return file.database.getEntry(NOTE_KEY)?.version ?? 0
}

export class Drain {
  readonly changes: Changes
  readonly #file: LmdbFile
  readonly #items: LmdbItems
  readonly #generation: number
  #attempt: Promise<void> | undefined
  #isDone = false

  constructor(parts: { readonly file: LmdbFile; readonly items: LmdbItems }, changes: Changes, generation: number) {
    this.#file = parts.file
    this.#items = parts.items
    this.changes = changes
    this.#generation = generation
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /** Tries again where it failed before. @throws StoreError: LMDB does not have it, or nobody knows */
  async finish(): Promise<void> {
    if (this.#isDone) return
    this.#attempt ??= this.#write().finally(() => {
      this.#attempt = undefined
    })
    await this.#attempt
  }

  async #write(): Promise<void> {
    while (this.#file.reopening) await this.#file.reopening
    const before = drainedGeneration(this.#file)
    // An attempt before that gave no answer.
    if (before === this.#generation) {
      this.#isDone = true
      return
    }
    if (before > this.#generation) throw somebodyElse()
    for (const operations of this.#inTransactions()) {
      const { written } = await this.#items.writePrepared([noteStill(before), ...operations])
      if (!written) throw somebodyElse()
    }
    const { written } = await this.#items.writePrepared([noteOf(before, this.#generation)])
    if (!written) throw somebodyElse()
    this.#isDone = true
  }

  #inTransactions(): PreparedOperation[][] {
    const transactions: PreparedOperation[][] = []
    const { database } = this.#file
    let bytes = 0
    for (const change of this.changes.values()) {
      const freed = database.getEntry(change.keyBytes)?.value.length ?? 0
      const size = change.value.length + freed
      const last = transactions.at(-1)
      if (last && bytes + size <= TRANSACTION_BYTES_MAX && last.length < TRANSACTION_CHANGES_MAX) {
        last.push(operationOf(change))
        bytes += size
      } else {
        transactions.push([operationOf(change)])
        bytes = size
      }
    }
    return transactions
  }
}

function somebodyElse(): StoreError {
  return new StoreError('STORE_REFUSED', 'somebody else has brought the item store up to date: start Varve again')
}

function noteStill(before: number): PreparedOperation {
  return { keyBytes: NOTE_KEY, operation: { kind: 'check', key: NOTE.key, expected: before === 0 ? 'absent' : before } }
}

function noteOf(before: number, generation: number): PreparedOperation {
  const { key, value } = NOTE
  const expected = before === 0 ? 'absent' : before
  return { keyBytes: NOTE_KEY, operation: { kind: 'put', key, expected, version: generation, value } }
}

/** The key itself is not needed: LMDB goes by its bytes. */
function operationOf({ keyBytes, version, value }: Change): PreparedOperation {
  const { key } = NOTE
  const isUnconditional = true
  if (version === undefined) return { keyBytes, isUnconditional, operation: { kind: 'delete', key, expected: 0 } }
  return { keyBytes, isUnconditional, operation: { kind: 'put', key, expected: 'absent', version, value } }
}
