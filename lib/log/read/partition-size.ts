/**
 * How many bytes a partition's record batches take: its extents, and the slices above them, by what the cached head and the
 * directory of chunks say. Compactions that go on meanwhile may let bytes count twice or not at all.
 */
import { LogError } from '../errors.ts'
import type { ExtentList } from '../extent/extent-list.ts'
import type { Slice } from '../head/commit.ts'
import type { Shard } from '../head/shard.ts'

export interface SizedPartition {
  readonly shard: Shard
  readonly slot: number
  readonly partition: number
}

/** @throws LogError UNKNOWN_TOPIC; StoreError, CorruptDataError */
export async function sizeOfPartition(
  { shard, slot, partition }: SizedPartition,
  extents: ExtentList,
): Promise<number> {
  const { state, directory } = shard
  const position = state?.head.partitions[slot]
  if (!state || !position) throw new LogError('UNKNOWN_TOPIC', 'no such partition')
  const { start, extentsTo } = position
  const isAbove = (slice: Slice) => slice.slot === slot && slice.baseOffset >= extentsTo
  let bytes = lengthOf(state.head.tail.flatMap(commit => commit.slices).filter(isAbove))
  for (const entry of [...directory.entries]) {
    if ((entry.firstOffsets[slot] ?? 0) >= extentsTo) bytes += entry.slotBytes[slot] ?? 0
    else {
      const chunk = await shard.readChunk(entry)
      bytes += lengthOf(chunk?.commits.flatMap(commit => commit.slices).filter(isAbove) ?? [])
    }
  }
  if (extentsTo <= start) return bytes
  for await (const extent of extents.scan(shard.topicId, partition, { from: start })) bytes += extent.bytes
  return bytes
}

function lengthOf(slices: readonly Slice[]): number {
  return slices.reduce((sum, { length }) => sum + length, 0)
}
