/**
 * Memory that is used again. What Node allocates for bytes lies outside V8's heap, and V8 looks for garbage everywhere
 * whenever some 40 MiB of it are new: who reads a log from end to end pays more for that than for the reading.
 *
 * Memory comes back when nobody holds it any more. Who cannot say when it is done with it has it for good (`abandon`), and
 * then the garbage collector takes it: a holder that is forgotten costs speed, never bytes that change under a reader.
 */
import { invariant } from './errors.ts'

export interface BytesPoolOptions {
  /** What waits to be used again takes at most so much. */
  readonly idleBytesMax: number
  /** Shorter ones are not worth the counting, and are allocated as ever. */
  readonly bytesMin: number
}

/** Sizes are rounded up to the next of so many between a power of two and the next. */
const SIZES_PER_POWER = 4

export class BytesPool {
  readonly #options: BytesPoolOptions
  /** By size; the size that was asked for last comes last. */
  readonly #idle = new Map<number, Buffer[]>()
  #idleBytes = 0

  constructor(options: BytesPoolOptions) {
    this.#options = options
  }

  /** Bytes that wait to be used again. */
  get idleBytes(): number {
    return this.#idleBytes
  }

  /** Memory of `length` bytes, whatever is in it, held by the caller; undefined where that is too short for the pool. */
  take(length: number): PooledBytes | undefined {
    if (length < this.#options.bytesMin) return undefined
    const size = roundUp(length)
    const ofSize = this.#idle.get(size) ?? []
    this.#idle.delete(size)
    this.#idle.set(size, ofSize)
    const idle = ofSize.pop()
    if (idle) this.#idleBytes -= size
    const whole = idle ?? Buffer.allocUnsafeSlow(size)
    return new PooledBytes(whole.subarray(0, length), () => this.takeBack(whole))
  }

  /** Nobody holds this memory any more. What was asked for longer ago makes room for it. */
  protected takeBack(whole: Buffer): void {
    const size = whole.length
    if (size > this.#options.idleBytesMax) return
    for (const [other, idle] of this.#idle) {
      if (other === size) break
      while (idle.length > 0 && this.#idleBytes + size > this.#options.idleBytesMax) {
        idle.pop()
        this.#idleBytes -= other
      }
    }
    if (this.#idleBytes + size > this.#options.idleBytesMax) return
    this.#idleBytes += size
    this.#idle.get(size)!.push(whole)
  }
}

/** The memory of one attempt to read something: it is not known before which part of it, if any, will have the answer. */
export class Allocation {
  readonly #pool: BytesPool
  readonly #taken: PooledBytes[] = []

  constructor(pool: BytesPool) {
    this.#pool = pool
  }

  readonly allocate = (length: number): Uint8Array => {
    const memory = this.#pool.take(length)
    if (!memory) return Buffer.allocUnsafeSlow(length)
    this.#taken.push(memory)
    return memory.bytes
  }

  /** The memory that `answer` lies in, if it is from here. What else was taken may still be written to, and is left alone. */
  holding(answer: Uint8Array): PooledBytes | undefined {
    return this.#taken.find(({ bytes }) => bytes.buffer === answer.buffer)
  }
}

export class PooledBytes {
  readonly bytes: Buffer
  readonly #free: () => void
  #holders = 1
  #isAbandoned = false

  constructor(bytes: Buffer, free: () => void) {
    this.bytes = bytes
    this.#free = free
  }

  hold(): void {
    invariant(this.#holders > 0, 'memory is held after it was given back')
    this.#holders++
  }

  /** By each who holds it, once. */
  release(): void {
    invariant(this.#holders > 0, 'memory is given back more often than it was held')
    this.#holders--
    if (this.#holders === 0 && !this.#isAbandoned) this.#free()
  }

  /** Somebody has it who will not say when it is done. */
  abandon(): void {
    this.#isAbandoned = true
  }
}

/** All that one reader has borrowed, to be given back at once. */
export class Loans {
  readonly #held: PooledBytes[] = []

  add(memory: PooledBytes): void {
    memory.hold()
    this.#held.push(memory)
  }

  /** Nothing that was read with them is looked at any more. */
  giveBack(): void {
    for (const memory of this.#held.splice(0)) memory.release()
  }
}

function roundUp(length: number): number {
  const step = 2 ** Math.floor(Math.log2(length)) / SIZES_PER_POWER
  return Math.ceil(Math.ceil(length / step) * step)
}
