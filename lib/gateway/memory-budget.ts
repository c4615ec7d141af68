/**
 * The memory that requests and answers of all connections may hold together. It is counted as bytes arrive, not as
 * they are announced. When it is used up, connections stop reading large frames, fetches wait for room, and one
 * connection at a time may go on receiving, so that half-received frames cannot stop each other for ever: the most
 * that is ever held is the limit, one frame, and a chunk for each connection.
 */
export class MemoryBudget {
  readonly limit: number
  #used = 0
  #favoured: object | undefined
  #room: PromiseWithResolvers<void> | undefined

  constructor(limitBytes: number) {
    this.limit = limitBytes
  }

  get used(): number {
    return this.#used
  }

  get isExhausted(): boolean {
    return this.#used >= this.limit
  }

  /** Counts bytes that are there already. */
  take(bytes: number): void {
    this.#used += bytes
  }

  give(bytes: number): void {
    this.#used -= bytes
    this.#announceRoom()
  }

  /** Counts up to `wanted` bytes before they are made, never more than half of what is left, and says how many. */
  reserve(wanted: number): number {
    const granted = Math.max(0, Math.min(wanted, Math.floor((this.limit - this.#used) / 2)))
    this.#used += granted
    return granted
  }

  /** Whether `holder` may receive more of a large frame now; where not, it waits for `room`. */
  mayReceive(holder: object): boolean {
    if (!this.isExhausted) return true
    this.#favoured ??= holder
    return this.#favoured === holder
  }

  /** `holder` has its frame, or is gone. */
  received(holder: object): void {
    if (this.#favoured !== holder) return
    this.#favoured = undefined
    this.#announceRoom(true)
  }

  /** Resolves when there may be room again: ask again then. */
  room(): Promise<void> {
    if (!this.isExhausted) return Promise.resolve()
    this.#room ??= Promise.withResolvers<void>()
    return this.#room.promise
  }

  #announceRoom(always = false): void {
    if (this.isExhausted && !always) return
    this.#room?.resolve()
    this.#room = undefined
  }
}
