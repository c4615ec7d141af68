/**
 * Finds a partition's extents. What was found last is kept for a moment: a window of extents that follow each other. A kept one may
 * have been replaced meanwhile; what it says stays true of its object as long as that is there, and when it is gone, the
 * reader tells (`forget`) and asks again. But not for longer: of a compacted topic old extents beside new ones show a key
 * that was deleted, once its tombstone is gone from the new ones.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../../base/index.ts'
import type { ItemStore } from '../../storage/index.ts'
import { extentPartitionKey, extentSortKey, type StoredExtent, storedExtent } from './extent-item.ts'

/** Extents in a window. */
const WINDOW_EXTENTS = 32
const WINDOWS_MAX = 4_096
/** A window is believed for so long: much less than tombstones are kept. */
const STALE_MS_MAX = 5_000

interface Window {
  readonly extents: readonly StoredExtent[]
  /** Monotonic ms. */
  readonly askedAt: number
}

export class ExtentList {
  readonly #items: ItemStore
  readonly #clock: Clock
  readonly #windows = new LRUCache<string, Window>({
    maxSize: WINDOWS_MAX,
    sizeCalculation: () => 1,
  })

  constructor(items: ItemStore, clock: Clock) {
    this.#items = items
    this.#clock = clock
  }

  /** The extent that holds `offset`; undefined where there is a hole. @throws StoreError, CorruptDataError */
  async find(topicId: string, partition: number, offset: number): Promise<StoredExtent | undefined> {
    const pk = extentPartitionKey(topicId, partition)
    const askedAt = this.#clock.monotonic()
    const window = this.#windows.get(pk)
    const isFresh = window && askedAt - window.askedAt <= STALE_MS_MAX
    const known = isFresh && window.extents.find(({ from, to }) => from <= offset && offset < to)
    if (known) return known
    const page = await this.#items.query(pk, { from: extentSortKey(offset), limit: WINDOW_EXTENTS })
    const found = page.items.map(storedExtent)
    const hole = found.findIndex(({ from }, i) => i > 0 && from !== found[i - 1]!.to)
    const first = found[0]
    if (!first || first.from > offset) return undefined
    this.#windows.set(pk, { extents: hole < 0 ? found : found.slice(0, hole), askedAt })
    return first
  }

  /** What is known of a partition may be old. */
  forget(topicId: string, partition: number): void {
    this.#windows.delete(extentPartitionKey(topicId, partition))
  }

  /** All extents with an offset at or after `from`, in offset order, or from the last to the first. @throws StoreError, CorruptDataError */
  async *scan(
    topicId: string,
    partition: number,
    options: { readonly from?: number; readonly descending?: boolean } = {},
  ): AsyncGenerator<StoredExtent> {
    const { from = 0, descending = false } = options
    let cursor: string | undefined
    do {
      const page = await this.#items.query(extentPartitionKey(topicId, partition), {
        from: extentSortKey(from),
        descending,
        ...(cursor === undefined ? {} : { cursor }),
      })
      for (const item of page.items) yield storedExtent(item)
      cursor = page.cursor
    } while (cursor !== undefined)
  }
}
