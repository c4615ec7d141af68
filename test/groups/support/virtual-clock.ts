import type { Clock } from '../../../lib/base/index.ts'

interface Sleeper {
  readonly at: number
  wake(): void
}

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  #time = 0
  readonly #sleepers = new Set<Sleeper>()

  now(): number {
    return 1_800_000_000_000 + this.#time
  }

  monotonic(): number {
    return this.#time
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal?.aborted) return resolve()
      const sleeper = {
        at: this.#time + ms,
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal?.removeEventListener('abort', sleeper.wake)
          resolve()
        },
      }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', sleeper.wake)
    })
  }

  /** Lets `ms` pass: wakes sleepers one after the other, and lets each finish what it can. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms
    await settled()
    for (;;) {
      let next: Sleeper | undefined
      for (const sleeper of this.#sleepers) if (!next || sleeper.at < next.at) next = sleeper
      if (!next || next.at > end) break
      this.#time = Math.max(this.#time, next.at)
      next.wake()
      await settled()
    }
    this.#time = end
  }

  /** Time jumps as for a process that was frozen: who should have woken meanwhile wakes late, when time passes again. */
  jump(ms: number): void {
    this.#time += ms
  }
}

/** Everything that can go on without time passing has gone on. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
