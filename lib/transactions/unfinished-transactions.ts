/**
 * The transactions that this process has seen under way, and when to look at each again: when its timeout has passed on
 * this process's own clock since it was first seen here (wall clocks may be wrong), or soon, where it could not be
 * finished. What is not seen to end here is read once when it is due; nothing is read or written else.
 */
import type { Clock } from '../base/index.ts'
import { RETRY_MS, UNFINISHED_MAX, WATCH_PAUSE_MAX_MS } from './settings.ts'
import type { TransactionDocument } from './transaction-document.ts'

export interface Unfinished {
  readonly transactionalId: string
  readonly transaction: number
}

export class UnfinishedTransactions {
  readonly #clock: Clock
  readonly #due = new Map<string, { readonly transaction: number; readonly at: number }>()
  #alarmAt = Number.POSITIVE_INFINITY
  #alarm = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  see(transactionalId: string, { state, transaction, timeoutMs }: TransactionDocument): void {
    if (state === 'Ongoing') {
      if (this.#due.get(transactionalId)?.transaction !== transaction)
        this.#watch(transactionalId, transaction, timeoutMs)
    } else if (state !== 'PrepareCommit' && state !== 'PrepareAbort') {
      this.#due.delete(transactionalId)
    }
  }

  retry(transactionalId: string, transaction: number): void {
    this.#watch(transactionalId, transaction, RETRY_MS)
  }

  /** Waits until some are due, or `signal` aborts and `wake` is called, and forgets them: whoever takes them resolves or sees them again. */
  async takeDue(signal: AbortSignal): Promise<Unfinished[]> {
    while (!signal.aborted) {
      const now = this.#clock.monotonic()
      const due = [...this.#due].filter(([, { at }]) => at <= now)
      for (const [transactionalId] of due) this.#due.delete(transactionalId)
      if (due.length > 0) return due.map(([transactionalId, { transaction }]) => ({ transactionalId, transaction }))
      this.#alarmAt = now + WATCH_PAUSE_MAX_MS
      for (const { at } of this.#due.values()) this.#alarmAt = Math.min(this.#alarmAt, at)
      this.#alarm = new AbortController()
      await this.#clock.sleep(Math.max(this.#alarmAt - now, 1), this.#alarm.signal)
    }
    return []
  }

  wake(): void {
    this.#alarm.abort()
  }

  #watch(transactionalId: string, transaction: number, afterMs: number): void {
    if (this.#due.size >= UNFINISHED_MAX && !this.#due.has(transactionalId)) return
    const at = this.#clock.monotonic() + afterMs
    this.#due.set(transactionalId, { transaction, at })
    if (at < this.#alarmAt) this.wake()
  }
}
