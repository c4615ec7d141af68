/**
 * Changes of a head that are no commits: a start moved, a fence raised, a floor. Each is a pure function that is tried on
 * every head until it is in one, or makes nothing of it because it is there already: so an answer that was lost needs no
 * more than another look.
 */
import type { Clock } from '../../base/index.ts'
import type { Head } from '../head/head.ts'

/** The head with the change; the same head: nothing is to be done (any more). What it throws is the asker's answer. */
export type HeadChange = (head: Head) => Head

export interface PendingChange {
  readonly change: HeadChange
  /** On this process's monotonic clock. */
  readonly deadline: number
  readonly resolve: (head: Head) => void
  readonly reject: (error: unknown) => void
}

export interface MadeChanges {
  readonly head: Head
  readonly made: readonly PendingChange[]
}

export class PendingChanges {
  readonly #clock: Clock
  #pending: PendingChange[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get empty(): boolean {
    return this.#pending.length === 0
  }

  add(change: HeadChange, deadline: number): Promise<Head> {
    const { promise, resolve, reject } = Promise.withResolvers<Head>()
    this.#pending.push({ change, deadline, resolve, reject })
    return promise
  }

  /** All of them made on `head`, one after the other; what has nothing to do, or throws, is answered. */
  make(head: Head): MadeChanges {
    const made: PendingChange[] = []
    let changed = head
    for (const one of this.#pending) {
      try {
        const next = one.change(changed)
        // What has nothing to do only because of another that is not written yet waits for it.
        if (next === head) one.resolve(head)
        else made.push(one)
        changed = next
      } catch (error) {
        one.reject(error)
      }
    }
    this.#pending = made
    return { head: changed, made: [...made] }
  }

  /** They are in `head`, which was written. */
  settle(made: readonly PendingChange[], head: Head): void {
    for (const one of made) one.resolve(head)
    this.#pending = this.#pending.filter(one => !made.includes(one))
  }

  /** Answers those whose time is over with `error`. */
  expire(error: () => unknown): void {
    const now = this.#clock.monotonic()
    this.#pending = this.#pending.filter(one => {
      if (one.deadline > now) return true
      one.reject(error())
      return false
    })
  }

  refuse(error: unknown): void {
    for (const one of this.#pending.splice(0)) one.reject(error)
  }
}
