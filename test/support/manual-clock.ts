import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../lib/base/index.ts'

/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  #nowMs = 0
  /** What the wall clock is ahead of the monotonic one; a test may set it wrong. */
  wallOffsetMs = 1_700_000_000_000
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>()

  now(): number {
    return this.wallOffsetMs + this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal?.aborted) return resolve()
      const wake = () => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { at: this.#nowMs + ms, wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake)
    })
  }

  /** Moves time on, waking sleepers one after the other at their moments, and lets what they do come to rest. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms
    for (;;) {
      await turn()
      const due = [...this.#sleepers].filter(sleeper => sleeper.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.#nowMs = Math.max(this.#nowMs, due.at)
      due.wake()
    }
    this.#nowMs = end
  }
}
