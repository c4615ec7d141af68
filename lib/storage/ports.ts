/**
 * The two ports through which everything durable goes. An adapter knows nothing of Kafka; one contract suite
 * (test/contracts) runs against every adapter. Both ports throw StoreError and nothing else for a failed call.
 */
import { VarveError } from '../base/index.ts'

// ---------------------------------------------------------------- objects

/** Immutable blobs. Keys are up to 1,024 bytes of UTF-8, `/` between folders. */
export interface ObjectStore {
  /**
   * Stores the concatenation of `parts` under `key` unless the key exists. When it answers, the object is durable.
   * `exists` leaves the old object as it was. The parts are not copied: they must not change until the answer.
   */
  put(key: string, parts: readonly Uint8Array[], options?: PutOptions): Promise<'created' | 'exists'>
  /**
   * The same for an object that is too large to be held in memory: the concatenation of what `open` gives, which may be
   * asked for again from the beginning after a failure. Nothing is under the key until all of it is stored.
   * @throws what the iteration throws, besides StoreError; then nothing was stored
   */
  putStream(key: string, open: () => AsyncIterable<Uint8Array>, options?: PutOptions): Promise<'created' | 'exists'>
  /**
   * The object, or `length` bytes of it from `from` (fewer at its end); undefined where there is no such object. A store may
   * ask `allocate` for the memory of the answer; it may still write there after a call that failed.
   */
  get(key: string, range?: ByteRange, allocate?: Allocate): Promise<Uint8Array | undefined>
  /** A page of the objects whose key begins with `prefix`, in no promised order. Pass `cursor` on for the next page. */
  list(prefix: string, options?: { cursor?: string; limit?: number }): Promise<ObjectPage>
  /** Removes up to 1,000 objects; keys that do not exist are no error. */
  delete(keys: readonly string[]): Promise<void>
  /** Absent where puts that come to no end leave nothing behind. */
  readonly unfinishedPuts?: UnfinishedPuts
  close(): Promise<void>
}

/** Gives memory of so many bytes, whatever is in it. */
export type Allocate = (length: number) => Uint8Array

/** Classes that cost less to keep and more to read, at the same speed. */
export const STORAGE_CLASSES = ['STANDARD_IA', 'GLACIER_IR'] as const
export type StorageClass = (typeof STORAGE_CLASSES)[number]

export interface PutOptions {
  /** Where the object lies; undefined: where the store puts it by itself. A store without classes takes no notice. */
  readonly storageClass?: StorageClass | undefined
}

/** Puts that were begun and neither ended nor given up: what was sent of them is no object, is in no listing, and costs as one. */
export interface UnfinishedPuts {
  /** All of this store, also those that somebody is still at. */
  list(): AsyncIterable<UnfinishedPut>
  /** Removes what was sent; who is still at it is told that the put failed. One that has ended meanwhile is no error. */
  giveUp(put: UnfinishedPut): Promise<void>
}

export interface UnfinishedPut {
  readonly key: string
  readonly id: string
  /** By the store's clock, ms since 1970. */
  readonly begunAt: number
}

export interface ByteRange {
  readonly from: number
  readonly length: number
}

export interface ObjectPage {
  readonly objects: readonly { readonly key: string; readonly size: number }[]
  /** Present where there may be more. */
  readonly cursor?: string
}

// ---------------------------------------------------------------- published files

/**
 * Files for readers other than Varve, who know them by their plain names. Names are relative: letters, digits, `._=-`, with `/`
 * between folders. All operations may be repeated.
 */
export interface PublishedFiles {
  /** Stores the concatenation of `parts` under a name; a file that is there is replaced, at once and as a whole. Durable at the answer. */
  put(name: string, parts: readonly Uint8Array[]): Promise<void>
  /** Undefined where there is no such file. */
  get(name: string): Promise<Uint8Array | undefined>
  /** The names that begin with `prefix`, which has a `/`; in no promised order. */
  list(prefix: string): Promise<string[]>
  /** Names that do not exist are no error. */
  delete(names: readonly string[]): Promise<void>
  /** As other programs name the file: `file:///…`, `s3://…`. */
  uri(name: string): string
}

const PUBLISHED_NAME = /^[A-Za-z0-9_=-][A-Za-z0-9._=-]*(\/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*$/

/** @throws StoreError STORE_REFUSED */
export function checkPublishedName(name: string): void {
  if (!PUBLISHED_NAME.test(name)) throw new StoreError('STORE_REFUSED', `${JSON.stringify(name)} is no name of a file`)
}

// ---------------------------------------------------------------- items

/** A random 53-bit token drawn by the writer of the version (base `drawToken`); never a counter. */
export type Version = number

export interface ItemKey {
  readonly pk: string
  readonly sk: string
}

/** A small document (up to 400 KB with its key). */
export interface Item {
  readonly key: ItemKey
  readonly version: Version
  readonly value: Uint8Array
}

/** The version that the writer expects to find; `absent` where it expects nothing. */
export type Expected = Version | 'absent'

export type WriteOperation =
  | {
      readonly kind: 'put'
      readonly key: ItemKey
      readonly expected: Expected
      readonly version: Version
      readonly value: Uint8Array
    }
  | { readonly kind: 'delete'; readonly key: ItemKey; readonly expected: Version }
  | { readonly kind: 'check'; readonly key: ItemKey; readonly expected: Expected }

/** Either all operations were applied, durably, or none: then `conflicts` has what stands in the way of each refused one. */
export type WriteOutcome =
  | { readonly written: true }
  | { readonly written: false; readonly conflicts: readonly Conflict[] }

/** Operation `index` did not find what it expected; `item` is what is there (undefined: nothing). */
export interface Conflict {
  readonly index: number
  readonly item: Item | undefined
}

export interface ItemQuery {
  /** First sort key, inclusive. */
  readonly from?: string
  /** Last sort key, inclusive. */
  readonly to?: string
  /** From the last key to the first. */
  readonly descending?: boolean
  readonly limit?: number
  /** From the page before. */
  readonly cursor?: string
}

export interface ItemPage {
  readonly items: readonly Item[]
  /** Present where there may be more. */
  readonly cursor?: string
}

/** Small documents with versions. All reads are strong: they see every write answered before they began. */
export interface ItemStore {
  get(key: ItemKey): Promise<Item | undefined>
  /** A page of the items under one partition key, ordered by sort key (bytes of UTF-8). */
  query(pk: string, query?: ItemQuery): Promise<ItemPage>
  /** Applies 1 to 100 operations on distinct keys, all or none. */
  write(operations: readonly WriteOperation[]): Promise<WriteOutcome>
  close(): Promise<void>
}

export const WRITE_OPERATIONS_MAX = 100
export const DELETE_KEYS_MAX = 1_000

// ---------------------------------------------------------------- errors

/**
 * A call to a store failed. `effect: 'none'`: it surely did nothing and may be tried again. `effect: 'unknown'`: it may
 * have been done, and may still be done later; read before you try again.
 */
export class StoreError extends VarveError {
  readonly code: 'STORE_THROTTLED' | 'STORE_UNAVAILABLE' | 'STORE_OUTCOME_UNKNOWN' | 'STORE_REFUSED'
  readonly effect: 'none' | 'unknown'

  constructor(code: StoreError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
    this.effect = code === 'STORE_OUTCOME_UNKNOWN' ? 'unknown' : 'none'
  }
}
