export { buildBatch, buildEmptyBatch, type NewBatch, type NewRecord } from './batch-builder.ts'
export { withoutRecords } from './batch-cleaning.ts'
export { withCompression, withTimestampType, writeOffset } from './batch-rewrite.ts'
export {
  type BatchView,
  COMPRESSIONS,
  type Compression,
  splitBatches,
  type TimestampType,
  viewBatch,
} from './batch-view.ts'
export { checksumWith } from './checksum.ts'
export { DECOMPRESSED_BYTES_MAX } from './compression.ts'
export {
  buildEndTransactionMarker,
  type EndTransactionMarker,
  type NewEndTransactionMarker,
  readEndTransactionMarker,
} from './end-transaction-marker.ts'
export { RecordError, type RecordErrorCode } from './errors.ts'
export { partitionOfKey } from './key-partition.ts'
export type { RecordHeader } from './record-cursor.ts'
export { type BatchRecord, type ReadLimits, readRecords } from './record-reader.ts'
export { type RecordsSummary, validateBatch, validateChecksum, validateRecords } from './validation.ts'
