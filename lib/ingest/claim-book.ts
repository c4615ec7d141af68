/**
 * The claims of one source, as this process knows them. A claim goes in by a compare-and-swap of its minute's last chunk, so
 * whoever succeeds has seen every claim of that minute: no two processes claim a record without one knowing of the other.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, drawToken, type Random } from '../base/index.ts'
import type { Conflict, Item, ItemKey, ItemStore, WriteOperation } from '../storage/index.ts'
import {
  type Claim,
  chunkKey,
  chunkNumber,
  chunkRange,
  chunksPk,
  decodeClaims,
  encodeClaims,
  encodeHour,
  encodeSource,
  hourKey,
  hourOf,
  sourceKey,
} from './claim.ts'

/** A chunk that is longer is followed by another: a short one costs less to write again. */
const CHUNK_BYTES_MAX = 8 * 1_024
/** As stored; minutes that are not known are read. */
const BOOK_BYTES_MAX = 16 * 1_024 * 1_024
/** Claims of at most so many minutes in one write: two operations each, and one for their hour. */
export const MINUTES_MAX = 30
/** An hour's marker may be removed by upkeep, but not so soon. */
const MARKER_MS_MAX = 3_600_000

export interface ClaimBookParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

interface Minute {
  /** Claims of each record, whatever became of them. */
  readonly claims: Map<string, readonly Claim[]>
  readonly last: { readonly item: Item; readonly claims: readonly Claim[] } | undefined
}

const NO_CLAIMS: readonly Claim[] = []

export class ClaimBook {
  readonly #source: string
  readonly #arn: string
  readonly #parts: ClaimBookParts
  readonly #minutes = new LRUCache<number, Minute>({ maxSize: BOOK_BYTES_MAX })
  /** When the marker of an hour was last seen, on the monotonic clock. */
  readonly #hours = new Map<number, number>()
  #sourceKnown = false

  constructor(source: string, arn: string, parts: ClaimBookParts) {
    this.#source = source
    this.#arn = arn
    this.#parts = parts
  }

  /** The claims of a record, by what is known here; a claim that is made on top of it proves that it was all. */
  async claimsOf(minute: number, record: string): Promise<readonly Claim[]> {
    const known = this.#minutes.get(minute) ?? (await this.#load(minute))
    return known.claims.get(record) ?? NO_CLAIMS
  }

  /** False: somebody else's claim was in the way, and is known now. @throws StoreError; then the minutes are read again */
  async add(claims: ReadonlyMap<number, readonly Claim[]>): Promise<boolean> {
    const operations: WriteOperation[] = []
    const minuteOfOperation = new Map<number, number>()
    try {
      for (const hour of new Set([...claims.keys()].map(hourOf))) operations.push(...(await this.#markHour(hour)))
      if (operations.length > 0) operations.push(...(await this.#markSource()))
      for (const [minute, added] of claims) {
        const { last } = this.#minutes.get(minute) ?? (await this.#load(minute))
        for (const operation of this.#chunkWrites(minute, last, added)) {
          minuteOfOperation.set(operations.length, minute)
          operations.push(operation)
        }
      }
      const outcome = await this.#parts.items.write(operations)
      if (outcome.written) this.#keepAdded(claims, operations, minuteOfOperation)
      else this.#forgetConflicting(outcome.conflicts, minuteOfOperation)
      return outcome.written
    } catch (error) {
      for (const minute of claims.keys()) this.#minutes.delete(minute)
      this.#hours.clear()
      throw error
    }
  }

  async #load(minute: number): Promise<Minute> {
    const items: Item[] = []
    let cursor: string | undefined
    do {
      const query = { ...chunkRange(minute), ...(cursor === undefined ? {} : { cursor }) }
      const page = await this.#parts.items.query(chunksPk(this.#source, hourOf(minute)), query)
      items.push(...page.items)
      cursor = page.cursor
    } while (cursor !== undefined)
    const chunks = items.map(item => ({ item, claims: decodeClaims(item.value) }))
    const size = 64 + items.reduce((sum, { value }) => sum + value.length, 0)
    const known = { claims: indexOf(chunks.flatMap(chunk => chunk.claims)), last: chunks.at(-1) }
    this.#minutes.set(minute, known, { size })
    return known
  }

  #chunkWrites(minute: number, last: Minute['last'], added: readonly Claim[]): WriteOperation[] {
    const put = (key: ItemKey, expected: number | 'absent', claims: readonly Claim[]): WriteOperation => ({
      kind: 'put',
      key,
      expected,
      version: drawToken(this.#parts.random),
      value: encodeClaims(claims),
    })
    if (!last) return [put(chunkKey(this.#source, minute, 0), 'absent', added)]
    const { key, version, value } = last.item
    if (value.length < CHUNK_BYTES_MAX) return [put(key, version, [...last.claims, ...added])]
    // The check makes sure that nobody adds to the full chunk what this process has not seen.
    const next = chunkKey(this.#source, minute, chunkNumber(key) + 1)
    return [{ kind: 'check', key, expected: version }, put(next, 'absent', added)]
  }

  /** What says that the hour has claims: upkeep finds them by it. */
  async #markHour(hour: number): Promise<WriteOperation[]> {
    const { items, clock, random } = this.#parts
    const seen = this.#hours.get(hour)
    if (seen !== undefined && clock.monotonic() - seen < MARKER_MS_MAX) return []
    const key = hourKey(this.#source, hour)
    const marker = await items.get(key)
    if (marker) {
      this.#hours.set(hour, clock.monotonic())
      return []
    }
    return [{ kind: 'put', key, expected: 'absent', version: drawToken(random), value: encodeHour() }]
  }

  /** What says that the source has hours. */
  async #markSource(): Promise<WriteOperation[]> {
    const { items, random } = this.#parts
    const key = sourceKey(this.#source)
    if (this.#sourceKnown || (await items.get(key))) return []
    return [{ kind: 'put', key, expected: 'absent', version: drawToken(random), value: encodeSource(this.#arn) }]
  }

  #keepAdded(
    claims: ReadonlyMap<number, readonly Claim[]>,
    operations: readonly WriteOperation[],
    minuteOfOperation: ReadonlyMap<number, number>,
  ): void {
    this.#sourceKnown = true
    for (const minute of claims.keys()) this.#hours.set(hourOf(minute), this.#parts.clock.monotonic())
    for (const [index, minute] of minuteOfOperation) {
      const operation = operations[index]!
      if (operation.kind !== 'put') continue
      const known = this.#minutes.get(minute)
      if (!known) continue
      const added = claims.get(minute)!
      const { key, version, value } = operation
      addToIndex(known.claims, added)
      const last = { item: { key, version, value }, claims: decodeClaims(value) }
      const size = 64 + (this.#minutes.info(minute)?.size ?? 0) + value.length
      this.#minutes.set(minute, { claims: known.claims, last }, { size })
    }
  }

  #forgetConflicting(conflicts: readonly Conflict[], minuteOfOperation: ReadonlyMap<number, number>): void {
    for (const { index } of conflicts) {
      const minute = minuteOfOperation.get(index)
      if (minute === undefined) this.#sourceKnown = false
      else this.#minutes.delete(minute)
    }
  }
}

function indexOf(claims: readonly Claim[]): Map<string, readonly Claim[]> {
  const index = new Map<string, readonly Claim[]>()
  addToIndex(index, claims)
  return index
}

function addToIndex(index: Map<string, readonly Claim[]>, claims: readonly Claim[]): void {
  for (const claim of claims) {
    for (const record of claim.records) index.set(record, [...(index.get(record) ?? NO_CLAIMS), claim])
  }
}
