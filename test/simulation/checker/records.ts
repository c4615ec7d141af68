/**
 * What records there are, and where: every offset has one value for ever, every batch is there once and whole, and
 * whatever anybody was told is there in the end (I1, I2, I4).
 */
import type { Poll, PolledBatch, Property, Send, Violation } from './history.ts'
import { batchesOf, batchKeyOf, type Holes, isAcked, offsetsOf, type PartitionHistory } from './partition.ts'

export function checkRecords(part: PartitionHistory, holes: Holes): Violation[] {
  const records = new Records(part, holes)
  records.readPolls()
  records.readAcks()
  records.checkRefused()
  records.checkDrains()
  return records.violations
}

class Records {
  readonly violations: Violation[] = []
  readonly #part: PartitionHistory
  readonly #holes: Holes
  readonly #sendOf = new Map<string, Send>()
  /** And when somebody first knew. */
  readonly #valueAt = new Map<number, { readonly value: string; readonly known: number }>()
  readonly #offsetOf = new Map<string, number>()

  constructor(part: PartitionHistory, holes: Holes) {
    this.#part = part
    this.#holes = holes
    for (const send of part.sends) for (const value of send.values) this.#sendOf.set(value, send)
  }

  readPolls(): void {
    for (const poll of this.#part.polls) {
      for (const batch of batchesOf(poll)) {
        const { base, last, values, control } = batch
        if (control || (values.length === 0 && this.#holes.allow(base, last + 1, poll))) continue
        const sent = values[0] === undefined ? undefined : this.#sendOf.get(values[0])
        if (!sent) this.#report('phantom', `${poll.reader} read ${values} at ${base}, which nobody sent`)
        else if (!this.#isWhole(batch, sent, poll))
          this.#report('torn-batch', `${poll.reader} read ${values} at ${base}–${last}; sent were ${sent.values}`)
        const offsets = offsetsOf(batch)
        for (const [i, value] of values.entries())
          this.#place(offsets[i]!, value, poll.completed, `${poll.reader} read`)
      }
    }
  }

  /** As it was sent, but for what may have been cleaned. */
  #isWhole(batch: PolledBatch, sent: Send, poll: Poll): boolean {
    const { base, last, values, keys } = batch
    if (last - base + 1 !== sent.values.length) return false
    if (!batch.offsets && !sent.keys) return values.join() === sent.values.join()
    const at = new Map(offsetsOf(batch).map((offset, i) => [offset, i]))
    return sent.values.every((value, i) => {
      const there = at.get(base + i)
      if (there === undefined) return this.#holes.allow(base + i, base + i + 1, poll)
      return values[there] === value && keys?.[there] === sent.keys?.[i]?.key
    })
  }

  readAcks(): void {
    for (const send of this.#part.sends) {
      if (!isAcked(send)) continue
      const { offset } = send.outcome
      for (const [i, value] of send.values.entries())
        this.#place(offset + i, value, send.completed, `${send.producer} was told`)
    }
  }

  #place(offset: number, value: string, known: number, who: string): void {
    const there = this.#valueAt.get(offset)
    const before = this.#offsetOf.get(value)
    if (there && there.value !== value)
      this.#report('inconsistent-offsets', `${who} ${value} at ${offset}, where ${there.value} is`)
    if (!there || (there.value === value && known < there.known)) this.#valueAt.set(offset, { value, known })
    if (before === undefined) this.#offsetOf.set(value, offset)
    else if (before !== offset) this.#report('duplicate', `${who} ${value} at ${offset}; it is at ${before} too`)
  }

  checkRefused(): void {
    const possible = new Set(this.#part.sends.filter(send => send.outcome.kind !== 'refused').map(batchKeyOf))
    for (const send of this.#part.sends) {
      const { outcome, values, producer } = send
      if (outcome.kind !== 'refused' || possible.has(batchKeyOf(send))) continue
      const offset = this.#offsetOf.get(values[0]!)
      if (offset !== undefined)
        this.#report('refused-write', `${producer}'s ${values} was refused (${outcome.code}) and is at ${offset}`)
    }
  }

  checkDrains(): void {
    const polls = this.#part.polls.filter(poll => poll.drain !== undefined && poll.isolation === 'read_uncommitted')
    for (const drain of Map.groupBy(polls, poll => poll.drain).values()) this.#checkDrain(drain)
  }

  /** Nothing known before is missing from a reading of all, and nothing between its first record and its end. */
  #checkDrain(polls: readonly Poll[]): void {
    const last = polls.at(-1)!
    const { outcome } = last
    if (outcome.kind !== 'read') return
    const { start, end } = outcome
    const covered = new Set<number>()
    for (const poll of polls)
      for (const batch of batchesOf(poll)) {
        for (const offset of offsetsOf(batch)) covered.add(offset)
        if (batch.control) covered.add(batch.base)
      }
    for (const [offset, { value, known }] of this.#valueAt) {
      if (offset < start || known >= last.invoked || covered.has(offset) || this.#holes.allow(offset, offset + 1, last))
        continue
      this.#report(offset < end ? 'lost-write' : 'unseen', `${value} was at ${offset}; ${last.reader} has not got it`)
    }
    for (let offset = start; offset < end; offset++)
      if (!covered.has(offset) && !this.#valueAt.has(offset) && !this.#holes.allow(offset, offset + 1, last))
        this.#report('offset-gap', `nothing is at ${offset}`)
  }

  #report(property: Property, what: string): void {
    this.violations.push({ property, what: `${this.#part.partition}: ${what}` })
  }
}
