/**
 * What one compare-and-swap of a head would do, decided without I/O: which batches get which offsets, which are
 * duplicates, which are refused. If the swap succeeds, the plan was the truth; if not, it is thrown away.
 */
import type { BatchView } from '../../records/index.ts'
import type { LogErrorCode } from '../errors.ts'
import { type Commit, encodeCommit, type ProducerRun, type Slice } from '../head/commit.ts'
import type { Head } from '../head/head.ts'
import { CHUNK_BYTES_MAX } from '../head/transitions.ts'
import { addSequence, type Fold, FoldDraft } from '../producers/fold.ts'
import { segmentTime } from '../segment/segment-id.ts'
import type { SegmentRef } from '../segment/segment-store.ts'
import type { PendingBatch, PlacedBatch } from './pending-segment.ts'

/** Bytes of commits in one write, so that head and chunks stay far below a transaction's bounds. */
export const PLAN_BYTES_MAX = 4 * CHUNK_BYTES_MAX

/** Segments in one write: each may be an operation of it. */
export const PLAN_SEGMENTS_MAX = 64

export type BatchOutcome =
  | { readonly kind: 'appended' | 'duplicate'; readonly baseOffset: number }
  | { readonly kind: 'refused'; readonly code: LogErrorCode; readonly message: string }

export interface CommitPlan {
  /** How many of the segments the plan covers, from the first. 0: the first lies below the fence. */
  readonly covered: number
  readonly commits: readonly Commit[]
  readonly outcomes: ReadonlyMap<PendingBatch, BatchOutcome>
}

export interface PlannedSegment {
  readonly segment: SegmentRef
  readonly placed: readonly PlacedBatch[]
}

export function planCommits(head: Head, fold: Fold, segments: readonly PlannedSegment[]): CommitPlan {
  const draft = new FoldDraft(fold)
  const nextOffsets = head.partitions.map(partition => partition.next)
  const outcomes = new Map<PendingBatch, BatchOutcome>()
  const commits: Commit[] = []
  let covered = 0
  let bytes = 0
  for (const { segment, placed } of segments) {
    if (segmentTime(segment.id) < head.fence || bytes >= PLAN_BYTES_MAX || covered === PLAN_SEGMENTS_MAX) break
    const accepted: AcceptedBatch[] = []
    for (const { pending, slot, batch, position } of placed) {
      if (pending.settled) continue
      const outcome = decideBatch(draft, nextOffsets, slot, batch)
      outcomes.set(pending, outcome)
      if (outcome.kind !== 'appended') continue
      accepted.push({ slot, batch, position, baseOffset: outcome.baseOffset })
      nextOffsets[slot] = outcome.baseOffset + batch.recordCount
      if (batch.producerId >= 0) draft.append(slot, batch, outcome.baseOffset, segmentTime(segment.id))
    }
    covered++
    if (accepted.length === 0) continue
    const commit = { segment, slices: sliceUp(accepted) }
    commits.push(commit)
    bytes += encodeCommit(commit).length
  }
  return { covered, commits, outcomes }
}

interface AcceptedBatch {
  readonly slot: number
  readonly batch: BatchView
  readonly position: number
  readonly baseOffset: number
}

function decideBatch(draft: FoldDraft, nextOffsets: readonly number[], slot: number, batch: BatchView): BatchOutcome {
  const baseOffset = nextOffsets[slot]
  if (baseOffset === undefined) return { kind: 'refused', code: 'UNKNOWN_TOPIC', message: 'no such partition' }
  if (batch.producerId < 0) return { kind: 'appended', baseOffset }
  const decision = draft.decide(slot, batch)
  if (decision.kind === 'append') return { kind: 'appended', baseOffset }
  if (decision.kind === 'duplicate') return decision
  return { kind: 'refused', code: decision.code, message: decision.message }
}

interface SliceDraft extends Slice {
  length: number
  records: number
  maxTimestamp: number
  readonly runs: RunDraft[]
}

interface RunDraft extends ProducerRun {
  readonly counts: number[]
  records: number
}

/** Adjacent batches of a partition become one slice; a batch that was cut parts it. */
function sliceUp(accepted: readonly AcceptedBatch[]): Slice[] {
  const slices: SliceDraft[] = []
  for (const { slot, batch, position, baseOffset } of accepted) {
    let slice = slices.at(-1)
    if (!slice || slice.slot !== slot || slice.position + slice.length !== position) {
      slice = { slot, position, length: 0, baseOffset, records: 0, maxTimestamp: -1, runs: [] }
      slices.push(slice)
    }
    if (batch.producerId >= 0) addToRuns(slice.runs, batch, slice.records)
    slice.length += batch.bytes.length
    slice.records += batch.recordCount
    slice.maxTimestamp = Math.max(slice.maxTimestamp, batch.maxTimestamp)
  }
  return slices
}

function addToRuns(runs: RunDraft[], batch: BatchView, offsetDelta: number): void {
  const { producerId, producerEpoch, baseSequence, recordCount } = batch
  const last = runs.at(-1)
  if (last && continuesRun(last, batch, offsetDelta)) {
    last.counts.push(recordCount)
    last.records += recordCount
  } else {
    runs.push({ producerId, producerEpoch, offsetDelta, baseSequence, counts: [recordCount], records: recordCount })
  }
}

function continuesRun(run: RunDraft, batch: BatchView, offsetDelta: number): boolean {
  return (
    run.producerId === batch.producerId &&
    run.producerEpoch === batch.producerEpoch &&
    run.offsetDelta + run.records === offsetDelta &&
    addSequence(run.baseSequence, run.records) === batch.baseSequence
  )
}
