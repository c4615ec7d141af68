/**
 * Slices of segments in memory, with their offsets written in, bounded in bytes, least recently used out first. A
 * writer's own slices start here, so that readers at the tail cost no GET; one fetch serves all who ask for a slice.
 */
import { LRUCache } from 'lru-cache'
import { Allocation, type BytesPool, CorruptDataError, type Loans, type PooledBytes } from '../../base/index.ts'
import { splitBatches, validateChecksum, writeOffset } from '../../records/index.ts'
import type { Slice } from '../head/commit.ts'
import type { SegmentRef, SegmentStore } from '../segment/segment-store.ts'

/** A batch as readers get it. */
export interface StoredBatch {
  readonly bytes: Uint8Array
  readonly baseOffset: number
  readonly lastOffset: number
  /** Ms since 1970; -1: none. */
  readonly maxTimestamp: number
}

/** Added to each slice's bytes when counting: what the objects around them take. */
const OVERHEAD_BYTES = 256
const READ_AHEAD_BYTES_MAX = 4 * 1_024 * 1_024
/** What is read ahead for one reader takes at most this part of the cache: several must not push out each other's. */
const READ_AHEAD_SHARE = 16

interface CachedSlice {
  readonly batches: readonly StoredBatch[]
  /** What they lie in, where it is used again after them. */
  readonly memory: PooledBytes | undefined
}

/** A slice that is being fetched, and who waits for it. */
interface Flight {
  readonly fetched: Promise<CachedSlice | undefined>
  readonly waiting: (Loans | undefined)[]
}

export class SliceCache {
  readonly #segments: SegmentStore
  readonly #aheadBytesMax: number
  readonly #slices: LRUCache<string, CachedSlice>
  readonly #flights = new Map<string, Flight>()
  readonly #pool: BytesPool

  constructor(segments: SegmentStore, bytesMax: number, pool: BytesPool) {
    this.#segments = segments
    this.#aheadBytesMax = Math.min(READ_AHEAD_BYTES_MAX, bytesMax / READ_AHEAD_SHARE)
    this.#slices = new LRUCache({ maxSize: bytesMax, dispose: ({ memory }) => memory?.release() })
    this.#pool = pool
  }

  /**
   * The batches of a slice; undefined where its segment is gone. Their memory is lent, or the reader's for good.
   * @throws StoreError, CorruptDataError
   */
  async read(segment: SegmentRef, slice: Slice, loans?: Loans): Promise<readonly StoredBatch[] | undefined> {
    const cached = this.#slices.get(keyOf(segment, slice))
    if (cached) {
      hand(cached, loans)
      return cached.batches
    }
    const flight = this.#fly(segment, slice)
    flight.waiting.push(loans)
    return (await flight.fetched)?.batches
  }

  /** The batches of a slice, for good, if they are in memory; reading them so does not count as use. */
  peek(segment: SegmentRef, slice: Slice): readonly StoredBatch[] | undefined {
    const cached = this.#slices.peek(keyOf(segment, slice))
    if (cached) hand(cached, undefined)
    return cached?.batches
  }

  /** Whether a slice is in memory; asking does not count as use. */
  has(segment: SegmentRef, slice: Slice): boolean {
    return this.#slices.has(keyOf(segment, slice))
  }

  /** Begins to fetch the slices that will be asked for next, the first of them and more up to a bound. */
  readAhead(next: readonly { readonly segment: SegmentRef; readonly slice: Slice; readonly marker?: unknown }[]): void {
    let bytes = 0
    for (const { segment, slice, marker } of next) {
      if (bytes > 0 && bytes + slice.length > this.#aheadBytesMax) return
      bytes += slice.length
      if (marker || this.has(segment, slice)) continue
      // What fails here fails again, and is told, when it is asked for.
      this.#fly(segment, slice).fetched.catch(() => undefined)
    }
  }

  /** `batches` are the slice's, as the producers sent them; their offsets are written in here. */
  add(segment: SegmentRef, slice: Slice, batches: readonly Uint8Array[]): void {
    this.#keep(segment, slice, { batches: placeBatches(slice, batches.flatMap(splitBatches)), memory: undefined })
  }

  #fly(segment: SegmentRef, slice: Slice): Flight {
    const key = keyOf(segment, slice)
    const flying = this.#flights.get(key)
    if (flying) return flying
    const waiting: Flight['waiting'] = []
    const fetched = this.#fetch(segment, slice)
      .then(cached => {
        if (!cached) return undefined
        // At once, before the cache lets go of it, and not when each of them comes to look.
        for (const loans of waiting) hand(cached, loans)
        this.#keep(segment, slice, cached)
        return cached
      })
      .finally(() => this.#flights.delete(key))
    const flight = { fetched, waiting }
    this.#flights.set(key, flight)
    return flight
  }

  async #fetch(segment: SegmentRef, slice: Slice): Promise<CachedSlice | undefined> {
    const allocation = new Allocation(this.#pool)
    const bytes = await this.#segments.read(segment, slice.position, slice.length, allocation.allocate)
    if (!bytes) return undefined
    const views = splitBatches(bytes)
    for (const view of views) validateChecksum(view)
    return { batches: placeBatches(slice, views), memory: allocation.holding(bytes) }
  }

  #keep(segment: SegmentRef, slice: Slice, cached: CachedSlice): void {
    const key = keyOf(segment, slice)
    this.#slices.set(key, cached, { size: slice.length + OVERHEAD_BYTES * (cached.batches.length + 1) })
    // What is larger than the cache is not kept.
    if (this.#slices.peek(key) !== cached) cached.memory?.release()
  }
}

function hand({ memory }: CachedSlice, loans: Loans | undefined): void {
  if (!memory) return
  if (loans) loans.add(memory)
  else memory.abandon()
}

/** Writes the offsets in. */
function placeBatches(slice: Slice, views: ReturnType<typeof splitBatches>): StoredBatch[] {
  let offset = slice.baseOffset
  const batches = views.map(({ bytes, recordCount, maxTimestamp }) => {
    writeOffset(bytes, offset)
    const batch = { bytes, baseOffset: offset, lastOffset: offset + recordCount - 1, maxTimestamp }
    offset += recordCount
    return batch
  })
  if (offset !== slice.baseOffset + slice.records) {
    throw new CorruptDataError(`a slice of ${slice.records} records holds ${offset - slice.baseOffset}`)
  }
  return batches
}

function keyOf(segment: SegmentRef, slice: Slice): string {
  return `${segment.id}/${slice.position}/${slice.length}`
}
