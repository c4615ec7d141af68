/**
 * Of each key of a compacted topic the last committed record stays, at its offset. Any other may go, and a tombstone after a time; and
 * what goes of a key goes from its oldest record on, or one that was written over would count again.
 */
import type { Forks } from './forks.ts'
import type { Cleaning, Fork, Operation, Poll, Send, Transaction, Violation } from './history.ts'
import { batchesOf, isAcked, offsetsOf, type PartitionHistory } from './partition.ts'

/** When something was not there, by the checker's ticks and in ms. */
export interface Moment {
  readonly tick: number
  readonly ms: number
}

/** It may be gone by now. */
export const ANY_TIME: Moment = { tick: Infinity, ms: Infinity }

export function momentOf({ completed, completedAtMs = Infinity }: Poll): Moment {
  return { tick: completed, ms: completedAtMs }
}

interface KeyedRecord {
  readonly value: string
  readonly key: string
  readonly isTombstone: boolean
  readonly transaction: Transaction | undefined
  readonly madeAtMs: number
  invoked: number
  invokedAtMs: number
  /** Each attempt to append it was surely in vain. */
  isRefused: boolean
  /** Where anybody was told that it is. */
  offset?: number
}

interface Source {
  readonly records: CleanedPartition
  readonly fork: Fork
}

export class CleanedPartition {
  readonly #rule: Cleaning
  readonly #part: PartitionHistory
  readonly #source: Source | undefined
  readonly #records = new Map<string, KeyedRecord>()
  readonly #byKey = new Map<string, KeyedRecord[]>()

  constructor(rule: Cleaning, part: PartitionHistory, transactions: ReadonlyMap<string, Transaction>, source?: Source) {
    this.#rule = rule
    this.#part = part
    this.#source = source
    for (const send of part.sends) for (const i of send.values.keys()) this.#add(send, i, transactions)
    for (const poll of part.polls) {
      for (const batch of batchesOf(poll)) {
        const offsets = offsetsOf(batch)
        for (const [i, value] of batch.values.entries()) this.#place(value, offsets[i]!)
      }
    }
    for (const record of this.#records.values()) {
      this.#byKey.set(record.key, [...(this.#byKey.get(record.key) ?? []), record])
    }
  }

  #add(send: Send, i: number, transactions: ReadonlyMap<string, Transaction>): void {
    const value = send.values[i]!
    const { key, isTombstone } = send.keys![i]!
    const { invoked, invokedAtMs = 0, madeAtMs = 0 } = send
    const isRefused = send.outcome.kind === 'refused'
    const known = this.#records.get(value)
    if (known) {
      known.invoked = Math.min(known.invoked, invoked)
      known.invokedAtMs = Math.min(known.invokedAtMs, invokedAtMs)
      known.isRefused &&= isRefused
    } else {
      const transaction = send.transaction === undefined ? undefined : transactions.get(send.transaction)
      this.#records.set(value, { value, key, isTombstone, transaction, madeAtMs, invoked, invokedAtMs, isRefused })
    }
    if (isAcked(send)) this.#place(value, send.outcome.offset + i)
  }

  #place(value: string, offset: number): void {
    const record = this.#records.get(value)
    if (record) record.offset = offset
  }

  /** Whether a record that was there need not be there any more. */
  mayBeGone(value: string, moment: Moment): boolean {
    const record = this.#records.get(value)
    if (!record) return false
    const { isTombstone, invokedAtMs, madeAtMs } = record
    if (moment.ms < madeAtMs + this.#rule.minLagMs) return false
    if (isTombstone && moment.ms >= invokedAtMs + this.#rule.tombstonesKeptMs) return true
    return this.#isWrittenOver(record, moment)
  }

  #isWrittenOver(record: KeyedRecord, moment: Moment): boolean {
    const { value, key, offset = -1 } = record
    const isOver = (this.#byKey.get(key) ?? []).some(
      later =>
        later.value !== value &&
        !later.isRefused &&
        later.invoked < moment.tick &&
        (later.offset ?? Infinity) > offset &&
        moment.ms >= later.madeAtMs + this.#rule.minLagMs &&
        mayBeCommitted(later, moment),
    )
    if (isOver || !this.#source) return isOver
    // It was cleaned in the source before that was forked, perhaps for the sake of one behind the cut.
    const { records, fork } = this.#source
    const there = records.#records.get(value)
    return there !== undefined && records.#isWrittenOver(there, { ...moment, tick: fork.completed })
  }

  /** Of what there is when nothing is written any more. `dropped`: values that may not be committed. */
  checkSettled(dropped: ReadonlySet<string>): Violation[] {
    const polls = this.#part.polls.filter(({ settled, isolation }) => settled && isolation === 'read_uncommitted')
    return [...Map.groupBy(polls, ({ drain }) => drain).values()].flatMap(drain => this.#checkDrain(drain, dropped))
  }

  #checkDrain(drain: readonly Poll[], dropped: ReadonlySet<string>): Violation[] {
    const there = new Set(drain.flatMap(poll => batchesOf(poll).flatMap(({ values }) => values)))
    const start = Math.max(...drain.map(({ outcome }) => (outcome.kind === 'read' ? outcome.start : 0)))
    return [...this.#byKey.values()].flatMap((records): Violation[] => {
      const known = records.filter(
        ({ value, offset }) => offset !== undefined && offset >= start && !dropped.has(value),
      )
      const oldest = known.filter(({ value }) => there.has(value)).toSorted((a, b) => a.offset! - b.offset!)[0]
      const gone = oldest && known.find(({ value, offset }) => offset! > oldest.offset! && !there.has(value))
      if (!gone) return []
      const what = `${oldest.value} of ${oldest.key} is at ${oldest.offset}, and ${gone.value} is gone from ${gone.offset}`
      return [{ property: 'brought-back', what: `${this.#part.partition}: ${what}` }]
    })
  }
}

function mayBeCommitted({ transaction }: KeyedRecord, { tick }: Moment): boolean {
  if (!transaction) return true
  const { outcome, ended } = transaction
  return ended < tick && outcome !== 'aborted' && outcome !== 'abort-unknown'
}

/** Of the partitions whose topics are compacted; those of forks are where their source is. */
export function cleanedPartitions(
  history: readonly Operation[],
  parts: readonly PartitionHistory[],
  forks: Forks,
): ReadonlyMap<string, CleanedPartition> {
  const rules = new Map(history.flatMap(one => (one.kind === 'cleaning' ? [[one.topic, one] as const] : [])))
  const found = new Map<string, CleanedPartition>()
  if (rules.size === 0) return found
  const transactions = new Map(history.flatMap(one => (one.kind === 'transaction' ? [[one.id, one] as const] : [])))
  const known = new Map(parts.map(part => [part.partition, part]))
  const clean = (partition: string): { rule: Cleaning; records: CleanedPartition } | undefined => {
    const fork = forks.of(partition)
    const [topic = '', number] = partition.split('/')
    const source = fork && clean(`${fork.source}/${number}`)
    const rule = source?.rule ?? rules.get(topic)
    const part = known.get(partition) ?? { partition, sends: [], polls: [], ends: [], deletions: [] }
    if (!rule) return undefined
    const records =
      found.get(partition) ??
      new CleanedPartition(rule, part, transactions, source && { records: source.records, fork: fork! })
    found.set(partition, records)
    return { rule, records }
  }
  for (const { partition } of parts) clean(partition)
  return found
}
