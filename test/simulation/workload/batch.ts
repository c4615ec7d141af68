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

const NOTHING = Buffer.alloc(0)

/** Bytes that no client would accept as a record batch. */
export class DecodeError extends Error {}

/** What a record of a compacted topic has besides. */
export interface RecordKey {
  readonly key: string
  /** It has no value: who reads it finds in a header what it would have been. */
  readonly isTombstone: boolean
}

export interface BatchContent {
  readonly values: readonly string[]
  /** One for each value, or none. */
  readonly keys?: readonly RecordKey[]
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
  /** One for each value. */
  readonly offsets: readonly number[]
  readonly keys: readonly string[]
  readonly control: boolean
  /** Of a transaction's marker. */
  readonly aborts: boolean
  readonly transactional: boolean
  readonly producerId: number
}

export function encodeBatch(content: BatchContent): Uint8Array {
  const records = content.values.map((value, i) => encodeRecord(i, value, content.keys?.[i]))
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
  const shown = control ? [] : records
  const values = shown.map(({ value }) => value.toString())
  const offsets = shown.map(({ offsetDelta }) => base + offsetDelta)
  const keys = shown.map(({ key }) => key.toString())
  const aborts = control && records[0]!.key.readInt16BE(2) === ABORT_MARKER
  return { base, last, values, offsets, keys, control, aborts, transactional, producerId }
}

function encodeRecord(offsetDelta: number, value: string, keyed?: RecordKey): Buffer {
  const text = Buffer.from(value)
  const key = keyed && Buffer.from(keyed.key)
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(0),
    varint(offsetDelta),
    ...(key ? [varint(key.length), key] : [varint(-1)]),
    // A tombstone's one header has an empty name.
    ...(keyed?.isTombstone ? [varint(-1), varint(1), varint(0)] : []),
    varint(text.length),
    text,
    ...(keyed?.isTombstone ? [] : [varint(0)]),
  ])
  return Buffer.concat([varint(body.length), body])
}

function decodeRecords(batch: Buffer): { offsetDelta: number; key: Buffer; value: Buffer }[] {
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
  const valueInHeader = () => {
    if (read() !== 1 || read() !== 0) throw new DecodeError('a record without a value that is no tombstone of ours')
    const length = read()
    return batch.subarray(at, at + length)
  }
  return Array.from({ length: batch.readInt32BE(57) }, () => {
    const end = read() + at
    at++ // attributes
    read() // timestamp delta
    const offsetDelta = read()
    const bytes = () => {
      const length = read()
      if (length < 0) return undefined
      at += length
      return batch.subarray(at - length, at)
    }
    const key = bytes() ?? NOTHING
    const value = bytes() ?? valueInHeader()
    at = end
    return { offsetDelta, key, value }
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
