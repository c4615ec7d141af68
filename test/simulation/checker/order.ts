/**
 * Order and time: offsets of a partition are linearizable, a reader sees them in order and without holes, and a producer's
 * batches lie in the order sent (I2, I3).
 */
import type { Poll, Property, Send, Violation } from './history.ts'
import {
  type AckedSend,
  batchKeyOf,
  deletedBefore,
  type Holes,
  isAcked,
  KnownEnd,
  type PartitionHistory,
} from './partition.ts'

export function checkOrder(part: PartitionHistory, holes: Holes): Violation[] {
  const violations: Violation[] = []
  const report = (property: Property, what: string) =>
    void violations.push({ property, what: `${part.partition}: ${what}` })
  const known = new KnownEnd(part)
  for (const poll of part.polls) {
    checkPoll(poll, { known, holes, deleted: deletedBefore(part.deletions, poll.completed) }, report)
  }
  for (const { outcome, invoked } of part.ends) {
    const end = known.before(invoked)
    if (outcome.kind === 'found' && outcome.offset < end)
      report('stale-read', `the end was told to be ${outcome.offset} after ${end} was known`)
  }
  checkAppends(part.sends, known, report)
  return violations
}

type Report = (property: Property, what: string) => void

function checkPoll(
  poll: Poll,
  { known, holes, deleted }: { readonly known: KnownEnd; readonly holes: Holes; readonly deleted: number },
  report: Report,
): void {
  const { reader, offset, outcome, invoked, isolation } = poll
  const end = known.before(invoked)
  if (outcome.kind === 'refused' && outcome.code === 'OFFSET_OUT_OF_RANGE' && offset >= deleted && offset <= end)
    report('stale-read', `${reader} was told that ${offset} is out of range after ${end} was known`)
  if (outcome.kind !== 'read') return
  const first = outcome.batches[0]
  if (!first) {
    if (isolation === 'read_uncommitted' && offset < end)
      report('stale-read', `${reader} read nothing at ${offset} after ${end} was known`)
    return
  }
  if (isolation === 'read_uncommitted' && !holes.allow(offset, first.base, poll))
    report('poll-skip', `${reader} asked for ${offset} and got ${first.base}`)
  if (first.last < offset) report('nonmonotonic-poll', `${reader} asked for ${offset} and got ${first.last}`)
  for (const [i, batch] of outcome.batches.entries()) {
    const before = outcome.batches[i - 1]
    if (!before) continue
    if (batch.base <= before.last) report('nonmonotonic-poll', `${reader} got ${batch.base} after ${before.last}`)
    if (isolation === 'read_uncommitted' && !holes.allow(before.last + 1, batch.base, poll))
      report('offset-gap', `${reader} got ${batch.base} after ${before.last}`)
  }
  const last = outcome.batches.at(-1)!.last
  if (outcome.end <= last) report('stale-read', `${reader} got ${last} and the end ${outcome.end}`)
}

function checkAppends(sends: readonly Send[], known: KnownEnd, report: Report): void {
  const firstTry = new Map<string, number>()
  for (const send of sends) {
    const key = batchKeyOf(send)
    firstTry.set(key, Math.min(send.invoked, firstTry.get(key) ?? Infinity))
  }
  const streams = new Map<string, AckedSend[]>()
  for (const send of sends.filter(isAcked)) {
    const end = known.before(firstTry.get(batchKeyOf(send))!)
    if (send.outcome.offset < end)
      report('stale-append', `${send.producer}'s ${send.values} got ${send.outcome.offset} after ${end} was known`)
    const stream = send.idempotent ? send.producer : `${send.producer} on ${send.connection}`
    streams.set(stream, [...(streams.get(stream) ?? []), send])
  }
  for (const [stream, own] of streams) {
    own.sort((a, b) => (a.idempotent ? a.batch - b.batch : a.invoked - b.invoked))
    for (const [i, send] of own.entries()) {
      const before = own[i - 1]
      if (!before || before.batch === send.batch || before.outcome.offset < send.outcome.offset) continue
      const what = `${stream}: ${send.values} at ${send.outcome.offset}, ${before.values} at ${before.outcome.offset}`
      report('nonmonotonic-send', what)
    }
  }
}
