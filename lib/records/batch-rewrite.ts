/** What the log may change in a finished batch. Records are never re-encoded, only compressed anew. */
import {
  ATTRIBUTE,
  type BatchView,
  COMPRESSIONS,
  type Compression,
  LENGTH_OVERHEAD,
  POSITION,
  type TimestampType,
  viewBatch,
  writeInt64,
} from './batch-view.ts'
import { checksumOf } from './checksum.ts'
import { compress, DECOMPRESSED_BYTES_MAX, decompress } from './compression.ts'

/**
 * Writes base offset, and leader epoch 0, into a batch in place. Both lie outside the CRC, so the batch stays valid.
 * @throws RecordError INT64_OUT_OF_RANGE
 */
export function writeOffset(batch: Buffer, baseOffset: number): void {
  writeInt64(batch, baseOffset, POSITION.baseOffset)
  batch.writeInt32BE(0, POSITION.partitionLeaderEpoch)
}

/**
 * A copy of a batch with another timestamp type and largest timestamp (ms since 1970), and the CRC that goes with them.
 * With LogAppendTime, `maxTimestamp` is the time of every record in it.
 * @throws RecordError as `viewBatch`, and INT64_OUT_OF_RANGE
 */
export function withTimestampType(batch: Uint8Array, type: TimestampType, maxTimestamp: number): Buffer {
  const copy = Buffer.from(viewBatch(batch).bytes)
  const attributes = copy.readInt16BE(POSITION.attributes)
  const set = type === 'LogAppendTime' ? attributes | ATTRIBUTE.logAppendTime : attributes & ~ATTRIBUTE.logAppendTime
  copy.writeInt16BE(set, POSITION.attributes)
  writeInt64(copy, maxTimestamp, POSITION.maxTimestamp)
  copy.writeUInt32BE(checksumOf(copy), POSITION.crc)
  return copy
}

/**
 * A copy of a batch with its records compressed otherwise; `level` as for `compress`.
 * @throws RecordError TOO_LARGE, CORRUPT_RECORDS
 */
export function withCompression(batch: BatchView, compression: Compression, level?: number): Buffer {
  const { bytes } = batch
  const records = decompress(batch.compression, bytes.subarray(POSITION.records), DECOMPRESSED_BYTES_MAX)
  const copy = Buffer.concat([bytes.subarray(0, POSITION.records), compress(compression, records, level)])
  copy.writeInt32BE(copy.length - LENGTH_OVERHEAD, POSITION.length)
  const attributes = copy.readInt16BE(POSITION.attributes) & ~ATTRIBUTE.compression
  copy.writeInt16BE(attributes | COMPRESSIONS.indexOf(compression), POSITION.attributes)
  copy.writeUInt32BE(checksumOf(copy), POSITION.crc)
  return copy
}
