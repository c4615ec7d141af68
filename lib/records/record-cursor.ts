/**
 * Walks the records of a batch (decompressed), checking every length against what is there and allocating nothing: after
 * `next` the fields say where the parts of the record lie. All reading of records goes through here.
 *
 * A record: length varint (of what follows) · attributes int8 · timestampDelta varlong · offsetDelta varint · key length varint, key ·
 * value length varint, value · header count varint · for each header: key length varint, key, value length varint, value.
 * Length -1 is null.
 */
import { RecordError } from './errors.ts'
import { varintSize, writeVarint } from './varint.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

export class RecordCursor {
  readonly #bytes: Buffer
  #position = 0
  /** Where the present record ends; nothing of it is read beyond. */
  #end = 0

  offsetDelta = 0
  timestampDelta = 0
  #attributes = 0
  /** Behind the timestamp. */
  #bodyStart = 0
  #keyStart = 0
  #keyLength = -1
  #valueStart = 0
  #valueLength = -1
  #headerCount = 0
  #headersStart = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#position === this.#bytes.length
  }

  get hasKey(): boolean {
    return this.#keyLength >= 0
  }

  /** Moves to the next record and through all of it. @throws RecordError CORRUPT_RECORDS, INT64_OUT_OF_RANGE */
  next(): void {
    this.#end = this.#bytes.length
    const length = this.#int32()
    this.#need(length)
    this.#end = this.#position + length
    this.#need(1)
    this.#attributes = this.#bytes[this.#position++]!
    this.timestampDelta = this.#int64()
    this.#bodyStart = this.#position
    this.offsetDelta = this.#int32()
    this.#keyLength = this.#int32()
    this.#keyStart = this.#skip(this.#keyLength)
    this.#valueLength = this.#int32()
    this.#valueStart = this.#skip(this.#valueLength)
    this.#skipHeaders()
    if (this.#position !== this.#end) throw corrupt(`a record of ${length} bytes does not fill them`)
  }

  /** The present record's bytes, without the length in front, with another timestamp delta. */
  withTimestampDelta(delta: number): Buffer {
    const head = Buffer.alloc(1 + varintSize(delta))
    head[0] = this.#attributes
    writeVarint(head, delta, 1)
    return Buffer.concat([head, this.#bytes.subarray(this.#bodyStart, this.#end)])
  }

  key(): Buffer | null {
    return this.#view(this.#keyStart, this.#keyLength)
  }

  value(): Buffer | null {
    return this.#view(this.#valueStart, this.#valueLength)
  }

  headers(): RecordHeader[] {
    const after = this.#position
    this.#position = this.#headersStart
    const headers: RecordHeader[] = []
    for (let i = 0; i < this.#headerCount; i++) {
      const keyLength = this.#int32()
      const keyStart = this.#skip(keyLength)
      const valueLength = this.#int32()
      const valueStart = this.#skip(valueLength)
      const key = this.#bytes.toString('utf8', keyStart, keyStart + keyLength)
      headers.push({ key, value: this.#view(valueStart, valueLength) })
    }
    this.#position = after
    return headers
  }

  #skipHeaders(): void {
    this.#headerCount = this.#int32()
    if (this.#headerCount < 0) throw corrupt(`${this.#headerCount} headers`)
    this.#headersStart = this.#position
    for (let i = 0; i < this.#headerCount; i++) {
      const keyLength = this.#int32()
      if (keyLength < 0) throw corrupt('a header without a key')
      this.#skip(keyLength)
      this.#skip(this.#int32())
    }
  }

  #view(start: number, length: number): Buffer | null {
    return length < 0 ? null : this.#bytes.subarray(start, start + length)
  }

  /** Answers where the bytes begin that it passes; a length below -1 is corrupt. */
  #skip(length: number): number {
    const start = this.#position
    if (length === -1) return start
    this.#need(length)
    this.#position += length
    return start
  }

  #int32(): number {
    let folded = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte()
      folded |= (byte & 0x7f) << shift
      if (byte < 0x80) return (folded >>> 1) ^ -(folded & 1)
    }
    throw corrupt('a varint of more than 5 bytes')
  }

  #int64(): number {
    let folded = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte()
      folded += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (folded > Number.MAX_SAFE_INTEGER) throw new RecordError('INT64_OUT_OF_RANGE', 'a timestamp beyond 2^52')
        return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
      }
      scale *= 0x80
    }
    throw corrupt('a varlong of more than 10 bytes')
  }

  #byte(): number {
    this.#need(1)
    return this.#bytes[this.#position++]!
  }

  #need(length: number): void {
    const left = this.#end - this.#position
    if (length < 0 || length > left) throw corrupt(`a length of ${length} with ${left} bytes left`)
  }
}

function corrupt(message: string): RecordError {
  return new RecordError('CORRUPT_RECORDS', message)
}
