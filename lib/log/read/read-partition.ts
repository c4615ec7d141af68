/**
 * Reads of one partition by offset. The cached head may be behind, so nothing is refused and nothing is called empty
 * before the head was read strongly (DESIGN: "a cached head is never the truth for a refusal"). Nor is it believed for
 * long that a record is still kept: what was deleted is refused everywhere within STALE_MS_MAX.
 */
import { type Clock, CorruptDataError } from '../../base/index.ts'
import { buildEndTransactionMarker, viewBatch, writeOffset } from '../../records/index.ts'
import type { ReadRequest, ReadResult } from '../contract.ts'
import { LogError } from '../errors.ts'
import { abortsIn } from '../head/chunk-directory.ts'
import type { Marker } from '../head/commit.ts'
import type { PartitionState } from '../head/head.ts'
import type { Shard } from '../head/shard.ts'
import { type LocatedSlice, locateSlices, outOfRange } from './locate.ts'
import type { SliceCache, StoredBatch } from './slice-cache.ts'

const MISSING_SEGMENT_ATTEMPTS_MAX = 3
const SLICES_AHEAD_MAX = 4
/** A cached head is believed for so long without asking. */
const STALE_MS_MAX = 5_000

export async function readPartition(
  shard: Shard,
  slot: number,
  cache: SliceCache,
  request: Omit<ReadRequest, 'topic' | 'partition'>,
  clock: Clock,
): Promise<ReadResult> {
  const { offset } = request
  let partition = stateOf(shard, slot)
  const isStale = clock.monotonic() - shard.confirmedAt > STALE_MS_MAX
  if (!partition || isStale || offset >= endFor(partition, request) || offset < partition.start) {
    await shard.refresh()
    partition = stateOf(shard, slot)
  }
  if (!partition) throw new LogError('UNKNOWN_TOPIC', 'no such partition')
  const { start, next, stable } = partition
  if (offset < start || offset > next) throw outOfRange(offset, partition)
  const batches = await collectBatches(shard, slot, cache, { ...request, end: endFor(partition, request) })
  const abortedTransactions =
    request.isolation === 'read_committed' ? abortedIn(shard, slot, offset, lastOffsetOf(batches)) : []
  return { batches, endOffset: next, lastStableOffset: stable, startOffset: start, abortedTransactions }
}

/** The state of a partition in the cached head. */
export function stateOf(shard: Shard, slot: number): PartitionState | undefined {
  return shard.state?.head.partitions[slot]
}

/** The batches of a slice. A segment that is gone was replaced: the head is read again. @throws StoreError, CorruptDataError */
export async function readSlice(
  shard: Shard,
  slot: number,
  cache: SliceCache,
  located: LocatedSlice,
): Promise<readonly StoredBatch[]> {
  if (located.marker) return [controlBatch(located.marker)]
  let { segment, slice } = located
  for (let attempt = 0; attempt < MISSING_SEGMENT_ATTEMPTS_MAX; attempt++) {
    const batches = await cache.read(segment, slice)
    if (batches) return batches
    await shard.refresh()
    const partition = stateOf(shard, slot)
    if (partition && slice.baseOffset + slice.records <= partition.start) throw outOfRange(slice.baseOffset, partition)
    const again = await locateSlices(shard, slot, Math.max(slice.baseOffset, partition?.start ?? 0))
    if (!again[0]) throw new LogError('UNKNOWN_TOPIC', 'the topic was deleted')
    ;({ segment, slice } = again[0])
  }
  throw new CorruptDataError(`segment ${segment.id} is missing`)
}

interface Range extends Pick<ReadRequest, 'offset' | 'maxBytes' | 'atLeastOneBatch'> {
  /** Exclusive. */
  readonly end: number
}

async function collectBatches(shard: Shard, slot: number, cache: SliceCache, range: Range): Promise<Uint8Array[]> {
  const batches: Uint8Array[] = []
  let room = range.maxBytes
  let offset = range.offset
  while (offset < range.end && (room > 0 || (range.atLeastOneBatch && batches.length === 0))) {
    const located = await locateSlices(shard, slot, offset)
    if (located.length === 0) throw new LogError('UNKNOWN_TOPIC', 'the topic was deleted')
    for (const [index, one] of located.entries()) {
      cache.readAhead(located.slice(index + 1, index + 1 + SLICES_AHEAD_MAX))
      for (const batch of await readSlice(shard, slot, cache, one)) {
        if (batch.lastOffset < offset) continue
        if (batch.baseOffset >= range.end) return batches
        const fits = batch.bytes.length <= room || (batches.length === 0 && range.atLeastOneBatch)
        if (!fits) return batches
        batches.push(batch.bytes)
        room -= batch.bytes.length
        offset = batch.lastOffset + 1
      }
      if (room <= 0) break
    }
  }
  return batches
}

/** The aborted transactions with records in [from, to]: their first offset is not above `to`, nor their marker below `from`. */
function abortedIn(shard: Shard, slot: number, from: number, to: number): ReadResult['abortedTransactions'] {
  const markers = [...shard.directory.entries.flatMap(entry => entry.aborts), ...abortsIn(shard.state?.head.tail ?? [])]
  return markers
    .filter(marker => marker.slot === slot && marker.offset >= from && marker.firstOffset <= to)
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset }))
}

function lastOffsetOf(batches: readonly Uint8Array[]): number {
  const last = batches.at(-1)
  if (!last) return -1
  const { baseOffset, lastOffsetDelta } = viewBatch(last)
  return baseOffset + lastOffsetDelta
}

/** A marker as Kafka's clients know it. */
function controlBatch(marker: Marker): StoredBatch {
  const { outcome, producerId, producerEpoch, timestamp, offset } = marker
  const bytes = buildEndTransactionMarker({ outcome, coordinatorEpoch: 0, producerId, producerEpoch, timestamp })
  writeOffset(bytes, offset)
  return { bytes, baseOffset: offset, lastOffset: offset, maxTimestamp: -1 }
}

function endFor(partition: PartitionState, request: Pick<ReadRequest, 'isolation'>): number {
  return request.isolation === 'read_committed' ? partition.stable : partition.next
}
