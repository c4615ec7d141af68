/** What compaction leaves of a batch (KIP-58, KIP-534): offsets, producer and sequence stay, so the last offset is still told. */
import { ATTRIBUTE, type BatchView, LENGTH_OVERHEAD, POSITION, viewBatch, writeInt64 } from './batch-view.ts'
import { checksumOf } from './checksum.ts'
import { compress } from './compression.ts'
import { walkRecords } from './record-reader.ts'
import { varintSize, writeVarint } from './varint.ts'

/**
 * A copy of a batch without the records at the offsets in `goes`; undefined: nothing is left. `deleteHorizon` (ms since 1970): the time
 * after which its tombstones may go; it takes the place of the base timestamp, from which the records' are counted.
 * @throws RecordError as `readRecords`
 */
export function withoutRecords(
  batch: BatchView,
  goes: ReadonlySet<number>,
  deleteHorizon?: number,
): BatchView | undefined {
  const baseTimestamp = deleteHorizon ?? batch.baseTimestamp
  const records: Buffer[] = []
  let count = 0
  let maxTimestamp = -1
  for (const cursor of walkRecords(batch, {})) {
    if (goes.has(batch.baseOffset + cursor.offsetDelta)) continue
    const timestamp = batch.baseTimestamp + cursor.timestampDelta
    const record = cursor.withTimestampDelta(timestamp - baseTimestamp)
    const length = Buffer.alloc(varintSize(record.length))
    writeVarint(length, record.length, 0)
    records.push(length, record)
    maxTimestamp = Math.max(maxTimestamp, timestamp)
    count++
  }
  if (count === 0) return undefined
  const stored = compress(batch.compression, Buffer.concat(records))
  const bytes = Buffer.concat([batch.bytes.subarray(0, POSITION.records), stored])
  const horizon = deleteHorizon === undefined && !batch.hasDeleteHorizon ? 0 : ATTRIBUTE.deleteHorizon
  const attributes = bytes.readInt16BE(POSITION.attributes) & ~ATTRIBUTE.deleteHorizon
  bytes.writeInt32BE(bytes.length - LENGTH_OVERHEAD, POSITION.length)
  bytes.writeInt16BE(attributes | horizon, POSITION.attributes)
  writeInt64(bytes, baseTimestamp, POSITION.baseTimestamp)
  if (batch.timestampType === 'CreateTime') writeInt64(bytes, maxTimestamp, POSITION.maxTimestamp)
  bytes.writeInt32BE(count, POSITION.recordCount)
  bytes.writeUInt32BE(checksumOf(bytes), POSITION.crc)
  return viewBatch(bytes)
}
