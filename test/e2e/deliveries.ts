import type { MemberEvent } from './members/member-output.ts'

type RecordEvent = Extract<MemberEvent, { kind: 'record' }>

/**
 * What a group's members were given, and what must hold of it: an offset always means the same record; whoever does not
 * simply go on with the next offset begins at what was committed, never before.
 */
export class Deliveries {
  readonly broken: string[] = []
  redelivered = 0
  readonly #ids = new Set<number>()
  readonly #idAt = new Map<string, number>()
  readonly #committed = new Map<number, number>()
  readonly #next = new Map<string, number>()
  #waiting: { readonly reached: () => boolean; readonly resolve: () => void }[] = []

  get ids(): ReadonlySet<number> {
    return this.#ids
  }

  /** The last acknowledged commit of each partition. */
  get committed(): ReadonlyMap<number, number> {
    return this.#committed
  }

  /** Resolves when `count` different records were delivered to someone. */
  covers(count: number): Promise<void> {
    return this.until(() => this.#ids.size >= count)
  }

  until(reached: () => boolean): Promise<void> {
    if (reached()) return Promise.resolve()
    return new Promise(resolve => this.#waiting.push({ reached, resolve }))
  }

  take(member: string, event: MemberEvent): void {
    if (event.kind === 'record') this.#takeRecord(member, event)
    if (event.kind === 'committed') this.#committed.set(event.partition, event.offset)
    this.#waiting = this.#waiting.filter(({ reached, resolve }) => {
      if (!reached()) return true
      resolve()
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
    const expected = this.#next.get(`${member}/${partition}`)
    const committed = this.#committed.get(partition) ?? 0
    if (expected !== offset && offset < committed) {
      this.broken.push(`${member} began partition ${partition} at ${offset}, but ${committed} was committed`)
    }
    this.#next.set(`${member}/${partition}`, offset + 1)
  }
}
