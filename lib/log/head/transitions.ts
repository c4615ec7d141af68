/**
 * The pure changes of a head. Each gives a new head; the shard writes it by compare-and-swap, chunks in the same write.
 */
import { invariant } from '../../base/index.ts'
import { segmentTime } from '../segment/segment-id.ts'
import type { Chunk } from './chunk.ts'
import { type Commit, encodeCommit } from './commit.ts'
import { encodeHead, type Head, NEW_PARTITION, type SnapshotRef, tailStart } from './head.ts'

/** A head above this many bytes sheds its tail into a chunk … */
export const HEAD_BYTES_MAX = 2_048
/** … until this many are left. */
export const HEAD_BYTES_KEPT = 1_024
/** Bytes of commits in one chunk, unless a single commit has more. */
export const CHUNK_BYTES_MAX = 64 * 1_024
/** A commit over this is refused: the batcher makes none. */
export const COMMIT_BYTES_MAX = 100 * 1_024

/**
 * The head after `commits` (offsets given, in order), and the chunks to be written with it. `stable`: for each slot the
 * last stable offset after them.
 */
export function appendCommits(
  head: Head,
  commits: readonly Commit[],
  stable: readonly number[],
  snapshot?: SnapshotRef,
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
    partitions: partitions.map((partition, slot) => ({ ...partition, stable: stable[slot] ?? partition.next })),
    tail: [...head.tail, ...commits],
  }
  return shedTail(appended)
}

/** One more edition, with the fields of `change`. */
export function changeHead(head: Head, change: Partial<Omit<Head, 'edition' | 'commits' | 'tail'>>): Head {
  return { ...head, ...change, edition: head.edition + 1 }
}

/** A head of at least `count` partitions. */
export function growPartitions(head: Head, count: number): Head {
  const missing = Math.max(0, count - head.partitions.length)
  return changeHead(head, { partitions: [...head.partitions, ...Array(missing).fill(NEW_PARTITION)] })
}

function shedTail(head: Head): { head: Head; chunks: Chunk[] } {
  let bytes = encodeHead(head).length
  if (bytes <= HEAD_BYTES_MAX) return { head, chunks: [] }
  let shed = 0
  while (shed < head.tail.length && bytes > HEAD_BYTES_KEPT) bytes -= encodeCommit(head.tail[shed++]!).length
  const chunks = packChunks(tailStart(head), head.tail.slice(0, shed))
  return { head: { ...head, tail: head.tail.slice(shed) }, chunks }
}

function packChunks(firstCommit: number, commits: readonly Commit[]): Chunk[] {
  const chunks: { firstCommit: number; commits: Commit[] }[] = []
  let room = 0
  for (const [index, commit] of commits.entries()) {
    const bytes = encodeCommit(commit).length
    invariant(bytes <= COMMIT_BYTES_MAX, `a commit of ${bytes} bytes`)
    if (bytes > room) {
      chunks.push({ firstCommit: firstCommit + index, commits: [] })
      room = CHUNK_BYTES_MAX
    }
    chunks.at(-1)!.commits.push(commit)
    room -= bytes
  }
  return chunks
}
