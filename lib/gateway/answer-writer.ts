/**
 * Sends answers over one socket, in order and without copying (but for the smallest): a MiB at a time, less while memory is scarce, so
 * that what the client has taken is known and given back to the memory budget as it goes. Answers that are ready at the same moment go
 * in one call.
 */
import type { Socket } from 'node:net'
import { joinBytes, type Turns } from '../base/index.ts'
import type { MemoryBudget } from './memory-budget.ts'

const pieceBytes = 256 * 1_024
const writtenAtOnceBytes = 4 * pieceBytes
/** Less is copied together: the system takes one piece with less ado than many. */
const joinedBytesMax = 4 * 1024

interface Piece {
  readonly bytes: Uint8Array
  /** Called when the system has taken these bytes and all before them. */
  onTaken: (() => void) | undefined
}

export class AnswerWriter {
  readonly #socket: Socket
  readonly #budget: MemoryBudget
  readonly #turns: Turns
  readonly #onProgress: () => void
  #waiting: Piece[] = []
  #unsent = 0
  #inSocket = 0
  #writeScheduled = false

  /** `onProgress` is called whenever the client took something. */
  constructor(
    socket: Socket,
    { budget, turns }: { readonly budget: MemoryBudget; readonly turns: Turns },
    onProgress: () => void,
  ) {
    this.#socket = socket
    this.#budget = budget
    this.#turns = turns
    this.#onProgress = onProgress
  }

  /** Bytes that the operating system has not taken yet. */
  get unsent(): number {
    return this.#unsent
  }

  /**
   * The parts, some bytes in all, must not change until `onSent` is called, which it is not if the connection breaks. Their
   * bytes are counted in the budget already.
   */
  send(parts: readonly Uint8Array[], onSent?: () => void): void {
    const before = this.#waiting.length
    for (const part of parts) {
      this.#unsent += part.length
      for (let from = 0; from < part.length; from += pieceBytes) {
        const bytes = part.length <= pieceBytes ? part : part.subarray(from, from + pieceBytes)
        this.#waiting.push({ bytes, onTaken: undefined })
      }
    }
    if (this.#waiting.length > before) this.#waiting.at(-1)!.onTaken = onSent
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
    // Where memory is scarce, a slow client that does take something must be seen to.
    const bytesMax = this.#budget.isExhausted ? pieceBytes : writtenAtOnceBytes
    for (const piece of this.#waiting) {
      if (count > 0 && bytes + piece.bytes.length > bytesMax) break
      bytes += piece.bytes.length
      count++
    }
    const pieces = this.#waiting.splice(0, count)
    this.#inSocket = bytes
    const taken = (error: Error | null | undefined) => this.#taken(pieces, bytes, error)
    if (pieces.length === 1 || bytes <= joinedBytesMax) {
      this.#socket.write(joinBytes(pieces.map(piece => piece.bytes)), taken)
      return
    }
    this.#socket.cork()
    for (const [index, piece] of pieces.entries()) {
      if (index < count - 1) this.#socket.write(piece.bytes)
      else this.#socket.write(piece.bytes, taken)
    }
    this.#socket.uncork()
  }

  #taken(pieces: readonly Piece[], bytes: number, error: Error | null | undefined): void {
    if (error || this.#unsent === 0) return
    this.#inSocket = 0
    this.#unsent -= bytes
    this.#budget.give(bytes)
    for (const { onTaken } of pieces) onTaken?.()
    this.#onProgress()
    this.#writeRest()
  }

  /** Long answers are sent in turns with all that is ready: the first piece goes at once. */
  #writeRest(): void {
    if (this.#waiting.length === 0) return
    const turn = this.#turns.take(writtenAtOnceBytes)
    if (turn) void turn.then(() => this.#write())
    else this.#write()
  }
}
