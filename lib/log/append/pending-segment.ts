/**
 * A segment on its way: the appended batches that it holds, laid out by topic, shard and partition, and for each of its
 * shards what the committer needs to know.
 */
import { type BatchView, checksumWith } from '../../records/index.ts'
import type { Appended } from '../contract.ts'
import type { Marker } from '../head/commit.ts'
import { encodeSegmentIndex, type IndexedSlice } from '../segment/segment-format.ts'
import type { SegmentId } from '../segment/segment-id.ts'
import type { SegmentRef } from '../segment/segment-store.ts'
import type { Answer } from './answer.ts'
import type { RecentFailures } from './recent-failures.ts'

/** Whoever commits the segments of one shard. */
export interface Committer {
  enqueue(commit: PendingCommit): void
}

/** One appended batch, and its answer. */
export interface PendingBatch {
  readonly topicId: string
  /** Takes the commit once the segment is built. */
  readonly committer: Committer
  /** Partition number, and the same less the shard's first. */
  readonly partition: number
  readonly slot: number
  readonly batch: BatchView
  /** Which of the transactional id's transactions the batch is part of; 0: of none. */
  readonly transaction: number
  /** When it came, by this process's wall clock, ms since 1970. */
  readonly cameAt: number
  /** On this process's monotonic clock: after it the caller no longer waits. */
  readonly deadline: number
  readonly answer: Answer<Appended>
  /** Of this process's appends. */
  readonly failures: RecentFailures
}

/** The end of a transaction in one partition, on its way. */
export interface PendingMarker {
  readonly marker: Omit<Marker, 'offset' | 'firstOffset'>
  readonly deadline: number
  readonly answer: Answer<void>
}

/** A batch at its place in a segment. */
export interface PlacedBatch extends Pick<PendingBatch, 'slot' | 'batch'> {
  readonly pending: PendingBatch
  readonly position: number
}

/** The part of a segment that one shard has to commit. */
export interface PendingCommit {
  id: SegmentId
  /** Under which it was put before: below a fence. */
  formerIds: readonly SegmentId[]
  /** By position. */
  placed: readonly PlacedBatch[]
  /** No other shard has a part in the segment. */
  alone: boolean
  /** Where there are some, there are no batches, and no blob. */
  readonly markers: readonly PendingMarker[]
  /** The segment's bytes, where they go into the item store in the very write that commits them. */
  carried: readonly Uint8Array[] | undefined
  /** Resolves when the put has ended; then `segment` or `failure` is set. Never rejects. */
  stored: Promise<void>
  segment: SegmentRef | undefined
  failure: unknown
  /** Counts what came to the shard's committer. */
  arrival: number
  /** The shard's epoch when a write with this commit was first sent. */
  attemptedInEpoch: number | undefined
}

/** A commit of markers only: nothing is stored for it. */
export function markerCommit(id: SegmentId, markers: readonly PendingMarker[]): PendingCommit {
  return {
    id,
    formerIds: [],
    placed: [],
    alone: true,
    markers,
    carried: undefined,
    stored: Promise.resolve(),
    segment: { id, medium: 'none' },
    failure: undefined,
    arrival: 0,
    attemptedInEpoch: undefined,
  }
}

export interface SegmentLayout {
  readonly parts: readonly Uint8Array[]
  readonly placed: readonly PlacedBatch[]
}

/** Puts the batches of each partition side by side, in the order given, and adds the index. */
export function layOutSegment(batches: readonly PendingBatch[]): SegmentLayout {
  const sorted = batches.toSorted((a, b) => compareText(a.topicId, b.topicId) || a.partition - b.partition)
  const parts: Uint8Array[] = []
  const placed: PlacedBatch[] = []
  const slices: { topicId: string; partition: number; position: number; length: number; crc: number }[] = []
  let position = 0
  for (const pending of sorted) {
    const { bytes } = pending.batch
    const last = slices.at(-1)
    if (last?.topicId === pending.topicId && last.partition === pending.partition) {
      last.length += bytes.length
      last.crc = checksumWith(last.crc, pending.batch)
    } else {
      const { topicId, partition } = pending
      slices.push({ topicId, partition, position, length: bytes.length, crc: checksumWith(0, pending.batch) })
    }
    parts.push(bytes)
    placed.push({ pending, slot: pending.slot, batch: pending.batch, position })
    position += bytes.length
  }
  parts.push(encodeSegmentIndex(slices satisfies IndexedSlice[]))
  return { parts, placed }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
