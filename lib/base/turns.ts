/**
 * Lets bulk work take turns with everything else on the one thread: up to so many bytes are worked on in one turn of the event loop,
 * and what is more waits for the next, in the order asked. Between two turns whoever asks for little is served, so a client that reads
 * a year of records does not hold up another's append for longer than one turn takes.
 */
import { inNextTurn } from './clock.ts'

export class Turns {
  readonly #bytesMax: number
  readonly #defer: (run: () => void) => void
  readonly #waiting: { readonly bytes: number; readonly begin: () => void }[] = []
  #left: number
  #isScheduled = false

  constructor(bytesMax: number, defer: (run: () => void) => void = inNextTurn) {
    this.#bytesMax = bytesMax
    this.#defer = defer
    this.#left = bytesMax
  }

  /** Undefined: at once. The last in a turn may have more bytes than are left. */
  take(bytes: number): Promise<void> | undefined {
    this.#schedule()
    if (this.#waiting.length === 0 && this.#left > 0) {
      this.#left -= bytes
      return undefined
    }
    return new Promise(begin => {
      this.#waiting.push({ bytes, begin })
    })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#defer(() => this.#next())
  }

  #next(): void {
    this.#isScheduled = false
    this.#left = this.#bytesMax
    while (this.#left > 0) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#left -= next.bytes
      next.begin()
      this.#schedule()
    }
  }
}
