/**
 * Reads Kafka's primitive types from one frame. Never reads past its end, and never makes room for a length or a count
 * that the frame cannot hold: both throw ProtocolError. Bytes are given as views of the frame, not copied.
 */
import { ProtocolError } from './errors.ts'

/** Array elements of one frame, nested ones included: bounds what a small hostile frame can make of our memory. */
export const FRAME_ELEMENTS_MAX = 500_000

const HIGH_WORD_MAX = 2 ** 21
const WORD = 2 ** 32

export class Decoder {
  readonly #bytes: Buffer
  readonly #view: DataView
  #position = 0
  #end: number
  #elements = 0

  constructor(frame: Uint8Array) {
    this.#bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
    this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    this.#end = frame.byteLength
  }

  get remaining(): number {
    return this.#end - this.#position
  }

  int8(): number {
    return this.#view.getInt8(this.#take(1))
  }

  int16(): number {
    return this.#view.getInt16(this.#take(2))
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4))
  }

  /** @throws ProtocolError outside ±2^53. */
  int64(): number {
    const at = this.#take(8)
    const high = this.#view.getInt32(at)
    const value = high * WORD + this.#view.getUint32(at + 4)
    if (high >= HIGH_WORD_MAX || value < Number.MIN_SAFE_INTEGER) throw malformed('an int64 outside ±2^53')
    return value
  }

  /** Outside ±2^53 the nearest safe integer. */
  int64Clamped(): number {
    const at = this.#take(8)
    const value = this.#view.getInt32(at) * WORD + this.#view.getUint32(at + 4)
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2))
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4))
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8))
  }

  boolean(): boolean {
    return this.#view.getInt8(this.#take(1)) !== 0
  }

  /** Unsigned LEB128 of up to 32 bits. */
  varint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 28; scale *= 0x80) {
      const byte = this.#view.getUint8(this.#take(1))
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (value >= WORD) break
        return value
      }
    }
    throw malformed('a varint above 32 bits')
  }

  /** 16 bytes as 32 lower-case hex digits. */
  uuid(): string {
    const at = this.#take(16)
    return this.#bytes.toString('hex', at, at + 16)
  }

  string(length: number): string {
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining)
  }

  skip(length: number): void {
    this.#take(length)
  }

  /** Checks an array's count against the bytes that are left, `minimumBytes` being the least that one element takes. */
  expectElements(count: number, minimumBytes: number): void {
    if (count * minimumBytes > this.remaining) throw malformed(`${count} elements in ${this.remaining} bytes`)
    this.#elements += count
    if (this.#elements > FRAME_ELEMENTS_MAX) throw malformed(`more than ${FRAME_ELEMENTS_MAX} elements in a frame`)
  }

  /** Runs `read`, which must use up exactly the next `length` bytes. */
  within<T>(length: number, read: (decoder: Decoder) => T): T {
    if (length > this.remaining) throw malformed(`need ${length} bytes, have ${this.remaining}`)
    const outerEnd = this.#end
    this.#end = this.#position + length
    const value = read(this)
    if (this.#position !== this.#end) throw malformed(`${this.remaining} bytes too many in a tagged field`)
    this.#end = outerEnd
    return value
  }

  #take(length: number): number {
    const at = this.#position
    if (length > this.#end - at) throw malformed(`need ${length} bytes, have ${this.#end - at}`)
    this.#position = at + length
    return at
  }
}

export function malformed(message: string): ProtocolError {
  return new ProtocolError('MALFORMED', message)
}
