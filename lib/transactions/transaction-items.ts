/**
 * The documents in the item store, with every answer made certain: a write says that it was done, or what stands in its
 * way. A write of unknown outcome is looked for by its own version, and tried again under that same version, so that
 * however often it arrives it counts once.
 */
import { type Clock, drawFraction, drawToken, type Random } from '../base/index.ts'
import { checkOfMaking, markOfRemoval } from '../lifetimes/index.ts'
import {
  type Expected,
  type Item,
  type ItemStore,
  StoreError,
  type Version,
  type WriteOperation,
} from '../storage/index.ts'
import { BACKOFF_MS, UNKNOWN_ATTEMPTS_MAX } from './settings.ts'
import {
  checkTransactionListing,
  decodeTransaction,
  encodeTransaction,
  encodeTransactionListing,
  TRANSACTIONS_PARTITION,
  type TransactionDocument,
  transactionDocumentKey,
  transactionListingKey,
} from './transaction-document.ts'

/** What was read, and the version to expect when changing it. */
export interface Read {
  readonly document: TransactionDocument | undefined
  readonly version: Expected
}

export type Written = { readonly written: Version } | { readonly inTheWay: Read }

export interface Ports {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export class TransactionItems {
  readonly #items: ItemStore
  readonly #clock: Clock
  readonly #random: Random

  constructor({ items, clock, random }: Ports) {
    this.#items = items
    this.#clock = clock
    this.#random = random
  }

  async read(transactionalId: string): Promise<Read> {
    return readOf(await this.#items.get(transactionDocumentKey(transactionalId)))
  }

  /** A new document's listing comes with it. @throws StoreError, of effect unknown where nobody can say */
  async write(transactionalId: string, expected: Expected, document: TransactionDocument): Promise<Written> {
    const version = drawToken(this.#random)
    const key = transactionDocumentKey(transactionalId)
    const operations: WriteOperation[] = [{ kind: 'put', key, expected, version, value: encodeTransaction(document) }]
    if (expected === 'absent') {
      const value = encodeTransactionListing()
      operations.push({ kind: 'put', key: transactionListingKey(transactionalId), expected, version, value })
      operations.push(await checkOfMaking(this.#items, key))
    }
    const inTheWay = await this.#settle(operations, version)
    return inTheWay === undefined ? { written: version } : { inTheWay }
  }

  /** Removes the document if it is still at `version`; `false`: it is not, or another id went at the same time. @throws StoreError */
  async remove(transactionalId: string, version: Version): Promise<boolean> {
    const key = transactionDocumentKey(transactionalId)
    const listing = await this.#items.get(transactionListingKey(transactionalId))
    const operations: WriteOperation[] = [{ kind: 'delete', key, expected: version }]
    if (listing) operations.push({ kind: 'delete', key: listing.key, expected: listing.version })
    operations.push(await markOfRemoval(this.#items, this.#random, key))
    // A write whose outcome is unknown is looked at again in the next pass.
    return (await this.#items.write(operations)).written
  }

  /** Sorted. @throws StoreError, CorruptDataError */
  async listIds(): Promise<string[]> {
    const ids: string[] = []
    let cursor: string | undefined
    do {
      const page = await this.#items.query(TRANSACTIONS_PARTITION, cursor === undefined ? {} : { cursor })
      for (const { key, value } of page.items) {
        checkTransactionListing(value)
        ids.push(key.sk)
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    return ids
  }

  /** Waits before another attempt: longer each time, and not in step with others. */
  async pause(attempt: number): Promise<void> {
    await this.#clock.sleep(BACKOFF_MS * 2 ** Math.min(attempt, 8) * (0.5 + drawFraction(this.#random)))
  }

  /** Undefined: written. Else what the first operation found, and it was surely not written before. */
  async #settle(operations: readonly WriteOperation[], version: Version): Promise<Read | undefined> {
    let doubtful = false
    for (let attempt = 0; ; attempt++) {
      try {
        const outcome = await this.#items.write(operations)
        const inTheWay = outcome.written ? undefined : outcome.conflicts.find(({ index }) => index === 0)?.item
        if (outcome.written || inTheWay?.version === version) return undefined
        if (!doubtful) return readOf(inTheWay)
        break
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        if (error.effect === 'none' && !doubtful) throw error
        if (attempt >= UNKNOWN_ATTEMPTS_MAX) throw unknownOutcome(error.message, error)
        doubtful = true
      }
      await this.pause(attempt)
    }
    throw unknownOutcome('an earlier attempt may have been done, and replaced')
  }
}

function readOf(item: Item | undefined): Read {
  if (!item) return { document: undefined, version: 'absent' }
  return { document: decodeTransaction(item.value), version: item.version }
}

function unknownOutcome(why: string, cause?: StoreError): StoreError {
  return new StoreError('STORE_OUTCOME_UNKNOWN', `the outcome of a write stays unknown: ${why}`, { cause })
}
