/**
 * What one compare-and-swap of a head would do, decided without I/O: which batches get which offsets, which are
 * duplicates, which are refused. If the swap succeeds, the plan was the truth; if not, it is thrown away.
 */
import type { BatchView } from '../../records/index.ts'
import type { LogErrorCode } from '../errors.ts'
import { type Commit, encodeCommit, type Marker, type ProducerRun, type Slice } from '../head/commit.ts'
import type { Head } from '../head/head.ts'
import type { Fold } from '../producers/fold.ts'
import { FoldDraft } from '../producers/fold-draft.ts'
import { mayBeForgotten } from '../producers/producer-id-age.ts'
import { addSequence } from '../producers/producer-state.ts'
import { segmentTime } from '../segment/segment-id.ts'
import type { SegmentRef } from '../segment/segment-store.ts'
import type { PendingBatch, PendingMarker, PlacedBatch } from './pending-segment.ts'

/** Bytes of commits in one write, so that head and chunks stay far below a transaction's bounds. */
export const PLAN_BYTES_MAX = 256 * 1_024

/** Segments in one write: each may be an operation of it. */
export const PLAN_SEGMENTS_MAX = 64

/** A process may be frozen with what it is about to commit. */
const ON_ITS_WAY_MS_MAX = 3_600_000

export type BatchOutcome =
  | { readonly kind: 'appended' | 'duplicate'; readonly baseOffset: number }
  | { readonly kind: 'refused'; readonly code: LogErrorCode; readonly message: string }

export interface CommitPlan {
  /** How many of the segments the plan covers, from the first. 0: the first lies below the fence. */
  readonly covered: number
  readonly commits: readonly Commit[]
  /** For each slot the last stable offset after the commits. */
  readonly stable: readonly number[]
  readonly outcomes: ReadonlyMap<PendingBatch | PendingMarker, BatchOutcome>
}

export interface PlannedSegment {
  readonly segment: SegmentRef
  readonly placed: readonly PlacedBatch[]
  readonly markers: readonly PendingMarker[]
}

export function planCommits(head: Head, fold: Fold, segments: readonly PlannedSegment[]): CommitPlan {
  const draft = new FoldDraft(fold)
  const nextOffsets = head.partitions.map(partition => partition.next)
  const outcomes = new Map<PendingBatch | PendingMarker, BatchOutcome>()
  const commits: Commit[] = []
  let covered = 0
  let bytes = 0
  for (const { segment, placed, markers } of segments) {
    if (segmentTime(segment.id) < head.fence || bytes >= PLAN_BYTES_MAX || covered === PLAN_SEGMENTS_MAX) break
    const time = fold.timeOf(segment.id)
    const accepted: AcceptedBatch[] = []
    for (const { pending, slot, batch: view, position } of placed) {
      if (pending.answer.hasEnded) continue
      const batch = { ...view, transaction: pending.transaction }
      const outcome = decideBatch(draft, nextOffsets[slot], pending, batch, time)
      outcomes.set(pending, outcome)
      if (outcome.kind !== 'appended') continue
      accepted.push({ slot, batch, position, baseOffset: outcome.baseOffset })
      nextOffsets[slot] = outcome.baseOffset + batch.recordCount
      if (batch.producerId >= 0) draft.append(slot, batch, outcome.baseOffset, time)
    }
    const ended: Marker[] = []
    for (const pending of markers) {
      if (pending.answer.hasEnded) continue
      const marker = placeMarker(draft, nextOffsets, pending.marker)
      outcomes.set(pending, outcomeOfMarker(marker))
      if (typeof marker === 'string') continue
      ended.push(marker)
      nextOffsets[marker.slot] = marker.offset + 1
      draft.mark(marker, time)
    }
    covered++
    if (accepted.length === 0 && ended.length === 0) continue
    const commit = { segment, slices: sliceUp(accepted), markers: ended }
    commits.push(commit)
    bytes += encodeCommit(commit).length
  }
  const stable = nextOffsets.map((next, slot) => draft.stable(slot, next))
  return { covered, commits, stable, outcomes }
}

type TransactedBatch = BatchView & Pick<PendingBatch, 'transaction'>

interface AcceptedBatch {
  readonly slot: number
  readonly batch: TransactedBatch
  readonly position: number
  readonly baseOffset: number
}

function decideBatch(
  draft: FoldDraft,
  baseOffset: number | undefined,
  pending: PendingBatch,
  batch: TransactedBatch,
  time: number,
): BatchOutcome {
  if (baseOffset === undefined) return { kind: 'refused', code: 'UNKNOWN_TOPIC', message: 'no such partition' }
  if (batch.producerId < 0) return { kind: 'appended', baseOffset }
  const decision = draft.decide(pending.slot, batch)
  if (decision.kind === 'append') return { kind: 'appended', baseOffset }
  if (decision.kind === 'duplicate') return decision
  const { code, message, isUnknown } = decision
  if (!isUnknown || !mayGoOn(pending, time)) return { kind: 'refused', code, message }
  if (!pending.failures.isBehind(pending)) return { kind: 'appended', baseOffset }
  const { producerId, baseSequence } = batch
  const told = `an earlier batch of producer ${producerId} failed, and must come before sequence ${baseSequence}`
  return { kind: 'refused', code, message: told }
}

/**
 * The producer of whom nothing is known may have sent something here long ago. Not with a batch that was itself long on its way, for what
 * would have refused it may be forgotten too. `time`: of the commit, ms.
 */
function mayGoOn({ batch, cameAt }: PendingBatch, time: number): boolean {
  return mayBeForgotten(batch.producerId, time) && time - cameAt < ON_ITS_WAY_MS_MAX
}

/** The marker at its offset; or why there is none: its transaction has ended here already, or nothing is there to end. */
function placeMarker(
  draft: FoldDraft,
  nextOffsets: readonly number[],
  marker: PendingMarker['marker'],
): Marker | 'ended' | 'nowhere' {
  const { slot, producerId, transaction } = marker
  const offset = nextOffsets[slot]
  if (offset === undefined) return 'nowhere'
  const state = draft.get(slot, producerId)
  // A later one is open: this one ended, though its end may be forgotten.
  if (state && (transaction <= state.ended || transaction < (state.open?.transaction ?? 0))) return 'ended'
  return { ...marker, offset, firstOffset: state?.open?.firstOffset ?? -1 }
}

function outcomeOfMarker(marker: Marker | 'ended' | 'nowhere'): BatchOutcome {
  if (marker === 'ended') return { kind: 'duplicate', baseOffset: -1 }
  if (marker === 'nowhere') return { kind: 'refused', code: 'UNKNOWN_TOPIC', message: 'no such partition' }
  return { kind: 'appended', baseOffset: marker.offset }
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

function addToRuns(runs: RunDraft[], batch: TransactedBatch, offsetDelta: number): void {
  const { producerId, producerEpoch, transaction, baseSequence, recordCount } = batch
  const last = runs.at(-1)
  if (last && continuesRun(last, batch, offsetDelta)) {
    last.counts.push(recordCount)
    last.records += recordCount
  } else {
    const counts = [recordCount]
    runs.push({ producerId, producerEpoch, transaction, offsetDelta, baseSequence, counts, records: recordCount })
  }
}

function continuesRun(run: RunDraft, batch: TransactedBatch, offsetDelta: number): boolean {
  return (
    run.producerId === batch.producerId &&
    run.producerEpoch === batch.producerEpoch &&
    run.transaction === batch.transaction &&
    run.offsetDelta + run.records === offsetDelta &&
    addSequence(run.baseSequence, run.records) === batch.baseSequence
  )
}
