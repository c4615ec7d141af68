/**
 * A fork has what its source had: the same records at the same offsets up to its cut, nothing from behind it, and nothing that came to
 * the source after it was made. For the other checks a fork's history begins with what it has inherited.
 */
import { ANY_TIME, type CleanedPartition } from './cleaning.ts'
import type { Deletion, Fork, Operation, PolledBatch, Send, Transaction, Violation } from './history.ts'
import { batchesOf, isAcked, offsetsOf, type PartitionHistory } from './partition.ts'

export interface Inheritance {
  /** As if they had been sent to the fork. */
  readonly sends: readonly Send[]
  readonly deletions: readonly Deletion[]
}

export class Forks {
  readonly #bySource = new Map<string, Fork>()
  readonly #history: readonly Operation[]

  constructor(history: readonly Operation[]) {
    this.#history = history
    for (const operation of history) {
      if (operation.kind === 'fork' && operation.outcome.kind === 'done')
        this.#bySource.set(operation.outcome.id, operation)
    }
  }

  /** The fork that a partition is of. */
  of(partition: string): Fork | undefined {
    return this.#bySource.get(topicOf(partition))
  }

  /** The parts, those of forks with what they have inherited. */
  withInherited(parts: readonly PartitionHistory[]): PartitionHistory[] {
    const known = new Map(parts.map(part => [part.partition, part]))
    const whole = new Map<string, PartitionHistory>()
    const complete = (partition: string): PartitionHistory => {
      const done = whole.get(partition)
      if (done) return done
      const part = known.get(partition) ?? { partition, sends: [], polls: [], ends: [], deletions: [] }
      const fork = this.of(partition)
      const source = fork && complete(`${fork.source}/${numberOf(partition)}`)
      const inherited = fork && source ? inherit(fork, source, partition) : { sends: [], deletions: [] }
      const own = {
        ...part,
        sends: [...inherited.sends, ...part.sends],
        deletions: [...inherited.deletions, ...part.deletions],
      }
      whole.set(partition, own)
      return own
    }
    return parts.map(({ partition }) => complete(partition))
  }

  /**
   * Of a fork: besides those that are dropped in its source, the values of all transactions that were not surely committed when it was made.
   * The source may be a fork too, which has given up what was open when it was made, though it was committed in its own source since.
   */
  dropped(partition: string, dropped: ReadonlySet<string>): ReadonlySet<string> {
    const fork = this.of(partition)
    if (!fork) return dropped
    const droppedThere = this.dropped(`${fork.source}/${numberOf(partition)}`, dropped)
    const committed = new Set(
      this.#history
        .filter((one): one is Transaction => one.kind === 'transaction')
        .filter(({ outcome, completed }) => outcome === 'committed' && completed < fork.invoked)
        .map(({ id }) => id),
    )
    const open = this.#history.flatMap(one =>
      one.kind === 'send' && one.transaction !== undefined && !committed.has(one.transaction) ? one.values : [],
    )
    return new Set([...droppedThere, ...open])
  }

  /** What both have lies at the same offset in both. */
  check(parts: readonly PartitionHistory[]): Violation[] {
    const placesOf = new Map(parts.map(part => [part.partition, places(part)]))
    return parts.flatMap(({ partition }): Violation[] => {
      const fork = this.of(partition)
      const source = fork && placesOf.get(`${fork.source}/${numberOf(partition)}`)
      if (!source) return []
      return [...placesOf.get(partition)!].flatMap(([value, offset]): Violation[] => {
        const there = source.get(value)
        if (there === undefined || there === offset) return []
        return [
          {
            property: 'inconsistent-offsets',
            what: `${partition}: ${value} is at ${offset}, in the source at ${there}`,
          },
        ]
      })
    })
  }
}

/** In a fork at the latest offsets, of each transaction's records in a partition all are seen by readers of committed ones, or none. */
export function checkWholeInForks(
  parts: readonly PartitionHistory[],
  forks: Forks,
  cleaned: ReadonlyMap<string, CleanedPartition>,
): Violation[] {
  return parts.flatMap(({ partition, sends, polls }): Violation[] => {
    const fork = forks.of(partition)
    const drains = polls.filter(poll => poll.drain !== undefined && poll.isolation === 'read_committed')
    if (!fork || fork.cuts || drains.length === 0) return []
    const seen = new Set(drains.flatMap(poll => batchesOf(poll).flatMap(({ values }) => values)))
    const acked = sends.filter(isAcked).filter(({ transaction }) => transaction !== undefined)
    return [...Map.groupBy(acked, ({ transaction }) => transaction!)].flatMap(([id, own]): Violation[] => {
      const mayBeGone = (value: string) => cleaned.get(partition)?.mayBeGone(value, ANY_TIME) === true
      const values = [...new Set(own.flatMap(send => send.values))].filter(
        value => seen.has(value) || !mayBeGone(value),
      )
      const missing = values.filter(value => !seen.has(value))
      if (missing.length === 0 || missing.length === values.length) return []
      return [{ property: 'torn-transaction', what: `${partition}: ${id} has ${values} but not ${missing}` }]
    })
  })
}

function inherit(fork: Fork, source: PartitionHistory, partition: string): Inheritance {
  const cut = fork.cuts?.[numberOf(partition)] ?? Infinity
  const sends = source.sends.flatMap((send): Send[] => {
    if (send.invoked > fork.completed) return []
    if (!isAcked(send)) return [{ ...send, partition, completed: fork.completed }]
    if (send.outcome.offset + send.values.length > cut) return []
    if (send.completed < fork.invoked) return [{ ...send, partition, completed: fork.completed }]
    return [{ ...send, partition, completed: fork.completed, outcome: { kind: 'unknown', code: 'FORKED_MEANWHILE' } }]
  })
  const deletions = source.deletions
    .filter(({ invoked }) => invoked < fork.completed)
    .map((one): Deletion => ({ ...one, partition, outcome: { kind: 'unknown', code: 'IN_THE_SOURCE' } }))
  return { sends, deletions }
}

function places({ sends, polls }: PartitionHistory): Map<string, number> {
  const found = new Map<string, number>()
  const add = (batch: PolledBatch) => {
    const offsets = offsetsOf(batch)
    for (const [i, value] of batch.values.entries()) found.set(value, offsets[i]!)
  }
  for (const send of sends) {
    if (!isAcked(send)) continue
    for (const [i, value] of send.values.entries()) found.set(value, send.outcome.offset + i)
  }
  for (const poll of polls) for (const batch of batchesOf(poll)) add(batch)
  return found
}

function topicOf(partition: string): string {
  return partition.slice(0, partition.indexOf('/'))
}

function numberOf(partition: string): number {
  return Number(partition.slice(partition.indexOf('/') + 1))
}
