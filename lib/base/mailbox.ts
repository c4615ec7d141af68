import { VarveError } from './errors.ts'

/** The mailbox of a busy owner is full: the caller should slow down and try again. */
export class OverloadedError extends VarveError {
  readonly code = 'OVERLOADED'
}

/**
 * One owner for a mutable state: work sent here runs one piece after the other, in the order sent.
 * With SingleFlight, Permits and Turns one of the few primitives of concurrency.
 */
export class Mailbox {
  readonly #limit: number
  #waiting = 0
  #unfinished = 0
  #last: Promise<unknown> = Promise.resolve()

  /** `limit`: how much work may wait before `run` answers OverloadedError. */
  constructor(limit = 100_000) {
    this.#limit = limit
  }

  /** Nothing runs and nothing waits. */
  get idle(): boolean {
    return this.#unfinished === 0
  }

  run<T>(work: () => Promise<T> | T): Promise<T> {
    if (this.#waiting >= this.#limit) return Promise.reject(new OverloadedError(`${this.#waiting} requests wait`))
    this.#waiting++
    this.#unfinished++
    const result = this.#last.then(() => {
      this.#waiting--
      return work()
    })
    const finished = () => {
      this.#unfinished--
    }
    this.#last = result.then(finished, finished)
    return result
  }
}
