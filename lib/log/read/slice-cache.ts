/**
 * Slices of segments in memory, with their offsets written in, bounded in bytes, least recently used out first. A
 * writer's own slices start here, so that readers at the tail cost no GET; one fetch serves all who ask for a slice.
 */
import { LRUCache } from 'lru-cache'
import { CorruptDataError, SingleFlight } from '../../base/index.ts'
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

export class SliceCache {
  readonly #segments: SegmentStore
  readonly #aheadBytesMax: number
  readonly #slices: LRUCache<string, readonly StoredBatch[]>
  readonly #flights = new SingleFlight<string, readonly StoredBatch[] | undefined>()

  constructor(segments: SegmentStore, bytesMax: number) {
    this.#segments = segments
    this.#aheadBytesMax = Math.min(READ_AHEAD_BYTES_MAX, bytesMax / READ_AHEAD_SHARE)
    this.#slices = new LRUCache({ maxSize: bytesMax })
  }

  /** The batches of a slice; undefined where its segment is gone. @throws StoreError, CorruptDataError */
  async read(segment: SegmentRef, slice: Slice): Promise<readonly StoredBatch[] | undefined> {
    const key = keyOf(segment, slice)
    return this.#slices.get(key) ?? this.#flights.run(key, () => this.#fetch(segment, slice))
  }

  /** The batches of a slice, if they are in memory; reading them so does not count as use. */
  peek(segment: SegmentRef, slice: Slice): readonly StoredBatch[] | undefined {
    return this.#slices.peek(keyOf(segment, slice))
  }

  /** Begins to fetch the slices that will be asked for next, the first of them and more up to a bound. */
  readAhead(next: readonly { readonly segment: SegmentRef; readonly slice: Slice; readonly marker?: unknown }[]): void {
    let bytes = 0
    for (const { segment, slice, marker } of next) {
      if (bytes > 0 && bytes + slice.length > this.#aheadBytesMax) return
      bytes += slice.length
      if (marker || this.#slices.has(keyOf(segment, slice))) continue
      // What fails here fails again, and is told, when it is asked for.
      this.read(segment, slice).catch(() => undefined)
    }
  }

  /** `batches` are the slice's, as the producers sent them; their offsets are written in here. */
  add(segment: SegmentRef, slice: Slice, batches: readonly Uint8Array[]): void {
    this.#keep(segment, slice, placeBatches(slice, batches.flatMap(splitBatches)))
  }

  async #fetch(segment: SegmentRef, slice: Slice): Promise<readonly StoredBatch[] | undefined> {
    const bytes = await this.#segments.read(segment, slice.position, slice.length)
    if (!bytes) return undefined
    const views = splitBatches(bytes)
    for (const view of views) validateChecksum(view)
    const batches = placeBatches(slice, views)
    this.#keep(segment, slice, batches)
    return batches
  }

  #keep(segment: SegmentRef, slice: Slice, batches: readonly StoredBatch[]): void {
    this.#slices.set(keyOf(segment, slice), batches, { size: slice.length + OVERHEAD_BYTES * (batches.length + 1) })
  }
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
