/**
 * Sends answers over one socket, in order and without copying: a few hundred KiB at a time, so that what the client has
 * taken is known and given back to the memory budget as it goes. Answers that are ready at the same moment go in one call.
 */
import type { Socket } from 'node:net'
import type { MemoryBudget } from './memory-budget.ts'

const writtenAtOnceBytes = 256 * 1024

export class AnswerWriter {
  readonly #socket: Socket
  readonly #budget: MemoryBudget
  readonly #onProgress: () => void
  #waiting: Uint8Array[] = []
  #unsent = 0
  #inSocket = 0
  #writeScheduled = false

  /** `onProgress` is called whenever the client took something. */
  constructor(socket: Socket, budget: MemoryBudget, onProgress: () => void) {
    this.#socket = socket
    this.#budget = budget
    this.#onProgress = onProgress
  }

  /** Bytes that the operating system has not taken yet. */
  get unsent(): number {
    return this.#unsent
  }

  /** The parts must not change until they are sent. Their bytes are counted in the budget already. */
  send(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.#unsent += part.length
      for (let from = 0; from < part.length; from += writtenAtOnceBytes) {
        this.#waiting.push(part.length <= writtenAtOnceBytes ? part : part.subarray(from, from + writtenAtOnceBytes))
      }
    }
    if (this.#writeScheduled) return
    this.#writeScheduled = true
    // Behind all that is ready to run: it may have answers too.
    process.nextTick(() => {
      this.#writeScheduled = false
      this.#write()
    })
  }

  /** The socket is gone: nothing more will be sent. */
  drop(): void {
    this.#budget.give(this.#unsent)
    this.#unsent = 0
    this.#waiting = []
  }

  #write(): void {
    if (this.#inSocket > 0 || this.#waiting.length === 0) return
    let count = 0
    let bytes = 0
    for (const part of this.#waiting) {
      if (count > 0 && bytes + part.length > writtenAtOnceBytes) break
      bytes += part.length
      count++
    }
    const parts = this.#waiting.splice(0, count)
    this.#inSocket = bytes
    if (parts.length === 1) {
      this.#socket.write(parts[0]!, error => this.#taken(bytes, error))
      return
    }
    this.#socket.cork()
    for (const [index, part] of parts.entries()) {
      if (index < count - 1) this.#socket.write(part)
      else this.#socket.write(part, error => this.#taken(bytes, error))
    }
    this.#socket.uncork()
  }

  #taken(bytes: number, error: Error | null | undefined): void {
    if (error || this.#unsent === 0) return
    this.#inSocket = 0
    this.#unsent -= bytes
    this.#budget.give(bytes)
    this.#onProgress()
    this.#write()
  }
}
