/** The head and chunks of a shard that was forked. Pure. */
import type { Chunk } from '../head/chunk.ts'
import { type Head, newHead } from '../head/head.ts'
import type { ShardLimits } from '../head/shard-limits.ts'
import { appendCommits } from '../head/transitions.ts'
import type { SegmentId } from '../segment/segment-id.ts'
import type { TakenCommits } from './take-commits.ts'

/**
 * Its commits are numbered anew. Its fold begins behind them, empty: a producer's sequences are counted in each partition for
 * itself, and one that goes on in the source must not find its batches taken for duplicates here. `id`: for a snapshot that is not stored.
 */
export function forkedHead(
  { slots, commits, time }: TakenCommits,
  id: SegmentId,
  limits: ShardLimits,
): { readonly head: Head; readonly chunks: readonly Chunk[] } {
  const empty: Head = {
    ...newHead(slots.length),
    partitions: slots.map(({ start, extentsTo }) => ({ next: extentsTo, start, stable: extentsTo, extentsTo })),
  }
  const snapshot = { segment: { id, medium: 'none' as const }, commits: commits.length, time }
  return appendCommits(empty, { commits, stable: [], snapshot, limits })
}

/** Nobody has filled it yet. */
export function isUnfilled({ snapshot }: Head): boolean {
  return snapshot === undefined
}
