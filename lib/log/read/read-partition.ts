/**
 * Reads of one partition by offset. The cached head may be behind, so nothing is refused and nothing is called empty
 * before the head was read strongly (DESIGN: "a cached head is never the truth for a refusal"). Nor is it believed for
 * long that a record is still kept: what was deleted is refused everywhere within STALE_MS_MAX.
 *
 * The list of aborted transactions must fit the batches given: a client leaves out all of a listed producer's batches
 * until it comes to the marker, and compaction takes aborted batches and their markers away. So only markers that were live when
 * the read began count, only for the batches that came from commits, and an answer never goes on from commits to extents
 * (which a compaction on the way would make of it).
 */
import type { Clock } from '../../base/index.ts'
import type { ReadRequest, ReadResult } from '../contract.ts'
import { LogError } from '../errors.ts'
import { abortsIn } from '../head/chunk-directory.ts'
import type { Marker } from '../head/commit.ts'
import type { PartitionState } from '../head/head.ts'
import type { StoredBatch } from './batch-cache.ts'
import { outOfRange } from './locate.ts'
import { type PartitionView, type ReadParts, stateOf, walkBatches } from './walk.ts'

/** A cached head is believed for so long without asking. */
const STALE_MS_MAX = 5_000
/** Looks at the head for a batch that must be there, each overtaken by a compaction of what came after it. */
const EMPTY_LOOKS_MAX = 10

export async function readPartition(
  parts: ReadParts,
  view: PartitionView,
  request: Omit<ReadRequest, 'topic' | 'partition'>,
  clock: Clock,
): Promise<ReadResult> {
  const { offset } = request
  let partition = stateOf(view)
  const isStale = clock.monotonic() - view.shard.confirmedAt > STALE_MS_MAX
  if (!partition || isStale || offset >= endFor(partition, request) || offset < partition.start) {
    await view.shard.refresh()
    partition = stateOf(view)
  }
  for (let looks = 0; ; looks++) {
    if (!partition) throw new LogError('UNKNOWN_TOPIC', 'no such partition')
    const { start, next, stable } = partition
    if (offset < start || offset > next) throw outOfRange(offset, partition)
    const end = endFor(partition, request)
    const aborts = request.isolation === 'read_committed' ? liveAborts(view) : []
    const { batches, live, isFull } = await collectBatches(parts, view, { ...request, end })
    if (batches.length > 0 || isFull || offset >= end || looks === EMPTY_LOOKS_MAX) {
      return {
        batches: batches.map(({ bytes }) => bytes),
        endOffset: next,
        lastStableOffset: stable,
        startOffset: start,
        abortedTransactions: abortedIn(aborts, live),
      }
    }
    // The first batch there is begins above the cached end: compaction left nothing below it, and the extent is newer.
    await view.shard.refresh()
    partition = stateOf(view)
  }
}

interface Range extends Pick<ReadRequest, 'offset' | 'maxBytes' | 'enoughBytes' | 'atLeastOneBatch' | 'loans'> {
  /** Exclusive. */
  readonly end: number
}

interface Collected {
  readonly batches: readonly StoredBatch[]
  /** Those of them that came from commits. */
  readonly live: readonly StoredBatch[]
  /** There was no room for the next. */
  readonly isFull: boolean
}

async function collectBatches(parts: ReadParts, view: PartitionView, range: Range): Promise<Collected> {
  const batches: StoredBatch[] = []
  let room = range.maxBytes
  let offset = range.offset
  let firstLive: number | undefined
  const collected = (isFull = false) => {
    return { batches, live: firstLive === undefined ? [] : batches.slice(firstLive), isFull }
  }
  if (room <= 0 && !range.atLeastOneBatch) return collected(true)
  if (range.offset >= range.end) return collected()
  const { maxBytes, enoughBytes = maxBytes } = range
  const isEnough = () => batches.length > 0 && maxBytes - room >= enoughBytes
  const walk = { from: range.offset, room: () => (isEnough() ? room : Number.POSITIVE_INFINITY), loans: range.loans }
  for await (const portion of walkBatches(parts, view, walk)) {
    if (!portion.batches || (!portion.live && firstLive !== undefined)) break
    for (const batch of portion.batches) {
      if (batch.lastOffset < offset) continue
      if (batch.baseOffset >= range.end) return collected()
      const fits = batch.bytes.length <= room || (batches.length === 0 && range.atLeastOneBatch)
      if (!fits) return collected(true)
      if (portion.live) firstLive ??= batches.length
      batches.push(batch)
      room -= batch.bytes.length
      offset = batch.lastOffset + 1
    }
    if (room <= 0 || offset >= range.end) break
  }
  return collected()
}

/** The markers of aborted transactions in the commits that the cached head refers to. */
function liveAborts({ shard, slot }: PartitionView): Marker[] {
  const extentsTo = stateOf({ shard, slot })?.extentsTo ?? 0
  const markers = [...shard.directory.entries.flatMap(entry => entry.aborts), ...abortsIn(shard.state?.head.tail ?? [])]
  return markers.filter(marker => marker.slot === slot && marker.offset >= extentsTo)
}

/** The aborted transactions with records in these batches: their first offset is not above them, nor their marker below. */
function abortedIn(aborts: readonly Marker[], batches: readonly StoredBatch[]): ReadResult['abortedTransactions'] {
  const [from, to] = [batches[0]?.baseOffset, batches.at(-1)?.lastOffset]
  if (from === undefined || to === undefined) return []
  return aborts
    .filter(({ offset, firstOffset }) => offset >= from && firstOffset <= to)
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
}

function endFor(partition: PartitionState, request: Pick<ReadRequest, 'isolation'>): number {
  return request.isolation === 'read_committed' ? partition.stable : partition.next
}
