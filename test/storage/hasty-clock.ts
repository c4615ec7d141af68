import { setImmediate as turn } from 'node:timers/promises'
import { type Clock, systemClock } from '../../lib/base/index.ts'

/** Pauses between attempts. */
const SHORT_MS_MAX = 1_000

/** Its short sleeps take a turn, its long ones end when the test says so. */
export class HastyClock implements Clock {
  readonly now = systemClock.now
  readonly monotonic = systemClock.monotonic
  readonly #sleepers = new Set<() => void>()

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= SHORT_MS_MAX) {
      await turn()
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#sleepers.add(resolve)
    signal?.addEventListener('abort', () => resolve())
    await promise
    this.#sleepers.delete(resolve)
  }

  /** Ends the long sleeps, once there is one. */
  async endLongSleeps(): Promise<void> {
    while (this.#sleepers.size === 0) await turn()
    for (const wake of this.#sleepers) wake()
  }
}
