import type { Operation, Property, Violation } from '../simulation/checker/index.ts'

/** What clients asked and were told, in the order in which it happened in this process. */
export class Chronicle {
  readonly history: Operation[] = []
  readonly violations: Violation[] = []
  readonly counters = new Map<string, number>()
  #tick = 0

  tick(): number {
    return ++this.#tick
  }

  count(name: string): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + 1)
  }

  violated(property: Property, what: string): void {
    this.violations.push({ property, what })
  }
}
