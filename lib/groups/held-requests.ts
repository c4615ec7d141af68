/** JoinGroup and SyncGroup requests that are held open until the group can answer them. */

import type { Refusal } from './classic-group.ts'
import { GroupError, type GroupErrorCode } from './errors.ts'
import { PARKED_REQUESTS_MAX } from './settings.ts'

/** How many requests this process holds open in all its groups. */
export class Parking {
  #taken = 0

  /** @throws GroupError COORDINATOR_NOT_AVAILABLE when full */
  checkRoom(): void {
    if (this.#taken >= PARKED_REQUESTS_MAX) {
      throw new GroupError('COORDINATOR_NOT_AVAILABLE', `${this.#taken} requests are held open`)
    }
  }

  enter(): void {
    this.#taken++
  }

  leave(): void {
    this.#taken--
  }
}

interface Held<T> {
  resolve(answer: T): void
  reject(error: GroupError): void
  forget(): void
}

export class HeldRequests<T extends object> {
  readonly #parking: Parking
  readonly #held = new Map<string, Held<T>>()

  constructor(parking: Parking) {
    this.#parking = parking
  }

  get size(): number {
    return this.#held.size
  }

  /**
   * Resolves or rejects when the member is answered, at the latest when `signal` aborts. One request for each member: an
   * older one is told to try again.
   */
  hold(memberId: string, signal?: AbortSignal): Promise<T> {
    this.answer(memberId, { error: 'REBALANCE_IN_PROGRESS', memberId })
    this.#parking.enter()
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        if (this.#held.get(memberId) === held) this.answer(memberId, { error: 'COORDINATOR_NOT_AVAILABLE', memberId })
      }
      const held: Held<T> = { resolve, reject, forget: () => signal?.removeEventListener('abort', giveUp) }
      this.#held.set(memberId, held)
      if (signal?.aborted) giveUp()
      else signal?.addEventListener('abort', giveUp)
    })
  }

  answer(memberId: string, answer: T | Refusal): void {
    const held = this.#held.get(memberId)
    if (!held) return
    this.#held.delete(memberId)
    this.#parking.leave()
    held.forget()
    if (isRefusal(answer)) held.reject(refusalError(answer))
    else held.resolve(answer)
  }

  refuseAll(error: GroupErrorCode): void {
    for (const memberId of [...this.#held.keys()]) this.answer(memberId, { error, memberId })
  }
}

export function isRefusal(answer: object): answer is Refusal {
  return 'error' in answer
}

export function refusalError({ error, memberId }: Refusal): GroupError {
  return new GroupError(error, `member '${memberId}': ${error}`, { memberId })
}
