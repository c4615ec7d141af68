/**
 * Takes one generation of the journal into LMDB: all of it in one transaction, together with a note that LMDB has it. That note lies
 * under a key that no item can have, with the generation for its version.
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
    const { written } = await this.#items.writePrepared([
      noteOf(before, this.#generation),
      ...Array.from(this.changes.values(), operationOf),
    ])
    if (!written) throw somebodyElse()
    this.#isDone = true
  }
}

function somebodyElse(): StoreError {
  return new StoreError('STORE_REFUSED', 'somebody else has brought the item store up to date: start Varve again')
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
