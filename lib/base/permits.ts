import { OverloadedError } from './mailbox.ts'

/** Up to so many pieces of work at once; the others wait, and begin in the order sent. */
export class Permits {
  readonly #waitingMax: number
  readonly #waiting: (() => void)[] = []
  #free: number

  /** `waitingMax`: how much work may wait before `run` answers OverloadedError. */
  constructor(atOnce: number, waitingMax = 100_000) {
    this.#free = atOnce
    this.#waitingMax = waitingMax
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await this.#wait()
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) throw new OverloadedError(`${this.#waiting.length} requests wait`)
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}
