/**
 * Record batches v2 as clients make and read them, written apart from the engine's own so that the two check each
 * other. (Kafka's protocol guide, "Record Batch"; uncompressed.)
 */
import { crc32c } from '@node-rs/crc32'

const HEADER_BYTES = 61
const CRC_START = 21
const CONTROL_BIT = 0x20
const TRANSACTIONAL_BIT = 0x10

/** A marker's key: version i16, type i16. */
const ABORT_MARKER = 0

/** Bytes that no client would accept as a record batch. */
export class DecodeError extends Error {}

export interface BatchContent {
  readonly values: readonly string[]
  readonly timestamp: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
}

export interface DecodedBatch {
  readonly base: number
  readonly last: number
  readonly values: readonly string[]
  readonly control: boolean
  /** Of a transaction's marker. */
  readonly aborts: boolean
  readonly transactional: boolean
  readonly producerId: number
}

export function encodeBatch(content: BatchContent): Uint8Array {
  const records = content.values.map((value, i) => encodeRecord(i, value))
  const body = Buffer.concat(records)
  const batch = Buffer.alloc(HEADER_BYTES + body.length)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(content.transactional ? TRANSACTIONAL_BIT : 0, 21)
  batch.writeInt32BE(records.length - 1, 23)
  batch.writeBigInt64BE(BigInt(content.timestamp), 27)
  batch.writeBigInt64BE(BigInt(content.timestamp), 35)
  batch.writeBigInt64BE(BigInt(content.producerId ?? -1), 43)
  batch.writeInt16BE(content.producerEpoch ?? -1, 51)
  batch.writeInt32BE(content.baseSequence ?? -1, 53)
  batch.writeInt32BE(records.length, 57)
  body.copy(batch, HEADER_BYTES)
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_START)), 17)
  return batch
}

/** @throws DecodeError */
export function decodeBatch(bytes: Uint8Array): DecodedBatch {
  const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (batch.length < HEADER_BYTES || batch.readInt32BE(8) !== batch.length - 12)
    throw new DecodeError('bad batch length')
  if (batch.readInt8(16) !== 2) throw new DecodeError('bad magic')
  if (crc32c(batch.subarray(CRC_START)) !== batch.readUInt32BE(17)) throw new DecodeError('bad CRC')
  const base = Number(batch.readBigInt64BE(0))
  const attributes = batch.readInt16BE(21)
  const control = (attributes & CONTROL_BIT) !== 0
  const transactional = (attributes & TRANSACTIONAL_BIT) !== 0
  const last = base + batch.readInt32BE(23)
  const producerId = Number(batch.readBigInt64BE(43))
  const records = decodeRecords(batch)
  const values = control ? [] : records.map(({ value }) => value.toString())
  const aborts = control && records[0]!.key.readInt16BE(2) === ABORT_MARKER
  return { base, last, values, control, aborts, transactional, producerId }
}

function encodeRecord(offsetDelta: number, value: string): Buffer {
  const text = Buffer.from(value)
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(0),
    varint(offsetDelta),
    varint(-1),
    varint(text.length),
    text,
    varint(0),
  ])
  return Buffer.concat([varint(body.length), body])
}

function decodeRecords(batch: Buffer): { key: Buffer; value: Buffer }[] {
  let at = HEADER_BYTES
  const read = () => {
    let shift = 1
    let folded = 0
    for (;;) {
      const byte = batch[at++]
      if (byte === undefined) throw new DecodeError('a record ends early')
      folded += (byte & 0x7f) * shift
      if (byte < 0x80) return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2
      shift *= 0x80
    }
  }
  return Array.from({ length: batch.readInt32BE(57) }, () => {
    const end = read() + at
    at++ // attributes
    read() // timestamp delta
    read() // offset delta
    const bytes = () => {
      const length = Math.max(0, read())
      at += length
      return batch.subarray(at - length, at)
    }
    const record = { key: bytes(), value: bytes() }
    at = end
    return record
  })
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return Buffer.from([...bytes, rest])
}
