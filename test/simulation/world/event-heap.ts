import type { Process } from './process.ts'

/** Something that will happen at a virtual time; where `process` is given, inside that process (never once it is dead). */
export interface SimulatedEvent {
  time: number
  readonly sequence: number
  readonly process: Process | undefined
  readonly action: () => void
  cancelled: boolean
}

/** A binary heap of events: earliest first, of equal times the one scheduled first. */
export class EventHeap {
  readonly #events: SimulatedEvent[] = []

  get size(): number {
    return this.#events.length
  }

  push(event: SimulatedEvent): void {
    const events = this.#events
    let at = events.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, events[parent]!)) break
      events[at] = events[parent]!
      at = parent
    }
    events[at] = event
  }

  pop(): SimulatedEvent | undefined {
    const events = this.#events
    const first = events[0]
    const last = events.pop()
    if (first === undefined || last === undefined || events.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= events.length) break
      if (child + 1 < events.length && before(events[child + 1]!, events[child]!)) child++
      if (!before(events[child]!, last)) break
      events[at] = events[child]!
      at = child
    }
    events[at] = last
    return first
  }
}

function before(a: SimulatedEvent, b: SimulatedEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence)
}
