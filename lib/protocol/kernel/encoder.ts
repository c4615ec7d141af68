/**
 * Writes Kafka's primitive types into a list of parts for one gathering write. Small values go into chunks that grow;
 * a value of BY_REFERENCE_BYTES or more becomes a part itself and is not copied, so it must not change until it is sent.
 */
import { ProtocolError } from './errors.ts'

/** Byte values from this length on are not copied. */
export const BY_REFERENCE_BYTES = 1024
const FRAME_SIZE_BYTES = 4
const FIRST_CHUNK_BYTES = 512
const CHUNK_BYTES_MAX = 64 * 1024
const WORD = 2 ** 32

export class Encoder {
  readonly #parts: Uint8Array[] = []
  #chunk: Buffer
  #view: DataView
  /** Where in the chunk the part begins that is not in `#parts` yet. */
  #start = 0
  #position = 0
  #partBytes = 0

  constructor() {
    this.#chunk = Buffer.allocUnsafe(FIRST_CHUNK_BYTES)
    this.#view = viewOf(this.#chunk)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#partBytes + this.#position - this.#start
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) throw unencodable(value, 'int8')
    const at = this.#reserve(1)
    this.#view.setInt8(at, value)
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) throw unencodable(value, 'int16')
    const at = this.#reserve(2)
    this.#view.setInt16(at, value)
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw unencodable(value, 'int32')
    const at = this.#reserve(4)
    this.#view.setInt32(at, value)
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) throw unencodable(value, 'int64')
    const at = this.#reserve(8)
    this.#view.setInt32(at, Math.floor(value / WORD))
    this.#view.setUint32(at + 4, value)
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) throw unencodable(value, 'uint16')
    const at = this.#reserve(2)
    this.#view.setUint16(at, value)
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) throw unencodable(value, 'uint32')
    const at = this.#reserve(4)
    this.#view.setUint32(at, value)
  }

  float64(value: number): void {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value)
  }

  boolean(value: boolean): void {
    const at = this.#reserve(1)
    this.#view.setInt8(at, value ? 1 : 0)
  }

  /** Unsigned LEB128 of up to 32 bits. */
  varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      const at = this.#reserve(1)
      this.#view.setUint8(at, (rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    const last = this.#reserve(1)
    this.#view.setUint8(last, rest)
  }

  /** 32 hex digits. */
  uuid(value: string): void {
    const at = this.#reserve(16)
    if (value.length !== 32 || this.#chunk.write(value, at, 16, 'hex') !== 16) throw unencodable(value, 'uuid')
  }

  /** The text as UTF-8, which must be `length` bytes, without a prefix. */
  text(value: string, length: number): void {
    if (length >= BY_REFERENCE_BYTES) this.bytes(Buffer.from(value, 'utf8'))
    else {
      const at = this.#reserve(length)
      this.#chunk.write(value, at, length, 'utf8')
    }
  }

  /** Raw bytes without a prefix. */
  bytes(value: Uint8Array): void {
    if (value.length >= BY_REFERENCE_BYTES) {
      this.#closePart()
      this.#parts.push(value)
      this.#partBytes += value.length
    } else {
      const at = this.#reserve(value.length)
      this.#chunk.set(value, at)
    }
  }

  /** Everything that `other` wrote; `other` must not be used after. */
  append(other: Encoder): void {
    for (const part of other.finish()) this.bytes(part)
  }

  /** The parts in order. The encoder must not be used after. */
  finish(): Uint8Array[] {
    this.#closePart()
    return this.#parts
  }

  /** Leaves room for the frame's size; must come before everything else. */
  beginFrame(): void {
    this.#reserve(FRAME_SIZE_BYTES)
  }

  /** Like `finish`, with the size of what was written after `beginFrame` put first: what goes over a connection. */
  finishFrame(): Uint8Array[] {
    const parts = this.finish()
    viewOf(parts[0]!).setInt32(0, this.#partBytes - FRAME_SIZE_BYTES)
    return parts
  }

  #closePart(): void {
    if (this.#position === this.#start) return
    this.#parts.push(this.#chunk.subarray(this.#start, this.#position))
    this.#partBytes += this.#position - this.#start
    this.#start = this.#position
  }

  #reserve(length: number): number {
    if (this.#position + length > this.#chunk.length) {
      this.#closePart()
      this.#chunk = Buffer.allocUnsafe(Math.min(this.#chunk.length * 4, CHUNK_BYTES_MAX))
      this.#view = viewOf(this.#chunk)
      this.#start = 0
      this.#position = 0
    }
    const at = this.#position
    this.#position = at + length
    return at
  }
}

export function unencodable(value: unknown, type: string): ProtocolError {
  return new ProtocolError('UNENCODABLE', `${typeof value === 'string' ? 'a string' : String(value)} is no ${type}`)
}

function viewOf(chunk: Uint8Array): DataView {
  return new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
