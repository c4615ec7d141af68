/** The documents in the item store, with every answer made certain. */
import { drawToken, type Random } from '../base/index.ts'
import { checkOfMaking, markOfRemoval } from '../lifetimes/index.ts'
import {
  CertainWrites,
  type CertainWritesParts,
  type Expected,
  type Item,
  type ItemStore,
  queryAll,
  type Version,
  type WriteOperation,
} from '../storage/index.ts'
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

export class TransactionItems {
  readonly #items: ItemStore
  readonly #random: Random
  readonly #writes: CertainWrites

  constructor(parts: CertainWritesParts) {
    this.#items = parts.items
    this.#random = parts.random
    this.#writes = new CertainWrites(parts)
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
    const outcome = await this.#writes.write(operations, version)
    return outcome.written ? { written: version } : { inTheWay: readOf(outcome.inTheWay) }
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
    for await (const { key, value } of queryAll(this.#items, TRANSACTIONS_PARTITION)) {
      checkTransactionListing(value)
      ids.push(key.sk)
    }
    return ids
  }

  pause(attempt: number): Promise<void> {
    return this.#writes.pause(attempt)
  }
}

function readOf(item: Item | undefined): Read {
  if (!item) return { document: undefined, version: 'absent' }
  return { document: decodeTransaction(item.value), version: item.version }
}
