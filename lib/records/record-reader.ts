import { type BatchView, POSITION } from './batch-view.ts'
import { DECOMPRESSED_BYTES_MAX, decompress } from './compression.ts'
import { RecordError } from './errors.ts'
import { RecordCursor, type RecordHeader } from './record-cursor.ts'

/** A record as it was read. Its bytes are views of the batch, or of what the batch decompressed to. */
export interface BatchRecord {
  readonly offset: number
  /** Ms since 1970; -1: none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface ReadLimits {
  /** How much a batch may decompress to, in bytes; DECOMPRESSED_BYTES_MAX unless told. */
  readonly decompressedBytesMax?: number
}

/**
 * The records of a batch, each decoded as the iteration comes to it; decompression happens at the first.
 * The CRC is not looked at.
 * @throws RecordError while iterating: CORRUPT_RECORDS, BAD_COUNT, TOO_LARGE, INT64_OUT_OF_RANGE
 */
export function* readRecords(batch: BatchView, limits: ReadLimits = {}): Generator<BatchRecord, void, undefined> {
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined
  for (const cursor of walkRecords(batch, limits)) {
    yield {
      offset: batch.baseOffset + cursor.offsetDelta,
      timestamp: appendTime ?? batch.baseTimestamp + cursor.timestampDelta,
      key: cursor.key(),
      value: cursor.value(),
      headers: cursor.headers(),
    }
  }
}

/** Moves one cursor through as many records as the header says; they must fill the batch. */
export function* walkRecords(batch: BatchView, limits: ReadLimits): Generator<RecordCursor, void, undefined> {
  const stored = batch.bytes.subarray(POSITION.records)
  const limit = limits.decompressedBytesMax ?? DECOMPRESSED_BYTES_MAX
  const cursor = new RecordCursor(decompress(batch.compression, stored, limit))
  for (let i = 0; i < batch.recordCount; i++) {
    if (cursor.atEnd) throw new RecordError('BAD_COUNT', `${i} records, where the header says ${batch.recordCount}`)
    cursor.next()
    yield cursor
  }
  if (!cursor.atEnd) throw new RecordError('BAD_COUNT', `more records than the ${batch.recordCount} of the header`)
}
