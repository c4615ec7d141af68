/**
 * Offsets by name or by time. The head is read strongly first. By time, commits say the largest timestamp of each slice;
 * only the last step looks at records. As in Kafka, the answer is the first offset whose timestamp is not below the
 * one asked for (records need not be in order of time).
 */
import { readRecords, viewBatch } from '../../records/index.ts'
import type { FoundOffset, OffsetSpec } from '../contract.ts'
import { LogError } from '../errors.ts'
import type { PartitionState } from '../head/head.ts'
import type { Shard } from '../head/shard.ts'
import { type LocatedSlice, slicesFrom } from './locate.ts'
import { readSlice, stateOf } from './read-partition.ts'
import type { SliceCache } from './slice-cache.ts'

const NOT_FOUND: FoundOffset = { offset: -1, timestamp: -1 }
/** How often records that are being looked at may be deleted before the caller is told to try again. */
const ATTEMPTS_MAX = 5

export async function findOffset(
  shard: Shard,
  slot: number,
  cache: SliceCache,
  spec: OffsetSpec,
): Promise<FoundOffset> {
  for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      return await findOnce(shard, slot, cache, spec)
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
    }
  }
  throw new LogError('REQUEST_TIMED_OUT', 'records were deleted during the search again and again')
}

async function findOnce(shard: Shard, slot: number, cache: SliceCache, spec: OffsetSpec): Promise<FoundOffset> {
  await shard.refresh()
  const partition = stateOf(shard, slot)
  if (!partition) throw new LogError('UNKNOWN_TOPIC', 'no such partition')
  switch (spec.at) {
    case 'earliest':
      return { offset: partition.start, timestamp: -1 }
    case 'latest':
      return { offset: spec.isolation === 'read_committed' ? partition.stable : partition.next, timestamp: -1 }
    case 'timestamp':
      return findFirst(shard, slot, cache, { partition, timestamp: spec.timestamp })
    case 'max-timestamp': {
      const timestamp = await maxTimestamp(shard, slot, partition)
      return timestamp < 0 ? NOT_FOUND : findFirst(shard, slot, cache, { partition, timestamp })
    }
  }
}

interface Search {
  readonly partition: PartitionState
  readonly timestamp: number
}

/** The first record at or after `timestamp`. */
async function findFirst(shard: Shard, slot: number, cache: SliceCache, search: Search): Promise<FoundOffset> {
  for await (const located of slicesByTime(shard, slot, search)) {
    for (const batch of await readSlice(shard, slot, cache, located)) {
      if (batch.maxTimestamp < search.timestamp || batch.lastOffset < search.partition.start) continue
      for (const { offset, timestamp } of readRecords(viewBatch(batch.bytes))) {
        if (timestamp >= search.timestamp && offset >= search.partition.start) return { offset, timestamp }
      }
    }
  }
  return NOT_FOUND
}

/** The slices with a timestamp at or after the one searched, in offset order, at most once each. */
async function* slicesByTime(shard: Shard, slot: number, search: Search): AsyncGenerator<LocatedSlice> {
  const { partition, timestamp } = search
  const tail = shard.state?.head.tail ?? []
  for (const entry of [...shard.directory.entries]) {
    if ((entry.maxTimestamps[slot] ?? Number.NEGATIVE_INFINITY) < timestamp) continue
    const chunk = await shard.readChunk(entry)
    if (!chunk) throw new LogError('REQUEST_TIMED_OUT', 'the log was rewritten during the search; try again')
    yield* slicesFrom(chunk.commits, slot, partition.start).filter(({ slice }) => slice.maxTimestamp >= timestamp)
  }
  yield* slicesFrom(tail, slot, partition.start).filter(({ slice }) => slice.maxTimestamp >= timestamp)
}

async function maxTimestamp(shard: Shard, slot: number, partition: PartitionState): Promise<number> {
  let largest = -1
  for (const { slice } of slicesFrom(shard.state?.head.tail ?? [], slot, partition.start)) {
    largest = Math.max(largest, slice.maxTimestamp)
  }
  for (const entry of shard.directory.entries) largest = Math.max(largest, entry.maxTimestamps[slot] ?? -1)
  return largest
}
