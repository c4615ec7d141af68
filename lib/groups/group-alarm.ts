/**
 * Wakes the coordinator of a group when time has something for it to do, in its turn among the requests, and not before what
 * came in while the process stood still has been read.
 */
import { type Clock, type Mailbox, OverloadedError } from '../base/index.ts'
import { ALARM_SLEEP_MS_MAX, CATCH_UP_MS, LATE_MS, RETRY_MS } from './settings.ts'

export interface AlarmOwner {
  readonly letGo: boolean
  /** Monotonic. */
  nextAlarm(): number
  /** `due`: when it should have rung. */
  ring(due: number): Promise<void>
}

export class GroupAlarm {
  readonly #clock: Clock
  readonly #mailbox: Mailbox
  #setFor = Number.NEGATIVE_INFINITY
  #retryAt = Number.NEGATIVE_INFINITY
  #sleeping = new AbortController()

  constructor(clock: Clock, mailbox: Mailbox) {
    this.#clock = clock
    this.#mailbox = mailbox
  }

  /** Resolves when the group is let go. */
  async watch(owner: AlarmOwner): Promise<void> {
    while (!owner.letGo) {
      const due = Math.max(owner.nextAlarm(), this.#retryAt)
      this.#setFor = due
      this.#sleeping = new AbortController()
      const sleepMs = Math.min(Math.max(due - this.#clock.monotonic(), 1), ALARM_SLEEP_MS_MAX)
      await this.#clock.sleep(sleepMs, this.#sleeping.signal)
      if (owner.letGo || this.#clock.monotonic() < due) continue
      // The process stood still, and heartbeats that came meanwhile have yet to be read.
      if (this.#clock.monotonic() - due > LATE_MS) await this.#clock.sleep(CATCH_UP_MS)
      await this.#ringInTurn(owner, due)
    }
  }

  /** After every change: it may have to ring earlier. */
  adjust(owner: AlarmOwner): void {
    if (owner.letGo || Math.max(owner.nextAlarm(), this.#retryAt) < this.#setFor) this.#sleeping.abort()
  }

  /** What should have been done failed: not again at once. */
  retryLater(): void {
    this.#retryAt = this.#clock.monotonic() + RETRY_MS
  }

  async #ringInTurn(owner: AlarmOwner, due: number): Promise<void> {
    try {
      await this.#mailbox.run(() => owner.ring(due))
    } catch (error) {
      if (!(error instanceof OverloadedError)) throw error
      this.retryLater()
    }
  }
}
