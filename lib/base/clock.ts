/**
 * Time, as an argument. Nothing outside this file reads the machine's clock or starts a timer, so a simulation can
 * own time. Wall clocks may be wrong by hours (I9): only timestamps and retention may follow `now`.
 */
export interface Clock {
  /** Wall clock, in ms since 1970; may jump and may be wrong. */
  now(): number
  /** Ms since some fixed moment of this process; never goes back. Use it for durations. */
  monotonic(): number
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Runs in the event loop's next turn, when whoever is ready by then was served. */
export function inNextTurn(run: () => void): void {
  setImmediate(run)
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise(resolve => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done)
    }),
}
