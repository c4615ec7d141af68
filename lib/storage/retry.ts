/**
 * Wrappers that repeat a failed call where repeating is safe: reads; what surely had no effect; object puts and deletes
 * whatever became of them. An item write of unknown outcome is never repeated here: the caller must look first.
 * Bounded in attempts and in time; exponential backoff with full jitter.
 */
import { type Clock, drawFraction, type Random } from '../base/index.ts'
import { type ItemStore, type ObjectStore, StoreError } from './ports.ts'

export interface RetryOptions {
  readonly clock: Clock
  readonly random: Random
  /** Calls of the store for one call of the wrapper. Default 6. */
  readonly attemptsMax?: number
  /** The first pause is drawn from 0 to this, the next from 0 to twice as much, and so on. Default 25 ms. */
  readonly pauseMs?: number
  /** No pause is longer. Default 1,000 ms. */
  readonly pauseMsMax?: number
  /** No attempt begins later than this after the first. Default 10,000 ms. */
  readonly totalMs?: number
}

export interface ObjectRetryOptions extends RetryOptions {
  /**
   * Nobody else ever puts under a key of ours: a key found taken after an attempt of unknown outcome was taken by that
   * attempt, and the answer is `created`. Without it the answer is `exists`, and the caller decides.
   */
  readonly uniqueKeys: boolean
}

export function retryObjects(store: ObjectStore, options: ObjectRetryOptions): ObjectStore {
  const attempt = new Retry(options)
  const put = async (call: () => Promise<'created' | 'exists'>) => {
    let mayBeOurs = false
    const outcome = await attempt.run(call, error => {
      mayBeOurs ||= error.effect === 'unknown'
      return isTransient(error)
    })
    return outcome === 'exists' && mayBeOurs && options.uniqueKeys ? 'created' : outcome
  }
  return {
    put: (key, parts, options) => put(() => store.put(key, parts, options)),
    putStream: (key, open, options) => put(() => store.putStream(key, open, options)),
    get: (key, range, allocate) => attempt.run(() => store.get(key, range, allocate), isTransient),
    list: (prefix, page) => attempt.run(() => store.list(prefix, page), isTransient),
    delete: keys => attempt.run(() => store.delete(keys), isTransient),
    ...(store.unfinishedPuts && { unfinishedPuts: store.unfinishedPuts }),
    close: () => store.close(),
  }
}

export function retryItems(store: ItemStore, options: RetryOptions): ItemStore {
  const attempt = new Retry(options)
  return {
    get: key => attempt.run(() => store.get(key), isTransient),
    query: (pk, query) => attempt.run(() => store.query(pk, query), isTransient),
    write: operations =>
      attempt.run(
        () => store.write(operations),
        error => isTransient(error) && error.effect === 'none',
      ),
    close: () => store.close(),
  }
}

/** Worth another try: not refused for what it asks. */
function isTransient(error: StoreError): boolean {
  return error.code !== 'STORE_REFUSED'
}

/** The loop alone, also for adapters that know more about what is safe. */
export class Retry {
  readonly #options: Required<RetryOptions>

  constructor(options: RetryOptions) {
    this.#options = { attemptsMax: 6, pauseMs: 25, pauseMsMax: 1_000, totalMs: 10_000, ...options }
  }

  /**
   * Calls `call` until it succeeds, `mayRepeat` declines the error, or the bounds are met; then throws the last error.
   * After one attempt of unknown outcome the whole is of unknown outcome, whatever came of the others.
   */
  async run<T>(call: () => Promise<T>, mayRepeat: (error: StoreError) => boolean): Promise<T> {
    const { clock, attemptsMax, totalMs } = this.#options
    const deadline = clock.monotonic() + totalMs
    let uncertain = false
    for (let attempt = 1; ; attempt++) {
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof StoreError)) throw error
        const pauseMs = this.#drawPause(attempt)
        if (mayRepeat(error) && attempt < attemptsMax && clock.monotonic() + pauseMs <= deadline) {
          uncertain ||= error.effect === 'unknown'
          await clock.sleep(pauseMs)
        } else {
          throw uncertain && error.effect === 'none' ? uncertainOutcome(error) : error
        }
      }
    }
  }

  #drawPause(attempt: number): number {
    const { random, pauseMs, pauseMsMax } = this.#options
    return drawFraction(random) * Math.min(pauseMsMax, pauseMs * 2 ** (attempt - 1))
  }
}

function uncertainOutcome(last: StoreError): StoreError {
  const message = `an attempt had no answer, and the last one failed: ${last.message}`
  return new StoreError('STORE_OUTCOME_UNKNOWN', message, { cause: last })
}
