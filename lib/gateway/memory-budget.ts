/** One reservation is at most this part of what is left, and at least this part of all: many can have some. */
const largestShare = 8
const smallestShare = 128

/**
 * The memory that requests and answers of all connections may hold together. It is counted as bytes arrive, not as
 * they are announced. When it is used up, connections stop reading large frames, fetches wait for room, and one
 * connection at a time may go on receiving, so that half-received frames cannot stop each other for ever: the most
 * that is ever held is the limit, one frame, and for each connection a chunk and a small frame.
 */
export class MemoryBudget {
  readonly limit: number
  /** With less than this left, the memory counts as used up; no reservation is smaller, unless less is wanted. */
  readonly #least: number
  #used = 0
  #favoured: object | undefined
  #room: PromiseWithResolvers<void> | undefined

  constructor(limitBytes: number) {
    this.limit = limitBytes
    this.#least = limitBytes / smallestShare
  }

  get used(): number {
    return this.#used
  }

  get isExhausted(): boolean {
    return this.limit - this.#used < this.#least
  }

  /** Counts bytes that are there already. */
  take(bytes: number): void {
    this.#used += bytes
  }

  give(bytes: number): void {
    this.#used -= bytes
    if (!this.isExhausted) this.#announceRoom()
  }

  /** Counts up to `wanted` bytes before they are made, a share of what is left, and says how many; 0: used up. */
  reserve(wanted: number): number {
    const share = Math.floor(Math.max(this.#least, (this.limit - this.#used) / largestShare))
    const granted = this.isExhausted ? 0 : Math.min(wanted, share)
    this.#used += granted
    return granted
  }

  /** Whether `holder` may be the one that receives a large frame while the memory is used up; else it waits for `room`. */
  favour(holder: object): boolean {
    this.#favoured ??= holder
    return this.#favoured === holder
  }

  /** What `holder` received is dealt with, or `holder` is gone: another may be favoured. */
  release(holder: object): void {
    if (this.#favoured !== holder) return
    this.#favoured = undefined
    this.#announceRoom()
  }

  /** Resolves when there may be room again: ask again then. */
  room(): Promise<void> {
    if (!this.isExhausted) return Promise.resolve()
    this.#room ??= Promise.withResolvers<void>()
    return this.#room.promise
  }

  #announceRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}
