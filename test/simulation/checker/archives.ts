/**
 * An archive's table has of each partition's records each once, as they were acknowledged and as readers of committed records find them;
 * what one edition has, later ones have too; and in the end it has all that the log has.
 */
import type { Archived, Operation, Property, Transaction, Violation } from './history.ts'
import { batchesOf, isAcked, offsetsOf, type PartitionHistory } from './partition.ts'

export function checkArchives(history: readonly Operation[], parts: readonly PartitionHistory[]): Violation[] {
  const tables = history.filter(one => one.kind === 'archived')
  if (tables.length === 0) return []
  const log = new KnownLog(history, parts)
  return [...Map.groupBy(tables, ({ topic }) => topic)].flatMap(([topic, editions]) => checkTable(topic, editions, log))
}

/** What is known of the log's records, from whoever was told. */
class KnownLog {
  /** By `partition@offset`. */
  readonly #values = new Map<string, string>()
  readonly #sent = new Set<string>()
  readonly #transactionOf = new Map<string, Transaction>()
  readonly #parts: readonly PartitionHistory[]
  readonly #cleaned: ReadonlySet<string>

  constructor(history: readonly Operation[], parts: readonly PartitionHistory[]) {
    this.#parts = parts
    this.#cleaned = new Set(history.flatMap(one => (one.kind === 'cleaning' ? [one.topic] : [])))
    const transactions = new Map(history.flatMap(one => (one.kind === 'transaction' ? [[one.id, one] as const] : [])))
    for (const { partition, sends, polls } of parts) {
      for (const send of sends) {
        for (const [i, value] of send.values.entries()) {
          this.#sent.add(`${partition} ${value}`)
          if (isAcked(send)) this.#values.set(`${partition}@${send.outcome.offset + i}`, value)
          if (send.transaction !== undefined) this.#transactionOf.set(value, transactions.get(send.transaction)!)
        }
      }
      for (const batch of polls.flatMap(batchesOf)) {
        const offsets = offsetsOf(batch)
        for (const [i, value] of batch.values.entries()) this.#values.set(`${partition}@${offsets[i]}`, value)
      }
    }
  }

  /** Why a record must not be in a table that was seen at `tick`. */
  flawOf(partition: string, offset: number, value: string, tick: number): string | undefined {
    const known = this.#values.get(`${partition}@${offset}`)
    if (known !== undefined && known !== value) return `where ${known} is`
    if (!this.#sent.has(`${partition} ${value}`)) return 'which nobody sent'
    const transaction = this.#transactionOf.get(value)
    if (!transaction) return undefined
    const { id, outcome, ended } = transaction
    if (outcome === 'aborted' || outcome === 'abort-unknown') return `of the aborted ${id}`
    return tick < ended ? `before ${id} was ended` : undefined
  }

  /** Surely committed, and neither deleted by anybody nor cleaned, as [place, value]: retention alone may have taken them, later. */
  acknowledgedOf(topic: string): [string, string][] {
    if (this.#cleaned.has(topic)) return []
    return this.#parts.flatMap(({ partition, sends, deletions }) => {
      if (!partition.startsWith(`${topic}/`) || deletions.some(({ byRetention }) => !byRetention)) return []
      return sends.filter(isAcked).flatMap(({ values, outcome }) => {
        const isCommitted = (this.#transactionOf.get(values[0]!)?.outcome ?? 'committed') === 'committed'
        return isCommitted
          ? values.map((value, i): [string, string] => [`${partition}@${outcome.offset + i}`, value])
          : []
      })
    })
  }

  /** Found by the last reading of all. */
  committedOf(topic: string): [string, string][] {
    return this.#parts.flatMap(({ partition, polls }) => {
      if (!partition.startsWith(`${topic}/`)) return []
      const drains = polls.filter(({ drain, isolation }) => drain !== undefined && isolation === 'read_committed')
      const last = Math.max(...drains.map(({ drain }) => drain!))
      return drains
        .filter(({ drain }) => drain === last)
        .flatMap(poll => {
          const start = poll.outcome.kind === 'read' ? poll.outcome.start : 0
          const found = batchesOf(poll).flatMap(batch =>
            batch.values.map((value, i) => ({ value, at: offsetsOf(batch)[i]! })),
          )
          // A batch is read as a whole, though it may begin before the start.
          return found.filter(({ at }) => at >= start)
        })
        .map(({ value, at }): [string, string] => [`${partition}@${at}`, value])
    })
  }
}

function checkTable(topic: string, editions: readonly Archived[], log: KnownLog): Violation[] {
  const violations: Violation[] = []
  const report = (property: Property, edition: number, what: string) =>
    void violations.push({ property, what: `edition ${edition} of the archive of ${topic}: ${what}` })
  let before = new Map<string, string>()
  // A hint that came late shows an older one again.
  for (const { edition, records, completed, isFinal } of editions.toSorted((a, b) => a.edition - b.edition)) {
    const here = new Map<string, string>()
    for (const { partition, offset, value } of records) {
      const place = `${topic}/${partition}@${offset}`
      if (here.has(place)) report('archived-twice', edition, `${value} at ${place}, and ${here.get(place)}`)
      here.set(place, value)
      if (before.get(place) === value) continue
      const flaw = log.flawOf(`${topic}/${partition}`, offset, value, completed)
      if (flaw) report('archived-wrong', edition, `${value} at ${place}, ${flaw}`)
    }
    for (const [place, value] of before)
      if (here.get(place) !== value) report('older-table', edition, `${value} at ${place} was there before`)
    before = here
    if (!isFinal) continue
    for (const [place, value] of new Map([...log.committedOf(topic), ...log.acknowledgedOf(topic)]))
      if (!here.has(place)) report('not-archived', edition, `${value} at ${place}, which the log has or had`)
  }
  return violations
}
