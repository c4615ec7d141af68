/** Answers to what waits in a committer's queue: each once, whatever is found out about it later. */
import { LogError, timedOut } from '../errors.ts'
import type { Commit } from '../head/commit.ts'
import type { Fold } from '../producers/fold.ts'
import { decideSequence } from '../producers/sequence.ts'
import type { BatchOutcome } from './commit-plan.ts'
import type { PendingBatch, PendingCommit, PendingMarker, PlacedBatch } from './pending-segment.ts'

type Pending = PendingBatch | PendingMarker

/** What of a commit has no answer yet. */
export function unanswered(commit: PendingCommit): Pending[] {
  return [...commit.placed.map(({ pending }) => pending), ...commit.markers].filter(({ answer }) => !answer.hasEnded)
}

export function refuse(pending: Pending, error: unknown): void {
  pending.answer.reject(error)
}

export function answerBatch(pending: PendingBatch, outcome: BatchOutcome, logStartOffset: number): void {
  if (outcome.kind === 'refused') {
    refuse(pending, new LogError(outcome.code, outcome.message))
    return
  }
  const { baseOffset, kind } = outcome
  const { timestampType, maxTimestamp } = pending.batch
  const logAppendTime = timestampType === 'LogAppendTime' ? maxTimestamp : -1
  pending.answer.resolve({ baseOffset, logStartOffset, logAppendTime, duplicate: kind === 'duplicate' })
}

/** A transaction that had ended already is a success too. */
export function answerMarker(pending: PendingMarker, outcome: BatchOutcome): void {
  if (outcome.kind === 'refused') refuse(pending, new LogError(outcome.code, outcome.message))
  else pending.answer.resolve()
}

/** What became of a batch of a segment whose commit was found. It may have been cut from it: as a duplicate, or refused. */
export function outcomeInCommit(
  seen: Commit,
  placed: readonly PlacedBatch[],
  { pending, slot, batch, position }: PlacedBatch,
  fold: Fold | undefined,
): BatchOutcome {
  const baseOffset = committedOffset(seen, placed, slot, position)
  if (baseOffset !== undefined) return { kind: 'appended', baseOffset }
  const { transaction } = pending
  const decision = fold && decideSequence(fold.get(slot, batch.producerId), { ...batch, transaction })
  if (decision?.kind === 'duplicate') return decision
  return { kind: 'refused', code: 'REQUEST_TIMED_OUT', message: timedOut().message }
}

function committedOffset(
  commit: Commit,
  placed: readonly PlacedBatch[],
  slot: number,
  position: number,
): number | undefined {
  const slice = commit.slices.find(s => s.slot === slot && s.position <= position && position < s.position + s.length)
  if (!slice) return undefined
  let offset = slice.baseOffset
  for (const other of placed) {
    if (other.position >= slice.position && other.position < position) offset += other.batch.recordCount
  }
  return offset
}
