/**
 * The object store as it is. Synchronous and exact to the port's contract. Listings come in an order that has nothing to
 * do with the keys', as the port promises none.
 */
import {
  type Allocate,
  type ByteRange,
  DELETE_KEYS_MAX,
  type ObjectPage,
  StoreError,
} from '../../../lib/storage/index.ts'
import { copyBytes } from './copy-bytes.ts'

const KEY_BYTES_MAX = 1_024

/** Objects on a page of a listing that asks for no limit. */
const PAGE_OBJECTS_MAX = 1_000

interface StoredObject {
  readonly bytes: Uint8Array
  /** Where it comes in listings. */
  readonly rank: string
  readonly createdAt: number
}

export class ObjectTruth {
  readonly #objects = new Map<string, StoredObject>()

  put(key: string, bytes: Uint8Array, now = 0): 'created' | 'exists' {
    const length = Buffer.byteLength(key)
    if (length < 1 || length > KEY_BYTES_MAX) throw new StoreError('STORE_REFUSED', `a key of ${length} bytes`)
    if (this.#objects.has(key)) return 'exists'
    this.#objects.set(key, { bytes, rank: rankOf(key), createdAt: now })
    return 'created'
  }

  get(key: string, range?: ByteRange, allocate?: Allocate): Uint8Array | undefined {
    const bytes = this.#objects.get(key)?.bytes
    if (!bytes || !range) return bytes && copyBytes(bytes)
    const part = bytes.subarray(range.from, range.from + range.length)
    if (!allocate) return copyBytes(part)
    const copy = allocate(part.length)
    copy.set(part)
    return copy
  }

  /** `visibleUntil`: objects made after it are missed. */
  list(prefix: string, options: { cursor?: string; limit?: number } = {}, visibleUntil = Infinity): ObjectPage {
    const { cursor = '', limit = PAGE_OBJECTS_MAX } = options
    const found: { rank: string; key: string; size: number }[] = []
    for (const [key, { rank, bytes, createdAt }] of this.#objects) {
      if (!key.startsWith(prefix) || rank <= cursor || createdAt > visibleUntil) continue
      found.push({ rank, key, size: bytes.length })
    }
    found.sort((a, b) => (a.rank < b.rank ? -1 : 1))
    const page = found.slice(0, Math.min(limit, PAGE_OBJECTS_MAX))
    const objects = page.map(({ key, size }) => ({ key, size }))
    const last = page.at(-1)
    return last && page.length < found.length ? { objects, cursor: last.rank } : { objects }
  }

  delete(keys: readonly string[]): void {
    if (keys.length > DELETE_KEYS_MAX) throw new StoreError('STORE_REFUSED', `${keys.length} keys to delete`)
    for (const key of keys) this.#objects.delete(key)
  }

  /** The keys of all objects there are, for checks of the end state. */
  keys(): string[] {
    return [...this.#objects.keys()]
  }
}

/** A fixed shuffle: a hash of the key, then the key. */
function rankOf(key: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return `${(hash >>> 0).toString(16).padStart(8, '0')}${key}`
}
