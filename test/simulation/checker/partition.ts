import { type CleanedPartition, momentOf } from './cleaning.ts'
import type { Deletion, EndQuery, Operation, Poll, PolledBatch, Send } from './history.ts'

/** All that happened to one partition. */
export interface PartitionHistory {
  readonly partition: string
  readonly sends: readonly Send[]
  readonly polls: readonly Poll[]
  readonly ends: readonly EndQuery[]
  readonly deletions: readonly Deletion[]
}

export function splitByPartition(history: readonly Operation[]): PartitionHistory[] {
  const parts = new Map<
    string,
    { partition: string; sends: Send[]; polls: Poll[]; ends: EndQuery[]; deletions: Deletion[] }
  >()
  for (const operation of history) {
    const { kind } = operation
    if (kind !== 'send' && kind !== 'poll' && kind !== 'end' && kind !== 'delete-records') continue
    const { partition } = operation
    const part = parts.get(partition) ?? { partition, sends: [], polls: [], ends: [], deletions: [] }
    parts.set(partition, part)
    if (operation.kind === 'send') part.sends.push(operation)
    if (operation.kind === 'poll') part.polls.push(operation)
    if (operation.kind === 'delete-records') part.deletions.push(operation)
    if (operation.kind === 'end') part.ends.push(operation)
  }
  return [...parts.values()]
}

export type AckedSend = Send & { readonly outcome: { readonly kind: 'acked'; readonly offset: number } }

export function isAcked(send: Send): send is AckedSend {
  return send.outcome.kind === 'acked'
}

/** The records below may be gone at `tick`. */
export function deletedBefore(deletions: readonly Deletion[], tick: number): number {
  let highest = 0
  for (const { invoked, outcome, before } of deletions) {
    if (invoked < tick && outcome.kind !== 'refused') highest = Math.max(highest, before)
  }
  return highest
}

/** The same for all attempts to append one batch. */
export function batchKeyOf(send: Send): string {
  return `${send.producer}/${send.batch}`
}

export function batchesOf(poll: Poll): readonly PolledBatch[] {
  return poll.outcome.kind === 'read' ? poll.outcome.batches : []
}

/** The offset of each of its values. */
export function offsetsOf({ base, values, offsets }: PolledBatch): readonly number[] {
  return offsets ?? values.map((_, i) => base + i)
}

/** For each moment, the highest end of the partition that somebody had been told by then. */
export class KnownEnd {
  readonly #times: number[] = []
  readonly #ends: number[] = []

  constructor(part: PartitionHistory) {
    const told: { at: number; end: number }[] = []
    for (const send of part.sends) {
      if (isAcked(send)) told.push({ at: send.completed, end: send.outcome.offset + send.values.length })
    }
    for (const poll of part.polls) {
      const last = batchesOf(poll).at(-1)
      if (last) told.push({ at: poll.completed, end: last.last + 1 })
    }
    for (const query of part.ends) {
      if (query.outcome.kind === 'found') told.push({ at: query.completed, end: query.outcome.offset })
    }
    told.sort((a, b) => a.at - b.at)
    let highest = 0
    for (const { at, end } of told) {
      if (end <= highest) continue
      highest = end
      this.#times.push(at)
      this.#ends.push(end)
    }
  }

  /** What was told before `tick`. */
  before(tick: number): number {
    let low = 0
    let high = this.#times.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#times[middle]! < tick) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : this.#ends[low - 1]!
  }
}

export interface PossibleHoles {
  /** Values that need not be there. */
  readonly dropped: ReadonlySet<string>
  readonly hasTransactions: boolean
  /** Absent: the topic is not compacted. */
  readonly cleaned?: CleanedPartition | undefined
}

/** Offsets that compaction may leave without a record: what aborted transactions wrote, and markers; of a compacted topic, what is cleaned. */
export class Holes {
  readonly #kept: number[] = []
  readonly #hasTransactions: boolean
  readonly #cleaned: CleanedPartition | undefined
  readonly #valueAt = new Map<number, string>()

  /** `hasTransactions`: of the history, for a partition may have a marker and nothing else. */
  constructor({ sends, polls }: PartitionHistory, { dropped, hasTransactions, cleaned }: PossibleHoles) {
    this.#hasTransactions = hasTransactions
    this.#cleaned = cleaned
    for (const send of sends) {
      if (isAcked(send))
        this.#keep(
          send.values,
          send.values.map((_, i) => send.outcome.offset + i),
          dropped,
        )
    }
    for (const poll of polls) for (const batch of batchesOf(poll)) this.#keep(batch.values, offsetsOf(batch), dropped)
    this.#kept.sort((a, b) => a - b)
  }

  /** Whether there need not have been a record for `poll` at any offset in [from, to). */
  allow(from: number, to: number, poll: Poll): boolean {
    if (from >= to) return true
    if (!this.#hasTransactions && !this.#cleaned) return false
    let low = 0
    let high = this.#kept.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#kept[middle]! < from) low = middle + 1
      else high = middle
    }
    const cleaned = this.#cleaned
    if (!cleaned) return (this.#kept[low] ?? Infinity) >= to
    const moment = momentOf(poll)
    for (; (this.#kept[low] ?? Infinity) < to; low++) {
      if (!cleaned.mayBeGone(this.#valueAt.get(this.#kept[low]!)!, moment)) return false
    }
    return true
  }

  #keep(values: readonly string[], offsets: readonly number[], dropped: ReadonlySet<string>): void {
    for (const [i, value] of values.entries()) {
      if (dropped.has(value)) continue
      this.#kept.push(offsets[i]!)
      if (this.#cleaned) this.#valueAt.set(offsets[i]!, value)
    }
  }
}

/** The values of transactions that may have been aborted. */
export function droppedValues(history: readonly Operation[]): Set<string> {
  const committed = new Set<string>()
  for (const operation of history)
    if (operation.kind === 'transaction' && operation.outcome === 'committed') committed.add(operation.id)
  return new Set(
    history.flatMap(operation =>
      operation.kind === 'send' && operation.transaction !== undefined && !committed.has(operation.transaction)
        ? operation.values
        : [],
    ),
  )
}
