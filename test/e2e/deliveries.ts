import type { MemberEvent } from './members/member-output.ts'

type RecordEvent = Extract<MemberEvent, { kind: 'record' }>

const historyMax = 300

/**
 * What a group's members were given, and what must hold of it: an offset always means the same record; a member that
 * takes a partition over from another begins at what was committed when it was assigned, never before. (One that does
 * not know yet that its group went on without it may still deliver what it fetched.)
 */
export class Deliveries {
  readonly broken: string[] = []
  /** The last assignments, commits and jumps, for the message of a failure. */
  readonly history: string[] = []
  redelivered = 0
  readonly #ids = new Set<number>()
  readonly #idAt = new Map<string, number>()
  readonly #committed = new Map<number, number>()
  /** For each member what was committed when it got its present assignment. */
  readonly #committedAtAssignment = new Map<string, ReadonlyMap<number, number>>()
  readonly #reader = new Map<number, { readonly member: string; readonly next: number }>()
  #waiting: { readonly reached: () => boolean; readonly wait: PromiseWithResolvers<void> }[] = []

  get ids(): ReadonlySet<number> {
    return this.#ids
  }

  /** Resolves when `count` different records were delivered to someone. */
  covers(count: number): Promise<void> {
    return this.until(() => this.#ids.size >= count)
  }

  until(reached: () => boolean): Promise<void> {
    if (reached()) return Promise.resolve()
    const wait = Promise.withResolvers<void>()
    this.#waiting.push({ reached, wait })
    return wait.promise
  }

  /** Nothing more can be waited for. */
  fail(error: Error): void {
    for (const { wait } of this.#waiting.splice(0)) wait.reject(error)
  }

  take(member: string, event: MemberEvent): void {
    if (event.kind === 'record') this.#takeRecord(member, event)
    else this.#note(`${member} ${JSON.stringify(event)}`)
    if (event.kind === 'committed') this.#committed.set(event.partition, event.offset)
    if (event.kind === 'assigned') this.#committedAtAssignment.set(member, new Map(this.#committed))
    this.#waiting = this.#waiting.filter(({ reached, wait }) => {
      if (!reached()) return true
      wait.resolve()
      return false
    })
  }

  #takeRecord(member: string, { partition, offset, id }: RecordEvent): void {
    const place = `${partition}@${offset}`
    const before = this.#idAt.get(place)
    if (before !== undefined) this.redelivered++
    if (before !== undefined && before !== id) this.broken.push(`${place} was record ${before} and is now ${id}`)
    this.#idAt.set(place, id)
    this.#ids.add(id)
    const last = this.#reader.get(partition)
    if (last?.member !== member || last.next !== offset) {
      const committed = this.#committedAtAssignment.get(member)?.get(partition) ?? 0
      this.#note(`${member} begins ${place}; ${committed} is committed, ${last?.member} read to ${last?.next}`)
      // One that goes back by itself only looked its offset up a little too early.
      if (last?.member !== member && offset < committed) {
        this.broken.push(`${member} began ${place}, but ${committed} was committed`)
      }
    }
    this.#reader.set(partition, { member, next: offset + 1 })
  }

  #note(line: string): void {
    this.history.push(`${(performance.now() / 1_000).toFixed(3)} ${line}`)
    this.history.splice(0, this.history.length - historyMax)
  }
}
