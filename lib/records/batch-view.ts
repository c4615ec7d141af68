/**
 * The header of a record batch v2 (KIP-98; the layout is in Kafka's documentation, "Record Batch"):
 *
 *   0 baseOffset int64 · 8 length int32 (what follows it) · 12 partitionLeaderEpoch int32 · 16 magic int8 · 17 crc uint32 ·
 *   21 attributes int16 · 23 lastOffsetDelta int32 · 27 baseTimestamp int64 · 35 maxTimestamp int64 · 43 producerId int64 ·
 *   51 producerEpoch int16 · 53 baseSequence int32 · 57 recordCount int32 · 61 records
 *
 * The CRC-32C covers everything from the attributes on, so base offset and leader epoch may be written at any time.
 */
import { RecordError } from './errors.ts'

export const POSITION = {
  baseOffset: 0,
  length: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

/** Base offset and length: the bytes that the length field does not count. */
export const LENGTH_OVERHEAD = 12
export const MAGIC = 2

export const ATTRIBUTE = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

/** In the order of their numbers on the wire. */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof COMPRESSIONS)[number]
export type TimestampType = 'CreateTime' | 'LogAppendTime'

/** The header of a batch as it was when it was viewed. */
export interface BatchView {
  /** Exactly this batch, header and records; the caller's memory, not a copy. */
  readonly bytes: Buffer
  readonly baseOffset: number
  readonly partitionLeaderEpoch: number
  readonly crc: number
  readonly compression: Compression
  readonly timestampType: TimestampType
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly hasDeleteHorizon: boolean
  readonly lastOffsetDelta: number
  /** Ms since 1970; -1: none. */
  readonly baseTimestamp: number
  /** Ms since 1970; -1: none. */
  readonly maxTimestamp: number
  /** -1: not from an idempotent producer. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/**
 * Reads the header of the batch that begins at `position`; more may follow it. Nothing but the header's form is checked:
 * see `validateBatch`.
 * @throws RecordError TRUNCATED, BAD_LENGTH, UNSUPPORTED_MAGIC, UNKNOWN_COMPRESSION, INT64_OUT_OF_RANGE
 */
export function viewBatch(bytes: Uint8Array, position = 0): BatchView {
  const rest = Buffer.from(bytes.buffer, bytes.byteOffset + position, Math.max(bytes.length - position, 0))
  const length = readBatchLength(rest)
  if (length > rest.length) throw new RecordError('TRUNCATED', `a batch of ${length} bytes in ${rest.length}`)
  const batch = rest.subarray(0, length)
  const attributes = batch.readInt16BE(POSITION.attributes)
  const compression = COMPRESSIONS[attributes & ATTRIBUTE.compression]
  if (!compression) {
    throw new RecordError('UNKNOWN_COMPRESSION', `no compression has the number ${attributes & ATTRIBUTE.compression}`)
  }
  return {
    bytes: batch,
    baseOffset: readInt64(batch, POSITION.baseOffset),
    partitionLeaderEpoch: batch.readInt32BE(POSITION.partitionLeaderEpoch),
    crc: batch.readUInt32BE(POSITION.crc),
    compression,
    timestampType: (attributes & ATTRIBUTE.logAppendTime) === 0 ? 'CreateTime' : 'LogAppendTime',
    isTransactional: (attributes & ATTRIBUTE.transactional) !== 0,
    isControl: (attributes & ATTRIBUTE.control) !== 0,
    hasDeleteHorizon: (attributes & ATTRIBUTE.deleteHorizon) !== 0,
    lastOffsetDelta: batch.readInt32BE(POSITION.lastOffsetDelta),
    baseTimestamp: readInt64(batch, POSITION.baseTimestamp),
    maxTimestamp: readInt64(batch, POSITION.maxTimestamp),
    producerId: readInt64(batch, POSITION.producerId),
    producerEpoch: batch.readInt16BE(POSITION.producerEpoch),
    baseSequence: batch.readInt32BE(POSITION.baseSequence),
    recordCount: batch.readInt32BE(POSITION.recordCount),
  }
}

/**
 * Views of all batches in `bytes`, which must end where the last one does.
 * @throws RecordError as `viewBatch`
 */
export function splitBatches(bytes: Uint8Array): BatchView[] {
  const batches: BatchView[] = []
  for (let position = 0; position < bytes.length; ) {
    const batch = viewBatch(bytes, position)
    batches.push(batch)
    position += batch.bytes.length
  }
  return batches
}

/** The whole length of the batch at the start of `bytes`, which may be longer or shorter. */
function readBatchLength(bytes: Buffer): number {
  // Older formats have their magic at the same place but may be shorter than a header of this one.
  if (bytes.length > POSITION.magic) {
    const magic = bytes.readInt8(POSITION.magic)
    if (magic !== MAGIC) throw new RecordError('UNSUPPORTED_MAGIC', `message format ${magic}; only ${MAGIC} is known`)
  }
  if (bytes.length < POSITION.records) {
    throw new RecordError('TRUNCATED', `${bytes.length} bytes; a batch has at least ${POSITION.records}`)
  }
  const length = bytes.readInt32BE(POSITION.length) + LENGTH_OVERHEAD
  if (length < POSITION.records) {
    throw new RecordError('BAD_LENGTH', `a length of ${length} bytes; a batch has at least ${POSITION.records}`)
  }
  return length
}

function readInt64(bytes: Buffer, position: number): number {
  const value = bytes.readInt32BE(position) * 2 ** 32 + bytes.readUInt32BE(position + 4)
  if (!Number.isSafeInteger(value)) {
    throw new RecordError('INT64_OUT_OF_RANGE', `the int64 at ${position} is beyond 2^53`)
  }
  return value
}

export function writeInt64(bytes: Buffer, value: number, position: number): void {
  if (!Number.isSafeInteger(value)) throw new RecordError('INT64_OUT_OF_RANGE', `${value} is not within 2^53`)
  bytes.writeInt32BE(Math.floor(value / 2 ** 32), position)
  bytes.writeUInt32BE(value - Math.floor(value / 2 ** 32) * 2 ** 32, position + 4)
}
