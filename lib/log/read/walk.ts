/**
 * Goes through a partition's batches in offset order: extents first, then the slices of chunks and tail. Whatever was
 * moved away under the reader's feet (a segment or extent that is gone, a hole) makes it read the head and look again.
 * An extent may begin anew above the last batch of the one before: compaction leaves holes in the offsets, never in the cover.
 */
import { CorruptDataError, type Loans } from '../../base/index.ts'
import { buildEmptyBatch, buildEndTransactionMarker, writeOffset } from '../../records/index.ts'
import { LogError } from '../errors.ts'
import type { Extent } from '../extent/extent-item.ts'
import type { ExtentList } from '../extent/extent-list.ts'
import type { Marker } from '../head/commit.ts'
import type { PartitionState } from '../head/head.ts'
import type { Shard } from '../head/shard.ts'
import type { StoredBatch } from './batch-cache.ts'
import type { ExtentReader } from './extent-reader.ts'
import { locateSlices, outOfRange } from './locate.ts'
import type { SliceCache } from './slice-cache.ts'

export interface ReadParts {
  readonly cache: SliceCache
  readonly extents: ExtentReader
  readonly extentList: ExtentList
}

/** A partition as this process sees it. */
export interface PartitionView {
  readonly shard: Shard
  readonly slot: number
  readonly partition: number
}

export interface Portion {
  /** From a commit in a chunk or the tail; else from an extent, which holds committed records only. */
  readonly live: boolean
  /** Undefined: not in memory yet, and larger than the reader has room for. */
  readonly batches: readonly StoredBatch[] | undefined
}

export interface Walk {
  readonly from: number
  /** Asked before each portion: one of more bytes is not waited for, only begun to be fetched. */
  readonly room: () => number
  /** Absent: the memory of the batches is not lent but given. */
  readonly loans?: Loans | undefined
}

/** In a row, without a batch between them. */
const SETBACKS_MAX = 10
const SLICES_AHEAD_MAX = 4

/** The state of a partition in the cached head. */
export function stateOf({ shard, slot }: Pick<PartitionView, 'shard' | 'slot'>): PartitionState | undefined {
  return shard.state?.head.partitions[slot]
}

/**
 * From the batch that holds `from` (or the next above it) to the end of the cached head; a portion may begin with batches
 * below `from`.
 * @throws LogError UNKNOWN_TOPIC, OFFSET_OUT_OF_RANGE where retention overtook the reader; StoreError, CorruptDataError
 */
export async function* walkBatches(
  parts: ReadParts,
  view: PartitionView,
  { from, room, loans }: Walk,
): AsyncGenerator<Portion> {
  let offset = from
  for (let setbacks = 0; setbacks < SETBACKS_MAX; setbacks++) {
    const state = stateOf(view)
    if (!state) throw new LogError('UNKNOWN_TOPIC', 'the topic was deleted')
    if (offset >= state.next) return
    if (offset < state.start) throw outOfRange(offset, state)
    const walk = offset < state.extentsTo ? walkExtent : walkSlices
    const portions = walk(parts, view, { from: offset, room, loans })
    for await (const { next, ...portion } of portions) {
      yield portion
      offset = next
      setbacks = -1
    }
    if (setbacks < 0) continue
    parts.extentList.forget(view.shard.topicId, view.partition)
    await view.shard.refresh()
  }
  throw new CorruptDataError(`nothing serves offset ${offset} of ${view.shard.topicId}/${view.partition}`)
}

interface Step extends Portion {
  /** Where to go on after it. */
  readonly next: number
}

/** Nothing where no extent holds the offset, or it is gone. */
async function* walkExtent(
  parts: ReadParts,
  view: PartitionView,
  { from: offset, room, loans }: Walk,
): AsyncGenerator<Step> {
  const extent = await parts.extentList.find(view.shard.topicId, view.partition, offset)
  const blocks = extent && (await parts.extents.index(extent))
  if (!blocks) return
  const first = blocks.findLastIndex(({ from }) => from <= offset)
  for (let at = Math.max(0, first); at < blocks.length; at++) {
    const reading = parts.extents.block(extent, blocks, at, loans)
    if (blocks[at]!.length > room() && !parts.extents.has(extent, blocks[at]!)) {
      reading.catch(() => undefined)
      yield { live: false, batches: undefined, next: offset }
    }
    const batches = await reading
    if (!batches) return
    const last = batches.at(-1)?.lastOffset ?? -1
    const isEnd = at === blocks.length - 1
    const next = isEnd ? extent.to : last + 1
    if (next > offset)
      yield { live: false, batches: isEnd && next > last + 1 ? [...batches, emptyEnd(extent)] : batches, next }
  }
  if (blocks.length === 0) yield { live: false, batches: [emptyEnd(extent)], next: extent.to }
}

/** Where a fork has cut an extent between two batches, a reader still must get to its end. */
function emptyEnd({ to }: Extent): StoredBatch {
  return { bytes: buildEmptyBatch(to - 1).bytes, baseOffset: to - 1, lastOffset: to - 1, maxTimestamp: -1 }
}

/** Nothing where a segment is gone, or extents serve the offset by now. */
async function* walkSlices(
  { cache }: ReadParts,
  view: PartitionView,
  { from: offset, room, loans }: Walk,
): AsyncGenerator<Step> {
  const located = await locateSlices(view.shard, view.slot, offset)
  if (located?.length === 0) throw new LogError('UNKNOWN_TOPIC', 'the topic was deleted')
  for (const [index, place] of (located ?? []).entries()) {
    const { segment, slice, marker } = place
    const next = slice.baseOffset + slice.records
    if (slice.length > room() && !cache.has(segment, slice)) {
      cache.readAhead([place])
      yield { live: true, batches: undefined, next: slice.baseOffset }
    }
    const reading = marker ? [controlBatch(marker)] : cache.read(place, loans)
    if (index + 1 < located!.length) cache.readAheadSoon(located!.slice(index + 1, index + 1 + SLICES_AHEAD_MAX))
    else readOn(cache, view, next)
    const batches = await reading
    if (!batches) return
    yield { live: true, batches, next }
  }
}

/** Reads ahead in the next chunk, or the tail. */
function readOn(cache: SliceCache, view: PartitionView, offset: number): void {
  if (offset >= (stateOf(view)?.next ?? 0)) return
  locateSlices(view.shard, view.slot, offset).then(
    located => cache.readAheadSoon((located ?? []).slice(0, SLICES_AHEAD_MAX)),
    // What fails here fails again, and is told, when it is asked for.
    () => undefined,
  )
}

/** A marker as Kafka's clients know it. */
function controlBatch(marker: Marker): StoredBatch {
  const { outcome, producerId, producerEpoch, timestamp, offset } = marker
  const bytes = buildEndTransactionMarker({ outcome, coordinatorEpoch: 0, producerId, producerEpoch, timestamp })
  writeOffset(bytes, offset)
  return { bytes, baseOffset: offset, lastOffset: offset, maxTimestamp: -1 }
}
