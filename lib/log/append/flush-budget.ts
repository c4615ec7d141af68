/**
 * When to flush: latency is bought, and this is the purse. A flush costs, not its bytes, so a token bucket in dollars lets
 * a lone append go at once while there is money, and makes appends gather when there is none.
 */
import type { Clock } from '../../base/index.ts'

const MONTH_MS = 30 * 24 * 3_600_000
/** The purse holds the budget of this long: a burst after a quiet spell flows freely. */
const PURSE_MS = 10 * 60_000
/** However poor the purse, nothing gathers for longer. */
export const GATHER_MS_MAX = 1_000

export class FlushBudget {
  readonly #clock: Clock
  readonly #dollarsPerMs: number
  readonly #capacity: number
  #dollars: number
  #filledAt: number

  /** `dollarsPerMonth` Infinity: the stores cost nothing. */
  constructor(clock: Clock, dollarsPerMonth: number) {
    this.#clock = clock
    this.#dollarsPerMs = dollarsPerMonth / MONTH_MS
    this.#capacity = this.#dollarsPerMs * PURSE_MS
    this.#dollars = this.#capacity
    this.#filledAt = clock.monotonic()
  }

  get unlimited(): boolean {
    return this.#dollarsPerMs === Number.POSITIVE_INFINITY
  }

  /** May overdraw, by as much as the purse holds: full segments do not wait for money. */
  spend(dollars: number): void {
    if (this.unlimited) return
    this.#fill()
    this.#dollars = Math.max(-this.#capacity, this.#dollars - dollars)
  }

  /** Ms until there is money again, at most GATHER_MS_MAX; 0: go at once. */
  waitMs(): number {
    if (this.unlimited) return 0
    this.#fill()
    if (this.#dollars > 0) return 0
    if (this.#dollarsPerMs === 0) return GATHER_MS_MAX
    return Math.min(GATHER_MS_MAX, Math.ceil(-this.#dollars / this.#dollarsPerMs) + 1)
  }

  #fill(): void {
    const now = this.#clock.monotonic()
    this.#dollars = Math.min(this.#capacity, this.#dollars + (now - this.#filledAt) * this.#dollarsPerMs)
    this.#filledAt = now
  }
}
