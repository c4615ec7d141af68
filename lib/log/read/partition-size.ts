/** How many bytes a partition's record batches take, by what the cached head and the directory of chunks say. */
import { LogError } from '../errors.ts'
import type { Shard } from '../head/shard.ts'

/** @throws LogError UNKNOWN_TOPIC */
export function sizeOfPartition(shard: Shard, slot: number): number {
  const { state, directory } = shard
  if (!state?.head.partitions[slot]) throw new LogError('UNKNOWN_TOPIC', 'no such partition')
  const inChunks = directory.entries.reduce((sum, { bytes }) => sum + (bytes[slot] ?? 0), 0)
  const slices = state.head.tail.flatMap(commit => commit.slices).filter(slice => slice.slot === slot)
  return slices.reduce((sum, { length }) => sum + length, inChunks)
}
