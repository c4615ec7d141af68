import { type Clock, Mailbox } from '../../../base/index.ts'

/** Lets work pass at a rate: a piece waits until those before it are paid for. */
export class Throttle {
  readonly #clock: Clock
  readonly #bytesPerSecondMax: number
  readonly #turns = new Mailbox()
  #freeAt = 0

  constructor(clock: Clock, bytesPerSecondMax: number) {
    this.#clock = clock
    this.#bytesPerSecondMax = bytesPerSecondMax
  }

  pass(bytes: number): Promise<void> {
    return this.#turns.run(async () => {
      const now = this.#clock.monotonic()
      if (this.#freeAt > now) await this.#clock.sleep(this.#freeAt - now)
      this.#freeAt = Math.max(now, this.#freeAt) + (bytes * 1_000) / this.#bytesPerSecondMax
    })
  }
}
