/**
 * Offsets by name or by time. The head is read strongly first. By time, extents and commits say the largest timestamp of
 * what they hold; only the last step looks at records. As in Kafka, the answer is the first offset whose timestamp is not below the
 * one asked for (records need not be in order of time). A search that a compaction overtakes begins again.
 */
import { readRecords, viewBatch } from '../../records/index.ts'
import type { FoundOffset, OffsetSpec } from '../contract.ts'
import { LogError } from '../errors.ts'
import type { StoredExtent } from '../extent/extent-item.ts'
import type { StoredBatch } from './batch-cache.ts'
import { type LocatedSlice, slicesFrom } from './locate.ts'
import { type PartitionView, type ReadParts, stateOf } from './walk.ts'

const NOT_FOUND: FoundOffset = { offset: -1, timestamp: -1 }
const ATTEMPTS_MAX = 10

export async function findOffset(parts: ReadParts, view: PartitionView, spec: OffsetSpec): Promise<FoundOffset> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    await view.shard.refresh()
    const partition = stateOf(view)
    if (!partition) throw new LogError('UNKNOWN_TOPIC', 'no such partition')
    if (spec.at === 'earliest') return { offset: partition.start, timestamp: -1 }
    if (spec.at === 'latest')
      return { offset: spec.isolation === 'read_committed' ? partition.stable : partition.next, timestamp: -1 }
    const timestamp = spec.at === 'timestamp' ? spec.timestamp : await maxTimestamp(parts, view)
    if (timestamp === 'moved') continue
    if (spec.at === 'max-timestamp' && timestamp < 0) return NOT_FOUND
    const found = await findFirst(parts, view, timestamp)
    if (found !== 'moved') return found
  }
  throw new LogError('REQUEST_TIMED_OUT', 'the log was rewritten during the search; try again')
}

/** What is asked of the log must be true of one moment; `moved`: it was not, so ask again. */
type OrMoved<T> = T | 'moved'

/** The first record at or after `timestamp`. */
async function findFirst(parts: ReadParts, view: PartitionView, timestamp: number): Promise<OrMoved<FoundOffset>> {
  const start = stateOf(view)?.start ?? 0
  for await (const batches of batchesByTime(parts, view, timestamp)) {
    if (batches === 'moved') return 'moved'
    for (const batch of batches) {
      if (batch.maxTimestamp < timestamp || batch.lastOffset < start) continue
      for (const record of readRecords(viewBatch(batch.bytes))) {
        if (record.timestamp >= timestamp && record.offset >= start)
          return { offset: record.offset, timestamp: record.timestamp }
      }
    }
  }
  return NOT_FOUND
}

/** Batches of the partition in offset order, without most of those that are wholly before `timestamp`. */
async function* batchesByTime(
  parts: ReadParts,
  view: PartitionView,
  timestamp: number,
): AsyncGenerator<OrMoved<readonly StoredBatch[]>> {
  const live = liveParts(view)
  for await (const extent of extentsBelow(parts, view, live)) {
    if (extent === 'moved') {
      yield extent
      return
    }
    if (extent.maxTimestamp < timestamp) continue
    const blocks = await parts.extents.index(extent)
    if (!blocks) yield 'moved'
    for (const [at, block] of (blocks ?? []).entries()) {
      if (block.maxTimestamp < timestamp) continue
      yield (await parts.extents.block(extent, blocks!, at)) ?? 'moved'
    }
  }
  for await (const located of slicesByTime(view, live, timestamp)) {
    if (located === 'moved') yield 'moved'
    else if (!located.marker) yield (await parts.cache.read(located)) ?? 'moved'
  }
}

/** The extents from `start` to `extentsTo`, in offset order; `moved` where they have a hole. */
async function* extentsBelow(
  { extentList }: ReadParts,
  { shard, partition }: PartitionView,
  { start, extentsTo }: Live,
): AsyncGenerator<OrMoved<StoredExtent>> {
  let next = start
  if (next >= extentsTo) return
  for await (const extent of extentList.scan(shard.topicId, partition, { from: start })) {
    if (extent.from > next) break
    yield extent
    next = extent.to
    if (next >= extentsTo) return
  }
  yield 'moved'
}

type Live = ReturnType<typeof liveParts>

/** What the cached head refers to now, to be searched after the extents were. */
function liveParts(view: PartitionView) {
  const { shard } = view
  const { start = 0, extentsTo = 0 } = stateOf(view) ?? {}
  const { floor = 0, tail = [] } = shard.state?.head ?? {}
  return { start, extentsTo, floor, tail, entries: [...shard.directory.entries] }
}

/** The slices with a timestamp at or after the one searched, in offset order, at most once each. */
async function* slicesByTime(
  { shard, slot }: PartitionView,
  { entries, tail, start, extentsTo }: Live,
  timestamp: number,
): AsyncGenerator<OrMoved<LocatedSlice>> {
  const from = Math.max(start, extentsTo)
  for (const entry of entries) {
    if ((entry.maxTimestamps[slot] ?? Number.NEGATIVE_INFINITY) < timestamp) continue
    const chunk = await shard.readChunk(entry)
    if (!chunk) yield 'moved'
    else
      yield* slicesFrom(chunk.commits, slot, from, { isFar: true }).filter(
        ({ slice }) => slice.maxTimestamp >= timestamp,
      )
  }
  yield* slicesFrom(tail, slot, from, { isFar: false }).filter(({ slice }) => slice.maxTimestamp >= timestamp)
}

async function maxTimestamp(parts: ReadParts, view: PartitionView): Promise<OrMoved<number>> {
  const { shard, slot } = view
  const live = liveParts(view)
  const { start, extentsTo, floor, tail, entries } = live
  const from = Math.max(start, extentsTo)
  let largest = -1
  const look = (slices: readonly LocatedSlice[]) => {
    for (const { slice } of slices) largest = Math.max(largest, slice.maxTimestamp)
  }
  look(slicesFrom(tail, slot, from, { isFar: false }))
  for (const entry of entries) {
    if (entry.firstCommit >= floor) largest = Math.max(largest, entry.maxTimestamps[slot] ?? -1)
    else {
      const chunk = await shard.readChunk(entry)
      if (!chunk) return 'moved'
      look(slicesFrom(chunk.commits, slot, from, { isFar: true }))
    }
  }
  for await (const extent of extentsBelow(parts, view, live)) {
    if (extent === 'moved') return 'moved'
    largest = Math.max(largest, extent.maxTimestamp)
  }
  return largest
}
