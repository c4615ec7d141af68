import { CorruptDataError } from './errors.ts'

/**
 * Compact encoding of Varve's own stored documents: unsigned LEB128 integers up to 2^53, length-prefixed bytes and
 * strings. (Kafka's wire has its own kernel in lib/protocol.)
 */
export class ByteWriter {
  #buffer: Buffer
  #length = 0

  constructor(sizeHint = 256) {
    this.#buffer = Buffer.allocUnsafe(sizeHint)
  }

  get length(): number {
    return this.#length
  }

  uint8(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
    return this
  }

  uint32(value: number): this {
    this.#reserve(4)
    this.#length = this.#buffer.writeUInt32BE(value, this.#length)
    return this
  }

  /** Unsigned, 0 to 2^53 - 1, one byte for each 7 bits. */
  uint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer: ${value}`)
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#length++] = rest
    return this
  }

  /** Signed, zigzag. */
  int(value: number): this {
    return this.uint(value >= 0 ? value * 2 : -value * 2 - 1)
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  bytes(bytes: Uint8Array): this {
    return this.uint(bytes.length).raw(bytes)
  }

  string(text: string): this {
    return this.bytes(Buffer.from(text, 'utf8'))
  }

  /** A view of what was written; the writer must not be used after. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + more))
    this.#buffer.copy(grown, 0, 0, this.#length)
    this.#buffer = grown
  }
}

/** Reads what ByteWriter wrote; throws CorruptDataError past the end. */
export class ByteReader {
  readonly #buffer: Buffer
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get remaining(): number {
    return this.#buffer.length - this.#position
  }

  uint8(): number {
    this.#need(1)
    return this.#buffer[this.#position++]!
  }

  uint32(): number {
    this.#need(4)
    const value = this.#buffer.readUInt32BE(this.#position)
    this.#position += 4
    return value
  }

  uint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.uint8()
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER) throw new CorruptDataError('integer above 2^53')
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  int(): number {
    const folded = this.uint()
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
  }

  raw(length: number): Buffer {
    this.#need(length)
    const view = this.#buffer.subarray(this.#position, this.#position + length)
    this.#position += length
    return view
  }

  bytes(): Buffer {
    return this.raw(this.uint())
  }

  string(): string {
    return this.bytes().toString('utf8')
  }

  /** Calls `read` a stored number of times. */
  list<T>(read: (reader: ByteReader) => T): T[] {
    const count = this.uint()
    if (count > this.remaining) throw new CorruptDataError(`a list of ${count} in ${this.remaining} bytes`)
    return Array.from({ length: count }, () => read(this))
  }

  #need(length: number): void {
    if (length > this.remaining) throw new CorruptDataError(`need ${length} bytes, have ${this.remaining}`)
  }
}

/** Lower-case hex, zero-padded: sorts as the numbers do. */
export function hexOf(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

export function totalLength(parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) sum += part.length
  return sum
}

/** A single part as it is, several copied together. */
export function joinBytes<T extends Uint8Array>(parts: readonly T[]): T | Buffer {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
