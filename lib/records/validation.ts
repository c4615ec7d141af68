/**
 * What a batch must be before the log takes it. `validateBatch` looks at the header and the CRC, at the speed of memory;
 * `validateRecords` decompresses and walks the records as well. The rules are those of Apache Kafka's LogValidator and UnifiedLog.
 */
import { type BatchView, POSITION, viewBatch } from './batch-view.ts'
import { checksumOf } from './checksum.ts'
import { RecordError } from './errors.ts'
import { type ReadLimits, walkRecords } from './record-reader.ts'

/** A record with nothing in it: seven fields of one byte each. */
const RECORD_BYTES_MIN = 7

/**
 * Checks that `bytes` are exactly one batch that a client may append, and answers its view.
 * @throws RecordError any code but MISSING_KEY, CORRUPT_RECORDS, TOO_LARGE
 */
export function validateBatch(bytes: Uint8Array): BatchView {
  if (bytes.length === 0) throw new RecordError('EMPTY', 'no record batch')
  const batch = viewBatch(bytes)
  if (batch.bytes.length < bytes.length) {
    throw new RecordError('MORE_THAN_ONE_BATCH', `${bytes.length - batch.bytes.length} bytes after the batch`)
  }
  validateChecksum(batch)
  validateCounts(batch)
  validateProducer(batch)
  if (batch.isControl) throw new RecordError('CONTROL_BATCH', 'clients may not write control records')
  if (batch.timestampType === 'LogAppendTime') {
    throw new RecordError('BAD_TIMESTAMP_TYPE', 'producers may not set the timestamp type to LogAppendTime')
  }
  return batch
}

/** @throws RecordError BAD_CRC */
export function validateChecksum(batch: BatchView): void {
  const found = checksumOf(batch.bytes)
  if (found !== batch.crc) throw new RecordError('BAD_CRC', `CRC-32C ${found}, where the header says ${batch.crc}`)
}

/** What the records themselves say, where the header only claims. Timestamps in ms since 1970, -1: none. */
export interface RecordsSummary {
  readonly minTimestamp: number
  readonly maxTimestamp: number
  /** Offset of the first record with the largest timestamp, counted from the base offset. */
  readonly maxTimestampDelta: number
  /** Records without a key. */
  readonly keyless: number
}

/**
 * Walks the records of a batch: as many as the header says, filling it to the end, with offset deltas 0, 1, 2, …
 * @throws RecordError CORRUPT_RECORDS, BAD_COUNT, BAD_OFFSETS, TOO_LARGE, INT64_OUT_OF_RANGE
 */
export function validateRecords(batch: BatchView, options: ReadLimits = {}): RecordsSummary {
  let index = 0
  let minTimestamp = Number.POSITIVE_INFINITY
  let maxTimestamp = Number.NEGATIVE_INFINITY
  let maxTimestampDelta = 0
  let keyless = 0
  for (const record of walkRecords(batch, options)) {
    if (record.offsetDelta !== index) {
      throw new RecordError('BAD_OFFSETS', `record ${index} has the offset delta ${record.offsetDelta}`)
    }
    if (!record.hasKey) keyless++
    const timestamp = batch.baseTimestamp + record.timestampDelta
    if (timestamp < minTimestamp) minTimestamp = timestamp
    if (timestamp > maxTimestamp) {
      maxTimestamp = timestamp
      maxTimestampDelta = index
    }
    index++
  }
  return { minTimestamp, maxTimestamp, maxTimestampDelta, keyless }
}

function validateCounts(batch: BatchView): void {
  const { recordCount, lastOffsetDelta, baseOffset } = batch
  if (recordCount < 1) throw new RecordError('BAD_COUNT', `a batch of ${recordCount} records`)
  if (lastOffsetDelta !== recordCount - 1) {
    throw new RecordError('BAD_COUNT', `${recordCount} records with the last offset delta ${lastOffsetDelta}`)
  }
  if (baseOffset !== 0) throw new RecordError('BAD_OFFSETS', `the base offset ${baseOffset}, where clients send 0`)
  const recordBytes = batch.bytes.length - POSITION.records
  if (batch.compression === 'none' && recordCount > recordBytes / RECORD_BYTES_MIN) {
    throw new RecordError('BAD_COUNT', `${recordCount} records in ${recordBytes} bytes`)
  }
}

function validateProducer(batch: BatchView): void {
  const { producerId, producerEpoch, baseSequence } = batch
  if (producerId < -1) throw new RecordError('BAD_SEQUENCE', `the producer id ${producerId}`)
  if (producerId === -1 && batch.isTransactional) {
    throw new RecordError('BAD_SEQUENCE', 'a transactional batch without a producer id')
  }
  if (producerId >= 0 && (producerEpoch < 0 || baseSequence < 0)) {
    throw new RecordError(
      'BAD_SEQUENCE',
      `producer ${producerId} with epoch ${producerEpoch}, sequence ${baseSequence}`,
    )
  }
}
