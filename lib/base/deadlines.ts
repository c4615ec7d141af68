/**
 * Ends the waiting of callers whose time is over, whatever the stores do: one clock for all of them, which ticks only
 * while somebody waits.
 */
import type { Clock } from './clock.ts'

/** An answer may be late by this much. */
const TICK_MS = 500

export class Deadlines {
  readonly #clock: Clock
  readonly #waiting = new Set<{ readonly deadline: number; readonly expire: () => void }>()
  #ticking = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `expire` once `deadline` (monotonic, ms) is past, unless the returned function is called before. */
  add(deadline: number, expire: () => void): () => void {
    const one = { deadline, expire }
    this.#waiting.add(one)
    if (!this.#ticking) void this.#tick()
    return () => this.#waiting.delete(one)
  }

  async #tick(): Promise<void> {
    this.#ticking = true
    while (this.#waiting.size > 0) {
      await this.#clock.sleep(TICK_MS)
      const now = this.#clock.monotonic()
      for (const one of this.#waiting) {
        if (one.deadline > now) continue
        this.#waiting.delete(one)
        one.expire()
      }
    }
    this.#ticking = false
  }
}
