/**
 * The memory of answers that hold records, of all requests together: from before they are read until their readers have taken
 * them. Where there is little left, less is read at once; where there is none, a request waits a moment, for those who only read have
 * soon done, and is refused if slow readers fill it.
 */
import { type Clock, OverloadedError } from '../base/index.ts'
import type { HttpLimits } from './limits.ts'

/** One reservation is at most this part of what is left, and at least that part of all: many can have some. */
const LARGEST_SHARE = 8
const SMALLEST_SHARE = 128
/** An answer goes out in pieces of so many bytes, as fast as its reader takes them. */
const PIECE_BYTES = 64 * 1_024

export interface AnswerMemoryOptions {
  readonly clock: Clock
  readonly limits: Pick<HttpLimits, 'answersBytesMax' | 'answerRoomMs'>
}

export class AnswerMemory {
  readonly #clock: Clock
  readonly #bytesMax: number
  readonly #roomMs: number
  #bytes = 0
  #room = Promise.withResolvers<void>()

  constructor({ clock, limits }: AnswerMemoryOptions) {
    this.#clock = clock
    this.#bytesMax = limits.answersBytesMax
    this.#roomMs = limits.answerRoomMs
  }

  /** Counts up to `wanted` bytes, and says how many. @throws OverloadedError */
  async reserve(wanted: number, signal: AbortSignal): Promise<number> {
    const least = this.#bytesMax / SMALLEST_SHARE
    const deadline = this.#clock.monotonic() + this.#roomMs
    while (this.#bytesMax - this.#bytes < least) {
      const leftMs = deadline - this.#clock.monotonic()
      if (leftMs <= 0 || signal.aborted) throw usedUp()
      const over = new AbortController()
      await Promise.race([this.#room.promise, this.#clock.sleep(leftMs, AbortSignal.any([signal, over.signal]))])
      over.abort()
    }
    const share = Math.floor(Math.max(least, (this.#bytesMax - this.#bytes) / LARGEST_SHARE))
    const granted = Math.min(wanted, share)
    this.#bytes += granted
    return granted
  }

  /** In the place of what was counted before; `mayRefuse`: nothing is lost if there is no room. @throws OverloadedError */
  recount(before: number, bytes: number, { mayRefuse }: { readonly mayRefuse: boolean }): void {
    if (mayRefuse && this.#bytes - before + bytes > this.#bytesMax) throw usedUp()
    this.#bytes += bytes - before
    if (bytes < before) this.#announceRoom()
  }

  #announceRoom(): void {
    this.#room.resolve()
    this.#room = Promise.withResolvers()
  }
}

/** What one answer holds of it. */
export class AnswerHold {
  readonly #memory: AnswerMemory
  readonly #signal: AbortSignal
  #bytes = 0

  /** `signal`: the caller is gone, or the process shuts down. */
  constructor(memory: AnswerMemory, signal: AbortSignal) {
    this.#memory = memory
    this.#signal = signal
  }

  /**
   * A read of up to `wanted` bytes, or of as many as there is room for. What it found is held; what was held before is not any more.
   * @throws OverloadedError, what `read` throws
   */
  async read<T extends { readonly bytes: number }>(wanted: number, read: (bytesMax: number) => Promise<T>): Promise<T> {
    this.release()
    const granted = await this.#memory.reserve(wanted, this.#signal)
    this.#hold(granted)
    try {
      const found = await read(granted)
      // It is there already: a first record comes whatever its size.
      this.#recount(found.bytes, { mayRefuse: false })
      return found
    } catch (error) {
      this.release()
      throw error
    }
  }

  /** The answer, in pieces, held until the last is taken. @throws OverloadedError */
  respond(body: string | Buffer, headers: Readonly<Record<string, string>>): Response {
    let left = Buffer.from(body)
    this.#recount(left.length, { mayRefuse: true })
    const end = () => {
      left = Buffer.alloc(0)
      this.release()
    }
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: controller => {
          // A copy: what waits in a socket must not keep all of the answer.
          if (left.length > 0) controller.enqueue(Buffer.from(left.subarray(0, PIECE_BYTES)))
          left = left.subarray(PIECE_BYTES)
          if (left.length > 0) return
          end()
          controller.close()
        },
        cancel: end,
      },
      { highWaterMark: 0 },
    )
    return new Response(stream, { headers })
  }

  readonly release = (): void => {
    this.#recount(0, { mayRefuse: false })
  }

  #recount(bytes: number, options: { readonly mayRefuse: boolean }): void {
    this.#memory.recount(this.#bytes, bytes, options)
    this.#hold(bytes)
  }

  /** Node keeps a signal that somebody listens to, and whether the process shuts down is asked for ever: so only while something is held. */
  #hold(bytes: number): void {
    this.#bytes = bytes
    if (bytes > 0) this.#signal.addEventListener('abort', this.release)
    else this.#signal.removeEventListener('abort', this.release)
  }
}

function usedUp(): OverloadedError {
  return new OverloadedError('answers that others have not taken yet fill the memory that there is for them: try again')
}
