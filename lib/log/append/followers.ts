/**
 * Waits for who was just answered. A client that keeps several requests in flight sends the next as soon as one is answered: a
 * segment that goes off the moment a commit ends holds half of what the client has in flight, and the other half waits for a commit
 * of its own, which costs as much as one for all. So for some milliseconds after a commit the segment waits until there are as many
 * batches as there were: about three times what a busy client of five requests was seen to take to send them again. An append
 * that comes alone never waits, and who waited in vain does so ever more seldom.
 */
import type { Clock } from '../../base/index.ts'

const WAIT_MS_MAX = 4
/** Commits without waiting after the first time in vain; twice as many after each further time, up to the bound. */
const PAUSE_FIRST = 4
const PAUSE_MAX = 1_024

export class Followers {
  readonly #clock: Clock
  /** So many batches are waited for, */
  #expected = 0
  /** until then; monotonic, ms. */
  #until = Number.NEGATIVE_INFINITY
  #waited = false
  #pause = 0
  #pausedFor = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A commit ended that `answered` so many batches, while so many others have come already. */
  expect(answered: number, gathered: number): void {
    this.#expected = 0
    if (this.#pausedFor > 0) {
      this.#pausedFor--
      return
    }
    this.#expected = answered + gathered
    this.#waited = false
    this.#until = this.#clock.monotonic() + WAIT_MS_MAX
  }

  /** How long a segment with so many batches should wait for more. */
  waitMs(gathered: number): number {
    if (this.#expected <= 1) return 0
    const leftMs = this.#until - this.#clock.monotonic()
    if (gathered < this.#expected && leftMs > 0) {
      this.#waited = true
      return leftMs
    }
    if (this.#waited) this.#learn(gathered >= this.#expected)
    this.#expected = 0
    return 0
  }

  #learn(came: boolean): void {
    this.#pause = came ? 0 : Math.min(PAUSE_MAX, Math.max(PAUSE_FIRST, this.#pause * 2))
    this.#pausedFor = this.#pause
  }
}
