/**
 * The commits that a fork takes over, ending at its cuts. Pure. A batch is never parted: a cut lies where a batch begins. Producers'
 * runs stay with their slices, for they say which batches an aborted transaction wrote.
 */
import { invariant } from '../../base/index.ts'
import type { Commit, Marker, ProducerRun, Slice } from '../head/commit.ts'
import type { Head } from '../head/head.ts'

/** What of a slot is in the fork. */
export interface SlotCut {
  /** First offset that is not. */
  readonly cut: number
  readonly start: number
  /** Extents serve the offsets below. */
  readonly extentsTo: number
  /** Nothing is: the source has deleted all of it. */
  readonly isEmpty: boolean
}

/** `cuts`: by slot; slots of the source that have none are not in the fork. */
export function slotCuts({ partitions }: Head, cuts: readonly number[]): SlotCut[] {
  return cuts.map((cut, slot) => {
    const { start, extentsTo } = partitions[slot]!
    const isEmpty = cut <= start
    return { cut, start: Math.min(start, cut), extentsTo: isEmpty ? cut : Math.min(extentsTo, cut), isEmpty }
  })
}

/** Whether a cut lies within the slice. */
export function isParted({ slot, baseOffset, records }: Slice, slots: readonly SlotCut[]): boolean {
  const at = slots[slot]
  return at !== undefined && !at.isEmpty && baseOffset < at.cut && at.cut < baseOffset + records
}

/** What of the commit is in the fork; `parted`: its slices that a cut lies in, as they are cut. undefined: nothing. */
export function cutCommit(
  { segment, slices, markers }: Commit,
  slots: readonly SlotCut[],
  parted: ReadonlyMap<Slice, Slice>,
): Commit | undefined {
  const isIn = (slot: number, offset: number) => {
    const at = slots[slot]
    return at !== undefined && !at.isEmpty && offset < at.cut
  }
  const kept = slices.filter(({ slot, baseOffset }) => isIn(slot, baseOffset)).map(slice => parted.get(slice) ?? slice)
  const ends = markers.filter(({ slot, offset }) => isIn(slot, offset))
  return kept.length + ends.length > 0 ? { segment, slices: kept, markers: ends } : undefined
}

/** The slice up to `cut`, where one of its batches begins. `batches`: all of its. */
export function cutSlice(
  slice: Slice,
  batches: readonly { readonly bytes: Uint8Array; readonly lastOffset: number; readonly maxTimestamp: number }[],
  cut: number,
): Slice {
  const kept = batches.filter(({ lastOffset }) => lastOffset < cut)
  invariant(kept.at(-1)?.lastOffset === cut - 1, `a cut at ${cut}, where no batch begins`)
  return {
    ...slice,
    length: kept.reduce((sum, { bytes }) => sum + bytes.length, 0),
    records: cut - slice.baseOffset,
    maxTimestamp: Math.max(-1, ...kept.map(({ maxTimestamp }) => maxTimestamp)),
    runs: slice.runs.map(run => cutRun(run, cut - slice.baseOffset)).filter(({ counts }) => counts.length > 0),
  }
}

function cutRun(run: ProducerRun, records: number): ProducerRun {
  let end = run.offsetDelta
  const counts = run.counts.filter(count => {
    end += count
    return end <= records
  })
  return { ...run, counts }
}

/** A transaction with records below a cut that has not been committed below it: aborted in the source, or open. */
export type Undecided = Omit<Marker, 'offset' | 'outcome' | 'timestamp'>

/** Aborts them in the fork, right behind its cuts. */
export function abortUndecided(
  undecided: readonly Undecided[],
  slots: readonly SlotCut[],
  timestamp: number,
): Marker[] {
  const next = slots.map(({ cut }) => cut)
  return undecided.map(one => ({ ...one, offset: next[one.slot]!++, outcome: 'abort', timestamp }))
}
