/** Batches that no honest client sends, and the code with which they are refused. */
import {
  buildBatch,
  COMPRESSIONS,
  type Compression,
  RecordError,
  type RecordErrorCode,
} from '../../lib/records/index.ts'

/** A batch whose records are any bytes; its CRC is wrong, which the readers of records do not look at. */
export function withStoredRecords(compression: Compression, stored: Uint8Array, recordCount = 1): Buffer {
  const header = buildBatch({ records: [{ timestamp: 0, key: null, value: null }] }).subarray(0, 61)
  const bytes = Buffer.concat([header, stored])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt16BE(COMPRESSIONS.indexOf(compression), 21)
  bytes.writeInt32BE(recordCount, 57)
  return bytes
}

/** The records of a batch of one record with this value, compressed. */
export function storedRecordOf(value: Uint8Array, compression: Compression): Buffer {
  return buildBatch({ records: [{ timestamp: 0, key: null, value }], compression }).subarray(61)
}

/** Undefined where `run` does not throw; any other error than RecordError goes through. */
export function codeOf(run: () => unknown): RecordErrorCode | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof RecordError) return error.code
    throw error
  }
}
