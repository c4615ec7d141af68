/**
 * Writes whose every answer is made certain: a write says that it was done, or that it surely was not. One of unknown
 * outcome is looked for by its own version, and tried again under that same version, so that however often it arrives it
 * counts once.
 */
import { type Clock, drawFraction, type Random } from '../base/index.ts'
import { type Item, type ItemStore, StoreError, type Version, type WriteOperation } from './ports.ts'

/** How often a write of unknown outcome is looked for and tried again. */
const UNKNOWN_ATTEMPTS_MAX = 5
/** First pause before another attempt, in ms; doubles, with jitter. */
const BACKOFF_MS = 10
const DOUBLINGS_MAX = 8

/** `inTheWay`: what the first operation found, where that was what stood in the way. */
export type CertainOutcome =
  | { readonly written: true }
  | { readonly written: false; readonly inTheWay: Item | undefined }

export interface CertainWritesParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export class CertainWrites {
  readonly #items: ItemStore
  readonly #clock: Clock
  readonly #random: Random

  constructor({ items, clock, random }: CertainWritesParts) {
    this.#items = items
    this.#clock = clock
    this.#random = random
  }

  /** `operations[0]` carries `version`, by which the whole write is recognised. @throws StoreError, of effect unknown where nobody can say */
  async write(operations: readonly WriteOperation[], version: Version): Promise<CertainOutcome> {
    const outcome = await this.#settle(operations, item => item?.version === version)
    if (outcome === 'replaced') throw unknownOutcome('an earlier attempt may have been done, and replaced')
    return outcome
  }

  /** What `operations[0]` deletes and is gone already was removed: versions are never used twice. @throws StoreError as `write` */
  async remove(operations: readonly WriteOperation[]): Promise<'removed' | 'conflict'> {
    const outcome = await this.#settle(operations, item => item === undefined)
    return outcome !== 'replaced' && outcome.written ? 'removed' : 'conflict'
  }

  /** Waits before another attempt: longer each time, and not in step with others. */
  async pause(attempt: number): Promise<void> {
    await this.#clock.sleep(BACKOFF_MS * 2 ** Math.min(attempt, DOUBLINGS_MAX) * (0.5 + drawFraction(this.#random)))
  }

  /**
   * `mine` tells from what the first operation found that an earlier attempt was applied. `replaced`: something else is
   * there now, and an earlier attempt may have been there before it.
   */
  async #settle(
    operations: readonly WriteOperation[],
    mine: (item: Item | undefined) => boolean,
  ): Promise<CertainOutcome | 'replaced'> {
    let doubtful = false
    for (let attempt = 0; ; attempt++) {
      try {
        const outcome = await this.#items.write(operations)
        if (outcome.written) return { written: true }
        const first = outcome.conflicts.find(({ index }) => index === 0)
        if (first !== undefined && mine(first.item)) return { written: true }
        return doubtful ? 'replaced' : { written: false, inTheWay: first?.item }
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        if (error.effect === 'none' && !doubtful) throw error
        if (attempt >= UNKNOWN_ATTEMPTS_MAX) throw unknownOutcome(error.message, error)
        doubtful = true
      }
      await this.pause(attempt)
    }
  }
}

function unknownOutcome(why: string, cause?: StoreError): StoreError {
  return new StoreError('STORE_OUTCOME_UNKNOWN', `the outcome of a write stays unknown: ${why}`, { cause })
}
