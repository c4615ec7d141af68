/**
 * Waiting for records. Own commits wake the waiters at once; for those of other processes the head is polled while
 * somebody waits: quickly when it changed a moment ago, ever more slowly when nothing happens, and within the budget.
 */
import type { Clock, Logger } from '../../base/index.ts'
import type { FlushBudget } from '../append/flush-budget.ts'
import type { Shard } from '../head/shard.ts'

const POLL_MS_MIN = 25
const POLL_MS_MAX = 500
/** A head quiet for n times as long is polled n times as seldom. */
const POLLS_PER_QUIET_TIME = 20

export interface WatcherParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly budget: FlushBudget
  /** List price in dollars of one strong read of a head. */
  readonly priceOfPoll: number
}

/** Polls one shard's head as long as the shard has listeners. */
export class ShardWatcher {
  readonly #shard: Shard
  readonly #parts: WatcherParts
  #polling = false

  constructor(shard: Shard, parts: WatcherParts) {
    this.#shard = shard
    this.#parts = parts
  }

  /** Calls `listener` when the head changes, until the returned function is called. */
  watch(listener: () => void): () => void {
    const stop = this.#shard.listen(listener)
    if (!this.#polling) void this.#poll()
    return stop
  }

  async #poll(): Promise<void> {
    this.#polling = true
    while (this.#shard.listeners > 0 && this.#shard.state) {
      await this.#parts.clock.sleep(this.#intervalMs())
      if (this.#shard.listeners === 0) break
      this.#parts.budget.spend(this.#parts.priceOfPoll)
      try {
        await this.#shard.refresh()
      } catch (error) {
        this.#parts.logger.warn('head unreadable', { topicId: this.#shard.topicId, error: String(error) })
      }
    }
    this.#polling = false
  }

  #intervalMs(): number {
    const quietMs = this.#parts.clock.monotonic() - this.#shard.changedAt
    const wanted = Math.min(POLL_MS_MAX, Math.max(POLL_MS_MIN, quietMs / POLLS_PER_QUIET_TIME))
    return Math.max(wanted, this.#parts.budget.waitMs())
  }
}
