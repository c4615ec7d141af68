/**
 * What a process remembers of a shard's live chunks: enough to know in which chunk an offset or a time lies, without the
 * commits themselves. Sorted by commit number, contiguous, ending where the head's tail begins.
 */
import { invariant } from '../../base/index.ts'
import { segmentTime } from '../segment/segment-id.ts'
import type { Chunk } from './chunk.ts'
import type { Commit, Marker } from './commit.ts'

export interface ChunkEntry {
  readonly firstCommit: number
  readonly commits: number
  /** Of its slices. */
  readonly bytes: number
  /** Of the segment id of its first commit, ms. */
  readonly time: number
  /** For each slot the offset at which the chunk begins. */
  readonly firstOffsets: readonly number[]
  /** For each slot the largest timestamp in the chunk; -Infinity where it has no slice of that slot. */
  readonly maxTimestamps: readonly number[]
  /** For each slot the bytes of its slices in the chunk. */
  readonly slotBytes: readonly number[]
  /** Transactions that ended with an abort in the chunk, by the offset of their markers. */
  readonly aborts: readonly Marker[]
}

export class ChunkDirectory {
  #entries: ChunkEntry[] = []
  /** For each slot the offset at which the next chunk will begin. */
  #nextOffsets: number[]
  #end: number

  /** A directory that begins at commit number `floor`, where partitions stand at `firstOffsets`. */
  constructor(floor: number, firstOffsets: readonly number[]) {
    this.#end = floor
    this.#nextOffsets = [...firstOffsets]
  }

  get entries(): readonly ChunkEntry[] {
    return this.#entries
  }

  /** Number of the commit after the last chunk. */
  get end(): number {
    return this.#end
  }

  add(chunk: Chunk): void {
    invariant(
      this.#entries.length === 0 ? chunk.firstCommit <= this.#end : chunk.firstCommit === this.#end,
      `chunk ${chunk.firstCommit} after commit ${this.#end}`,
    )
    const firstOffsets = [...this.#nextOffsets]
    const maxTimestamps: number[] = []
    let bytes = 0
    const slotBytes: number[] = []
    const seen = new Set<number>()
    for (const commit of chunk.commits) {
      for (const { slot, baseOffset, records, length, maxTimestamp } of commit.slices) {
        if (!seen.has(slot)) firstOffsets[slot] = baseOffset
        seen.add(slot)
        bytes += length
        this.#nextOffsets[slot] = baseOffset + records
        slotBytes[slot] = (slotBytes[slot] ?? 0) + length
        maxTimestamps[slot] = Math.max(maxTimestamps[slot] ?? Number.NEGATIVE_INFINITY, maxTimestamp)
      }
      for (const { slot, offset } of commit.markers) {
        if (!seen.has(slot)) firstOffsets[slot] = offset
        seen.add(slot)
        this.#nextOffsets[slot] = offset + 1
      }
    }
    const aborts = abortsIn(chunk.commits)
    const { firstCommit, commits } = chunk
    const time = commits[0] ? segmentTime(commits[0].segment.id) : 0
    this.#entries.push({
      firstCommit,
      commits: commits.length,
      bytes,
      slotBytes,
      time,
      firstOffsets,
      maxTimestamps,
      aborts,
    })
    this.#end = chunk.firstCommit + chunk.commits.length
  }

  /**
   * Forgets the chunks that lie wholly below commit number `floor`, where partitions stand at `offsets`. Commits may have
   * been compacted before they came into a chunk: then the directory begins anew at `floor`.
   */
  dropBelow(floor: number, offsets: readonly number[]): void {
    const first = this.#entries.findIndex(entry => entry.firstCommit + entry.commits > floor)
    this.#entries.splice(0, first < 0 ? this.#entries.length : first)
    if (this.#end >= floor) return
    this.#end = floor
    this.#nextOffsets = [...offsets]
  }

  /** The chunk in which `offset` of `slot` lies, if it lies in one. */
  findOffset(slot: number, offset: number): ChunkEntry | undefined {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle]!.firstOffsets[slot] ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return this.#entries[low - 1]
  }

  /** The first chunk that holds commit number `commit`. */
  findCommit(commit: number): ChunkEntry | undefined {
    return this.#entries.find(entry => entry.firstCommit + entry.commits > commit)
  }
}

/** The markers of aborted transactions that have records, in commit order. */
export function abortsIn(commits: readonly Commit[]): Marker[] {
  return commits.flatMap(({ markers }) =>
    markers.filter(marker => marker.outcome === 'abort' && marker.firstOffset >= 0),
  )
}
