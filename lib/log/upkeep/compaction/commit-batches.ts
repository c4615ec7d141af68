/** Reads what commits say: for each partition its batches, offsets written in, without those of aborted transactions. */
import { inParallel } from '../../../base/index.ts'
import { type BatchView, splitBatches, validateChecksum, viewBatch, writeOffset } from '../../../records/index.ts'
import type { Commit, ProducerRun, Slice } from '../../head/commit.ts'
import type { SliceCache } from '../../read/slice-cache.ts'
import type { SegmentRef, SegmentStore } from '../../segment/segment-store.ts'
import { transactionKey } from './due-commits.ts'
import type { Throttle } from './throttle.ts'

export interface CommitReadParts {
  readonly segments: SegmentStore
  /** Looked into, never filled. */
  readonly cache: SliceCache
  readonly throttle: Throttle
  readonly readsMax: number
}

/** By slot, in offset order; undefined where a segment is gone. @throws StoreError, CorruptDataError, RecordError */
export async function readCommitBatches(
  parts: CommitReadParts,
  commits: readonly Commit[],
  { aborted, starts }: { readonly aborted: ReadonlySet<string>; readonly starts: readonly number[] },
): Promise<Map<number, BatchView[]> | undefined> {
  const read = await inParallel(commits, parts.readsMax, commit =>
    readSlices(parts, commit.segment, keptSlices(commit, starts)),
  )
  const bySlot = new Map<number, BatchView[]>()
  for (const [at, commit] of commits.entries()) {
    const slices = read[at]
    if (!slices) return undefined
    for (const [index, slice] of keptSlices(commit, starts).entries()) {
      const kept = slices[index]!.filter(batch => !isAborted(batch, slice, aborted))
      const batches = bySlot.get(slice.slot)
      if (batches) batches.push(...kept)
      else bySlot.set(slice.slot, kept)
    }
  }
  return bySlot
}

/** What lies below a partition's start is read by nobody, and its segment may be gone. */
function keptSlices({ slices }: Commit, starts: readonly number[]): readonly Slice[] {
  return slices.filter(({ slot, baseOffset, records }) => baseOffset + records > (starts[slot] ?? 0))
}

/** The batches of each slice, in one get for all of them: they lie side by side. */
async function readSlices(
  { segments, cache, throttle }: CommitReadParts,
  segment: SegmentRef,
  slices: readonly Slice[],
): Promise<BatchView[][] | undefined> {
  if (slices.length === 0) return []
  const cached = slices.map(slice => cache.peek(segment, slice)?.map(({ bytes }) => viewBatch(bytes)))
  if (cached.every(batches => batches !== undefined)) return cached
  const from = Math.min(...slices.map(({ position }) => position))
  const to = Math.max(...slices.map(({ position, length }) => position + length))
  await throttle.pass(to - from)
  const bytes = await segments.read(segment, from, to - from)
  return (
    bytes &&
    slices.map(slice =>
      placeBatches(slice, bytes.subarray(slice.position - from, slice.position - from + slice.length)),
    )
  )
}

function placeBatches(slice: Slice, bytes: Uint8Array): BatchView[] {
  let offset = slice.baseOffset
  return splitBatches(bytes).map(batch => {
    validateChecksum(batch)
    writeOffset(batch.bytes, offset)
    const placed = viewBatch(batch.bytes)
    offset += batch.recordCount
    return placed
  })
}

function isAborted(batch: BatchView, slice: Slice, aborted: ReadonlySet<string>): boolean {
  if (aborted.size === 0 || batch.producerId < 0) return false
  const delta = batch.baseOffset - slice.baseOffset
  const run = slice.runs.find(one => one.producerId === batch.producerId && contains(one, delta))
  return run !== undefined && aborted.has(transactionKey(slice.slot, run.producerId, run.transaction))
}

function contains({ offsetDelta, counts }: ProducerRun, delta: number): boolean {
  return offsetDelta <= delta && delta < counts.reduce((sum, count) => sum + count, offsetDelta)
}
