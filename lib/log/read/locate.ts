/** Where the bytes of an offset above the extents are: in the tail, or in the chunk that the directory names. */
import { invariant } from '../../base/index.ts'
import { LogError } from '../errors.ts'
import type { Commit, Marker, Slice } from '../head/commit.ts'
import type { PartitionState } from '../head/head.ts'
import type { Shard } from '../head/shard.ts'
import type { SegmentRef } from '../segment/segment-store.ts'

export interface LocatedSlice {
  readonly segment: SegmentRef
  readonly slice: Slice
  /** The slice is the control batch of this marker, and is not stored. */
  readonly marker?: Marker
  /** In a chunk: whoever reads it is behind those at the tail. */
  readonly isFar: boolean
}

const ATTEMPTS_MAX = 10

/**
 * Slices of `slot` in offset order, the first of which holds `offset`, which lies in [start, next) of the cached head.
 * At least one, as many as its chunk, or the tail, has; none where the topic is gone; undefined where extents serve the offset.
 * @throws LogError OFFSET_OUT_OF_RANGE where it was deleted meanwhile; StoreError, CorruptDataError
 */
export async function locateSlices(shard: Shard, slot: number, offset: number): Promise<LocatedSlice[] | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (!shard.state) return []
    const { partitions, tail } = shard.state.head
    if (offset < (partitions[slot]?.extentsTo ?? 0)) return undefined
    const inTail = slicesFrom(tail, slot, offset, { isFar: false })
    if (holds(inTail[0], offset)) return inTail
    const entry = shard.directory.findOffset(slot, offset)
    const chunk = entry && (await shard.readChunk(entry))
    const inChunk = chunk ? slicesFrom(chunk.commits, slot, offset, { isFar: true }) : []
    if (holds(inChunk[0], offset)) return inChunk
    await shard.refresh()
    const partition = shard.state?.head.partitions[slot]
    if (partition && offset < partition.start) throw outOfRange(offset, partition)
  }
  invariant(false, `no slice holds offset ${offset} of shard ${shard.topicId}/${shard.number}, slot ${slot}`)
}

export function outOfRange(offset: number, { start, next }: PartitionState): LogError {
  return new LogError('OFFSET_OUT_OF_RANGE', `offset ${offset}, where the partition has ${start} to ${next}`)
}

/** Slices of `slot` that end above `offset`. */
export function slicesFrom(
  commits: readonly Commit[],
  slot: number,
  offset: number,
  { isFar }: Pick<LocatedSlice, 'isFar'>,
): LocatedSlice[] {
  const located: LocatedSlice[] = []
  for (const { segment, slices, markers } of commits) {
    for (const slice of slices) {
      if (slice.slot === slot && slice.baseOffset + slice.records > offset) located.push({ segment, slice, isFar })
    }
    for (const marker of markers) {
      if (marker.slot === slot && marker.offset >= offset)
        located.push({ segment, slice: sliceOf(marker), marker, isFar })
    }
  }
  return located
}

function sliceOf({ slot, offset }: Marker): Slice {
  return { slot, position: 0, length: 0, baseOffset: offset, records: 1, maxTimestamp: -1, runs: [] }
}

function holds(located: LocatedSlice | undefined, offset: number): boolean {
  return located !== undefined && located.slice.baseOffset <= offset
}
