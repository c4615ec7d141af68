/**
 * The pure changes of a head. Each gives a new head; the shard writes it by compare-and-swap, chunks in the same write.
 */
import { invariant } from '../../base/index.ts'
import { segmentTime } from '../segment/segment-id.ts'
import type { Chunk } from './chunk.ts'
import { type Commit, encodeCommit } from './commit.ts'
import { encodeHead, type Head, NEW_PARTITION, type SnapshotRef, tailStart } from './head.ts'
import { COMMIT_BYTES_MAX, type ShardLimits } from './shard-limits.ts'

export interface Appending {
  readonly commits: readonly Commit[]
  /** For each slot the last stable offset after the commits. */
  readonly stable: readonly number[]
  readonly snapshot: SnapshotRef | undefined
  readonly limits: ShardLimits
}

/** The head after `commits` (offsets given, in order), and the chunks to be written with it. */
export function appendCommits(
  head: Head,
  { commits, stable, snapshot, limits }: Appending,
): { head: Head; chunks: Chunk[] } {
  const partitions = [...head.partitions]
  for (const commit of commits) {
    invariant(segmentTime(commit.segment.id) >= head.fence, 'a commit below the fence')
    for (const slice of commit.slices) {
      const partition = partitions[slice.slot]!
      invariant(slice.baseOffset === partition.next, 'a slice that does not begin at the next offset')
      partitions[slice.slot] = { ...partition, next: slice.baseOffset + slice.records }
    }
    for (const marker of commit.markers) {
      const partition = partitions[marker.slot]!
      invariant(marker.offset === partition.next, 'a marker that is not at the next offset')
      partitions[marker.slot] = { ...partition, next: marker.offset + 1 }
    }
  }
  const appended: Head = {
    ...head,
    edition: head.edition + 1,
    commits: head.commits + commits.length,
    snapshot: snapshot ?? head.snapshot,
    partitions: partitions.map((partition, slot) => ({
      ...partition,
      stable: Math.max(stable[slot] ?? partition.next, partition.start),
    })),
    tail: [...head.tail, ...commits],
  }
  return shedTail(appended, limits)
}

/** One more edition, with the fields of `change`. */
export function changeHead(head: Head, change: Partial<Omit<Head, 'edition' | 'commits' | 'tail'>>): Head {
  return { ...head, ...change, edition: head.edition + 1 }
}

export interface Compacting {
  /** Number of the first commit that stays. */
  readonly floor: number
  /** For each slot the offset at which it begins. */
  readonly extentsTo: readonly number[]
  readonly snapshot: SnapshotRef | undefined
}

/**
 * The head after the commits below `floor` were compacted into extents; those of them that are in the tail leave it. The
 * snapshot must cover them, for nobody can apply them to a fold any more.
 */
export function compactCommits(head: Head, { floor, extentsTo, snapshot = head.snapshot }: Compacting): Head {
  invariant(floor >= head.floor && floor <= head.commits, `a floor of ${floor}`)
  invariant((snapshot?.commits ?? 0) >= floor, `commits below ${floor}, which no snapshot covers`)
  const first = tailStart(head)
  const removed = head.removed === head.floor && first <= head.floor ? floor : head.removed
  return {
    ...changeHead(head, {
      floor,
      removed,
      snapshot,
      partitions: head.partitions.map((partition, slot) => {
        const end = extentsTo[slot] ?? partition.extentsTo
        invariant(end >= partition.extentsTo && end <= partition.stable, `extents to ${end}`)
        return { ...partition, extentsTo: end }
      }),
    }),
    tail: head.tail.slice(Math.max(0, floor - first)),
  }
}

/**
 * The first kept offset of a partition moves up to `start`, which is not above `next`; never down. A transaction that is
 * open below it holds readers back no longer, as in Kafka.
 */
export function moveStart(head: Head, slot: number, start: number): Head {
  const partition = head.partitions[slot]!
  invariant(start <= partition.next, `a start of ${start} above the end ${partition.next}`)
  if (start <= partition.start) return head
  const moved = { ...partition, start, stable: Math.max(partition.stable, start) }
  return changeHead(head, { partitions: head.partitions.with(slot, moved) })
}

/** No segment below `fence` (ms) may be committed from now on. */
export function raiseFence(head: Head, fence: number): Head {
  return fence > head.fence ? changeHead(head, { fence }) : head
}

/** A head of at least `count` partitions. */
export function growPartitions(head: Head, count: number): Head {
  const missing = Math.max(0, count - head.partitions.length)
  return changeHead(head, { partitions: [...head.partitions, ...Array(missing).fill(NEW_PARTITION)] })
}

function shedTail(head: Head, limits: ShardLimits): { head: Head; chunks: Chunk[] } {
  let bytes = encodeHead(head).length
  if (bytes <= limits.headBytesMax) return { head, chunks: [] }
  let shed = 0
  while (shed < head.tail.length && bytes > limits.headBytesKept) bytes -= encodeCommit(head.tail[shed++]!).length
  const chunks = packChunks(tailStart(head), head.tail.slice(0, shed), limits.chunkBytesMax)
  return { head: { ...head, tail: head.tail.slice(shed) }, chunks }
}

function packChunks(firstCommit: number, commits: readonly Commit[], chunkBytesMax: number): Chunk[] {
  const chunks: { firstCommit: number; commits: Commit[] }[] = []
  let room = 0
  for (const [index, commit] of commits.entries()) {
    const bytes = encodeCommit(commit).length
    invariant(bytes <= COMMIT_BYTES_MAX, `a commit of ${bytes} bytes`)
    if (bytes > room) {
      chunks.push({ firstCommit: firstCommit + index, commits: [] })
      room = chunkBytesMax
    }
    chunks.at(-1)!.commits.push(commit)
    room -= bytes
  }
  return chunks
}
