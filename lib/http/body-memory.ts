import { OverloadedError } from '../base/index.ts'

/** The memory of bodies that are read whole, of all requests together: from their first byte until they are answered. */
export class BodyMemory {
  readonly #bytesMax: number
  readonly #held = new WeakMap<Request, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** @throws OverloadedError */
  hold(request: Request, bytes: number): void {
    if (this.#bytes + bytes > this.#bytesMax) {
      throw new OverloadedError('the bodies of other requests fill the memory that there is for them: try again')
    }
    this.#bytes += bytes
    this.#held.set(request, (this.#held.get(request) ?? 0) + bytes)
  }

  release(request: Request): void {
    this.#bytes -= this.#held.get(request) ?? 0
    this.#held.delete(request)
  }
}
