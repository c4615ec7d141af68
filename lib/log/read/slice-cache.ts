/**
 * Slices of segments in memory, with their offsets written in. A writer's own slices start here, so that readers at the tail
 * cost no GET. What readers far behind have fetched is kept with the blocks of extents, where it pushes nothing out that those at
 * the tail need.
 */
import { type BytesPool, type Clock, CorruptDataError, type Loans, type PooledBytes } from '../../base/index.ts'
import { type BatchView, splitBatches, validateChecksum, viewBatch, writeOffset } from '../../records/index.ts'
import type { Slice } from '../head/commit.ts'
import type { SegmentRef, SegmentStore } from '../segment/segment-store.ts'
import { BatchCache, type FetchBatches, type StoredBatch } from './batch-cache.ts'
import type { LocatedSlice } from './locate.ts'

const READ_AHEAD_BYTES_MAX = 4 * 1_024 * 1_024
/** What is read ahead for one reader takes at most this part of the cache: several must not push out each other's. */
const READ_AHEAD_SHARE = 16
/** So many segments of its own a process remembers, the newest: a megabyte or two. */
const OWN_SEGMENTS_MAX = 16_384
/** About how long an answer takes to its client: reading ahead beside it would only take its processor. */
const READ_AHEAD_AFTER_MS = 4
/** Calls of `readAheadSoon` within that time; further ones are not needed enough to be kept. */
const READ_AHEAD_CALLS_MAX = 256

export interface SliceCacheOptions {
  readonly segments: SegmentStore
  /** Where slices are kept that readers far behind have fetched. */
  readonly far: BatchCache
  /** Of the slices that are written, and read at the tail. */
  readonly bytesMax: number
  readonly pool: BytesPool
  readonly clock: Clock
}

/** A batch that has its length, and not its offset yet. */
export type UnplacedBatch = Pick<BatchView, 'bytes' | 'recordCount' | 'maxTimestamp'>
type Place = Pick<LocatedSlice, 'segment' | 'slice' | 'isFar'>

export class SliceCache {
  readonly #segments: SegmentStore
  readonly #near: BatchCache
  readonly #far: BatchCache
  /** Ids, oldest first. Their batches were checked when they came, and are not when they are read again. */
  readonly #own = new Set<string>()
  readonly #clock: Clock
  /** What is read ahead soon. */
  readonly #soon: (readonly LocatedSlice[])[] = []

  constructor({ segments, far, bytesMax, pool, clock }: SliceCacheOptions) {
    this.#segments = segments
    this.#clock = clock
    this.#near = new BatchCache(bytesMax, pool)
    this.#far = far
  }

  /**
   * The batches of a slice; undefined where its segment is gone. Their memory is lent to a reader who sends them on, with their CRCs; else
   * it is the reader's for good, and was checked.
   * @throws StoreError, CorruptDataError; RecordError BAD_CRC
   */
  async read({ segment, slice, isFar }: Place, loans?: Loans): Promise<readonly StoredBatch[] | undefined> {
    const key = keyOf(segment, slice)
    const cache = isFar && !this.#near.has(key) ? this.#far : this.#near
    const batches = await cache.read(key, this.#fetching(segment, slice), loans)
    return loans ? batches : checked(batches)
  }

  /** The batches of a slice, for good, if they are in memory, and as they were sent; reading them so does not count as use. */
  peek(segment: SegmentRef, slice: Slice): readonly StoredBatch[] | undefined {
    const key = keyOf(segment, slice)
    try {
      return checked(this.#near.peek(key) ?? this.#far.peek(key))
    } catch {
      // A bad read brought them here: the store may have them as they were.
      return undefined
    }
  }

  /** Whether a slice is in memory; asking does not count as use. */
  has(segment: SegmentRef, slice: Slice): boolean {
    const key = keyOf(segment, slice)
    return this.#near.has(key) || this.#far.has(key)
  }

  /** Reads ahead what will be asked for next, once what is asked for now is on its way. */
  readAheadSoon(next: readonly LocatedSlice[]): void {
    if (next.length === 0 || this.#soon.length === READ_AHEAD_CALLS_MAX) return
    if (this.#soon.push(next) > 1) return
    void this.#clock.sleep(READ_AHEAD_AFTER_MS).then(() => {
      for (const slices of this.#soon.splice(0)) this.readAhead(slices)
    })
  }

  /** Begins to fetch the slices that will be asked for next, the first of them and more up to a bound. */
  readAhead(next: readonly LocatedSlice[]): void {
    let bytes = 0
    for (const { segment, slice, marker, isFar } of next) {
      const cache = isFar ? this.#far : this.#near
      if (bytes > 0 && bytes + slice.length > Math.min(READ_AHEAD_BYTES_MAX, cache.bytesMax / READ_AHEAD_SHARE)) return
      bytes += slice.length
      if (!marker && !this.has(segment, slice))
        cache.readAhead(keyOf(segment, slice), slice.length, this.#fetching(segment, slice))
    }
  }

  /**
   * `batches` are the slice's, as the producers sent them; their offsets are written in here. `memory`: what they lie in, where it is the
   * pool's; it is held until the slice leaves the cache.
   */
  add(segment: SegmentRef, slice: Slice, batches: readonly UnplacedBatch[], memory?: PooledBytes): void {
    this.#rememberOwn(segment.id)
    this.#near.add(keyOf(segment, slice), placeBatches(slice, batches), slice.length, memory)
  }

  #fetching(segment: SegmentRef, slice: Slice): FetchBatches {
    return async allocate => {
      const bytes = await this.#segments.read(segment, slice.position, slice.length, allocate)
      if (!bytes) return undefined
      const views = splitBatches(bytes)
      if (!this.#own.has(segment.id)) for (const view of views) validateChecksum(view)
      return { bytes, batches: placeBatches(slice, views) }
    }
  }

  #rememberOwn(id: string): void {
    this.#own.add(id)
    if (this.#own.size <= OWN_SEGMENTS_MAX) return
    const [oldest] = this.#own
    this.#own.delete(oldest!)
  }
}

/** Copies and tables keep what is read for ever: no bad read may become a record of theirs. */
function checked(batches: readonly StoredBatch[] | undefined): readonly StoredBatch[] | undefined {
  for (const { bytes } of batches ?? []) validateChecksum(viewBatch(bytes))
  return batches
}

/** Writes the offsets in. */
function placeBatches(slice: Slice, views: readonly UnplacedBatch[]): StoredBatch[] {
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
