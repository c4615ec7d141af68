/**
 * Waits for who was just answered. A client that keeps several requests in flight sends the next as soon as one is answered: a
 * segment that goes off the moment a commit ends holds half of what the client has in flight, and the other half waits for a commit
 * of its own, which costs as much as one for all. So after a commit the segment waits a little until as many batches have come
 * as were answered. An append that comes alone never waits, and who waited in vain does so ever more seldom.
 *
 * Idempotent producers say who they are: then only those who were answered are waited for, and longer, about three times what a
 * busy client of five requests was seen to take to send them again. Of others whoever comes counts, which at a brisk pace is always
 * somebody: a long wait would slow them all down.
 */
import type { Clock } from '../../base/index.ts'

const PRODUCER_WAIT_MS_MAX = 4
const ANYONE_WAIT_MS_MAX = 1
/** Commits without waiting after the first time in vain; twice as many after each further time, up to the bound. */
const PAUSE_FIRST = 4
const PAUSE_MAX = 1_024

export class Followers {
  readonly #clock: Clock
  /** So many batches are waited for, */
  #missing = 0
  /** of these producers; undefined: of anyone; */
  #producers: ReadonlySet<number> | undefined
  /** until then; monotonic, ms. */
  #until = Number.NEGATIVE_INFINITY
  #expecting = false
  #waited = false
  #pause = 0
  #pausedFor = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A commit ended that answered batches of these producers (-1: unknown), while `gathered` others have come already. */
  expect(answered: readonly number[], gathered: number): void {
    this.#expecting = false
    if (this.#pausedFor > 0) {
      this.#pausedFor--
      return
    }
    if (answered.length + gathered <= 1) return
    const areKnown = answered.every(producerId => producerId >= 0)
    this.#expecting = true
    this.#waited = false
    this.#missing = answered.length
    this.#producers = areKnown ? new Set(answered) : undefined
    this.#until = this.#clock.monotonic() + (areKnown ? PRODUCER_WAIT_MS_MAX : ANYONE_WAIT_MS_MAX)
  }

  /** A batch of this producer (-1: unknown) came. */
  came(producerId: number): void {
    if (this.#expecting && (!this.#producers || this.#producers.has(producerId))) this.#missing--
  }

  /** How long the segment should wait for more. */
  waitMs(): number {
    if (!this.#expecting) return 0
    const leftMs = this.#until - this.#clock.monotonic()
    if (this.#missing > 0 && leftMs > 0) {
      this.#waited = true
      return leftMs
    }
    this.#expecting = false
    if (this.#waited) this.#learn(this.#missing <= 0)
    return 0
  }

  #learn(came: boolean): void {
    this.#pause = came ? 0 : Math.min(PAUSE_MAX, Math.max(PAUSE_FIRST, this.#pause * 2))
    this.#pausedFor = this.#pause
  }
}
