/** Builds record batches, for producers that do not speak Kafka (HTTP, command line) and for the log's own markers. */
import {
  ATTRIBUTE,
  type BatchView,
  COMPRESSIONS,
  type Compression,
  LENGTH_OVERHEAD,
  MAGIC,
  POSITION,
  type TimestampType,
  viewBatch,
  writeInt64,
} from './batch-view.ts'
import { checksumOf } from './checksum.ts'
import { compress } from './compression.ts'
import { RecordError } from './errors.ts'
import { VARINT_MAX, varintSize, writeVarint } from './varint.ts'

export interface NewRecord {
  /** Ms since 1970; -1: none. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

export interface NewBatch {
  /** At least one. */
  readonly records: readonly NewRecord[]
  /** `none` unless told. */
  readonly compression?: Compression
  /** `CreateTime` unless told. */
  readonly timestampType?: TimestampType
  /** Absent: not from an idempotent producer. */
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
}

/** What the length field of a record or a batch can say; Kafka's configured limits lie far below. */
const BATCH_BYTES_MAX = 2 ** 31 - 1

/**
 * A batch with base offset 0 and no leader epoch, as a client sends it; its largest timestamp is that of the records.
 * @throws RecordError BAD_COUNT without records; INT64_OUT_OF_RANGE for times too far apart; TOO_LARGE for over 2 GiB
 */
export function buildBatch(batch: NewBatch): Buffer {
  const { records, compression = 'none' } = batch
  const first = records[0]
  if (!first) throw new RecordError('BAD_COUNT', 'a batch has at least one record')
  const bytes =
    compression === 'none'
      ? encodeRecords(records, POSITION.records)
      : Buffer.concat([Buffer.alloc(POSITION.records), compress(compression, encodeRecords(records, 0))])
  const maxTimestamp = records.reduce((max, record) => Math.max(max, record.timestamp), first.timestamp)

  writeInt64(bytes, 0, POSITION.baseOffset)
  bytes.writeInt32BE(bytes.length - LENGTH_OVERHEAD, POSITION.length)
  bytes.writeInt32BE(-1, POSITION.partitionLeaderEpoch)
  bytes.writeInt8(MAGIC, POSITION.magic)
  bytes.writeInt16BE(attributesOf(batch, compression), POSITION.attributes)
  bytes.writeInt32BE(records.length - 1, POSITION.lastOffsetDelta)
  writeInt64(bytes, first.timestamp, POSITION.baseTimestamp)
  writeInt64(bytes, maxTimestamp, POSITION.maxTimestamp)
  writeInt64(bytes, batch.producerId ?? -1, POSITION.producerId)
  bytes.writeInt16BE(batch.producerEpoch ?? -1, POSITION.producerEpoch)
  bytes.writeInt32BE(batch.baseSequence ?? -1, POSITION.baseSequence)
  bytes.writeInt32BE(records.length, POSITION.recordCount)
  bytes.writeUInt32BE(checksumOf(bytes), POSITION.crc)
  return bytes
}

function attributesOf(batch: NewBatch, compression: Compression): number {
  return (
    COMPRESSIONS.indexOf(compression) |
    (batch.timestampType === 'LogAppendTime' ? ATTRIBUTE.logAppendTime : 0) |
    (batch.isTransactional ? ATTRIBUTE.transactional : 0) |
    (batch.isControl ? ATTRIBUTE.control : 0)
  )
}

/** The records one after the other, behind `headroom` bytes left for the caller to fill. */
function encodeRecords(records: readonly NewRecord[], headroom: number): Buffer {
  const baseTimestamp = records[0]!.timestamp
  const lengths: number[] = []
  let total = headroom
  for (const [index, record] of records.entries()) {
    const length = recordLength(record, record.timestamp - baseTimestamp, index)
    lengths.push(length)
    total += varintSize(length) + length
    if (total > BATCH_BYTES_MAX) throw new RecordError('TOO_LARGE', `records of over ${BATCH_BYTES_MAX} bytes`)
  }
  const bytes = Buffer.allocUnsafe(total)
  let position = headroom
  for (const [index, record] of records.entries()) {
    position = writeVarint(bytes, lengths[index]!, position)
    bytes[position++] = 0 // attributes, of which there are none
    position = writeVarint(bytes, record.timestamp - baseTimestamp, position)
    position = writeVarint(bytes, index, position)
    position = writeBytes(bytes, record.key, position)
    position = writeBytes(bytes, record.value, position)
    position = writeVarint(bytes, record.headers?.length ?? 0, position)
    for (const header of record.headers ?? []) {
      position = writeVarint(bytes, Buffer.byteLength(header.key), position)
      position += bytes.write(header.key, position)
      position = writeBytes(bytes, header.value, position)
    }
  }
  return bytes
}

/** Without the length that stands in front of it. */
function recordLength(record: NewRecord, timestampDelta: number, offsetDelta: number): number {
  if (!(Math.abs(timestampDelta) <= VARINT_MAX)) {
    throw new RecordError('INT64_OUT_OF_RANGE', `timestamps ${timestampDelta} ms apart`)
  }
  const headers = record.headers ?? []
  let length = 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + varintSize(headers.length)
  length += bytesSize(record.key) + bytesSize(record.value)
  for (const header of headers) {
    const keyLength = Buffer.byteLength(header.key)
    length += varintSize(keyLength) + keyLength + bytesSize(header.value)
  }
  return length
}

function bytesSize(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length
}

/** Length and bytes, or -1 for null. Answers the position after it. */
function writeBytes(target: Buffer, bytes: Uint8Array | null, position: number): number {
  if (bytes === null) return writeVarint(target, -1, position)
  const start = writeVarint(target, bytes.length, position)
  target.set(bytes, start)
  return start + bytes.length
}

/**
 * A batch without records that takes one offset, as Kafka's compaction leaves them where nothing else tells readers to
 * go on.
 */
export function buildEmptyBatch(offset: number): BatchView {
  const bytes = Buffer.alloc(POSITION.records)
  writeInt64(bytes, offset, POSITION.baseOffset)
  bytes.writeInt32BE(bytes.length - LENGTH_OVERHEAD, POSITION.length)
  bytes.writeInt8(MAGIC, POSITION.magic)
  writeInt64(bytes, -1, POSITION.baseTimestamp)
  writeInt64(bytes, -1, POSITION.maxTimestamp)
  writeInt64(bytes, -1, POSITION.producerId)
  bytes.writeInt16BE(-1, POSITION.producerEpoch)
  bytes.writeInt32BE(-1, POSITION.baseSequence)
  bytes.writeUInt32BE(checksumOf(bytes), POSITION.crc)
  return viewBatch(bytes)
}
