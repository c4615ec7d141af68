/**
 * Sees to the transactions that other gateways have left: once at the start, and again whenever the live gateways are
 * others than before, of the transactional ids that this gateway coordinates then. Costs nothing while nothing changes.
 */
import type { Clock, Logger } from '../base/index.ts'
import type { Transactions } from '../transactions/index.ts'
import type { Cluster } from './cluster.ts'
import { isCoordinator } from './coordination.ts'

export interface TransactionTakeoverOptions {
  readonly transactions: Transactions
  readonly cluster: Cluster
  readonly clock: Clock
  readonly logger: Logger
}

const lookMs = 2_000

export class TransactionTakeover {
  readonly #options: TransactionTakeoverOptions
  readonly #closing = new AbortController()
  readonly #looking: Promise<void>

  constructor(options: TransactionTakeoverOptions) {
    this.#options = options
    this.#looking = this.#keepLooking()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#looking
  }

  async #keepLooking(): Promise<void> {
    const { transactions, cluster, clock, logger } = this.#options
    const { signal } = this.#closing
    let known = ''
    while (!signal.aborted) {
      const gateways = cluster.gateways().map(({ nodeId }) => nodeId)
      const live = gateways.join()
      if (live !== known) {
        try {
          await transactions.takeOver(transactionalId => isCoordinator(transactionalId, cluster))
          known = live
        } catch (error) {
          logger.warn('transactions not taken over', { error: String(error) })
        }
      }
      await clock.sleep(lookMs, signal)
    }
  }
}
