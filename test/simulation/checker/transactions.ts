/** A read_committed reader sees all of a transaction, or nothing of it (I5). */
import { ANY_TIME, type CleanedPartition } from './cleaning.ts'
import type { Identification, Operation, Poll, Send, Transaction, Violation } from './history.ts'
import { batchesOf, isAcked } from './partition.ts'

export function checkTransactions(
  history: readonly Operation[],
  cleaned: ReadonlyMap<string, CleanedPartition>,
): Violation[] {
  const transactions = new Map<string, Transaction>()
  const sends: Send[] = []
  const polls: Poll[] = []
  const identities: Identification[] = []
  for (const operation of history) {
    if (operation.kind === 'transaction') transactions.set(operation.id, operation)
    if (operation.kind === 'identity') identities.push(operation)
    if (operation.kind === 'send' && operation.transaction !== undefined) sends.push(operation)
    if (operation.kind === 'poll' && operation.isolation === 'read_committed') polls.push(operation)
  }
  const transactionOf = new Map<string, Transaction>()
  for (const { transaction, values } of sends)
    for (const value of values) transactionOf.set(value, transactions.get(transaction!)!)
  return [
    ...checkReads(polls, transactionOf),
    ...checkWhole(sends, polls, { transactions, cleaned }),
    ...checkFences(sends, identities),
  ]
}

/**
 * Of one producer id a higher epoch, told before the batch was sent, fences it. One that is told to be there already may
 * have been taken when it was sent first: whoever has it in a head that it knows needs no look at the store to say so.
 */
function checkFences(sends: readonly Send[], identities: readonly Identification[]): Violation[] {
  const firstSent = new Map<string, number>()
  for (const { values, invoked } of sends) {
    for (const value of values) firstSent.set(value, Math.min(invoked, firstSent.get(value) ?? Infinity))
  }
  return sends.filter(isAcked).flatMap(({ identity, invoked, values, outcome }): Violation[] => {
    const sent = outcome.duplicate ? Math.min(...values.map(value => firstSent.get(value)!)) : invoked
    const newer = identities.find(
      ({ producerId, producerEpoch, completed }) =>
        producerId === identity?.producerId && producerEpoch > identity.producerEpoch && completed < sent,
    )
    if (!newer) return []
    const what = `${values} was taken in epoch ${identity?.producerEpoch}; ${newer.producerEpoch} was there`
    return [{ property: 'fenced-write', what }]
  })
}

function checkReads(polls: readonly Poll[], transactionOf: ReadonlyMap<string, Transaction>): Violation[] {
  const violations: Violation[] = []
  for (const poll of polls) {
    for (const value of batchesOf(poll).flatMap(batch => batch.values)) {
      const transaction = transactionOf.get(value)
      if (!transaction) continue
      const { id, outcome, ended } = transaction
      if (outcome === 'aborted' || outcome === 'abort-unknown')
        violations.push({ property: 'G1a', what: `${poll.reader} saw ${value} of the aborted ${id}` })
      else if (poll.completed < ended)
        violations.push({ property: 'precommitted-read', what: `${poll.reader} saw ${value} before ${id} was ended` })
    }
  }
  return violations
}

/** In the last reading of all its partitions, all acknowledged records of a transaction are there, or none. */
function checkWhole(
  sends: readonly Send[],
  polls: readonly Poll[],
  {
    transactions,
    cleaned,
  }: {
    readonly transactions: ReadonlyMap<string, Transaction>
    readonly cleaned: ReadonlyMap<string, CleanedPartition>
  },
): Violation[] {
  const finals = polls.filter(poll => poll.drain !== undefined)
  const drained = new Set(finals.map(poll => poll.partition))
  const seen = new Set(finals.flatMap(poll => batchesOf(poll).flatMap(batch => batch.values)))
  const violations: Violation[] = []
  for (const { id, outcome } of transactions.values()) {
    const own = sends.filter(send => send.transaction === id && isAcked(send) && drained.has(send.partition))
    const gone = new Set(
      own.flatMap(({ partition, values }) =>
        values.filter(value => !seen.has(value) && cleaned.get(partition)?.mayBeGone(value, ANY_TIME)),
      ),
    )
    const values = [...new Set(own.flatMap(send => send.values))].filter(value => !gone.has(value))
    const missing = values.filter(value => !seen.has(value))
    if (missing.length === 0 || (missing.length === values.length && outcome !== 'committed')) continue
    violations.push({ property: 'torn-transaction', what: `${id} (${outcome}) has ${values} but not ${missing}` })
  }
  return violations
}
