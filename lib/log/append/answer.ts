/**
 * The answer to an append, or to a mark: the first that is given. Its caller waits for it until a deadline; what is under way goes on after it, and
 * whoever keeps something for it (bytes that wait, a shard that must stay open) is told when it has ended. A listener costs
 * less than a promise of its own, and there are several to each batch.
 */
import type { Deadlines } from '../../base/index.ts'
import { timedOut } from '../errors.ts'

export class Answer<T> {
  /** What the caller is told: the answer, or REQUEST_TIMED_OUT at the deadline. */
  readonly told: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
  #listeners: (() => void)[] | undefined = []
  #hasFailed = false

  /** `deadline`: monotonic, ms. */
  constructor(deadlines: Deadlines, deadline: number) {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.told = promise
    this.resolve = value => {
      resolve(value)
      this.#end()
    }
    this.reject = error => {
      reject(error)
      if (this.#listeners) this.#hasFailed = true
      this.#end()
    }
    this.whenEnded(deadlines.add(deadline, () => reject(timedOut())))
  }

  get hasEnded(): boolean {
    return this.#listeners === undefined
  }

  /** It has ended, and not well. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  /** Calls `listener` once what was asked for has ended, well or not: at once where it has. */
  whenEnded(listener: () => void): void {
    if (this.#listeners) this.#listeners.push(listener)
    else listener()
  }

  #end(): void {
    const listeners = this.#listeners ?? []
    this.#listeners = undefined
    for (const listener of listeners) listener()
  }
}
