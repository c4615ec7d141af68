/**
 * The control batch that ends a producer's transaction in a partition (KIP-98): one record whose key says commit or abort.
 * Key: version int16 0, type int16 (0 abort, 1 commit). Value: version int16 0, coordinator epoch int32.
 */
import { buildBatch } from './batch-builder.ts'
import type { BatchView } from './batch-view.ts'
import { RecordError } from './errors.ts'
import { type BatchRecord, readRecords } from './record-reader.ts'

export interface EndTransactionMarker {
  readonly outcome: 'commit' | 'abort'
  readonly coordinatorEpoch: number
}

const TYPE = { abort: 0, commit: 1 } as const
const VERSION = 0
const KEY_BYTES = 4
const VALUE_BYTES = 6

export interface NewEndTransactionMarker extends EndTransactionMarker {
  readonly producerId: number
  readonly producerEpoch: number
  /** Ms since 1970. */
  readonly timestamp: number
}

export function buildEndTransactionMarker(marker: NewEndTransactionMarker): Buffer {
  const key = Buffer.alloc(KEY_BYTES)
  key.writeInt16BE(VERSION, 0)
  key.writeInt16BE(TYPE[marker.outcome], 2)
  const value = Buffer.alloc(VALUE_BYTES)
  value.writeInt16BE(VERSION, 0)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  return buildBatch({
    records: [{ timestamp: marker.timestamp, key, value }],
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    isTransactional: true,
    isControl: true,
  })
}

/**
 * What a control batch says; undefined where it is of another type (control types that we do not know are to be skipped).
 * @throws RecordError as `readRecords`, and CORRUPT_RECORDS
 */
export function readEndTransactionMarker(batch: BatchView): EndTransactionMarker | undefined {
  const [record] = readRecords(batch)
  if (!batch.isControl || !record) throw new RecordError('CORRUPT_RECORDS', 'not a control batch')
  const outcome = readOutcome(record)
  if (!outcome) return undefined
  if (!record.value || record.value.length < VALUE_BYTES) {
    throw new RecordError('CORRUPT_RECORDS', 'an end-transaction marker without its value')
  }
  return { outcome, coordinatorEpoch: record.value.readInt32BE(2) }
}

/** Versions above the known one keep its fields in front. */
function readOutcome(record: BatchRecord): EndTransactionMarker['outcome'] | undefined {
  if (!record.key || record.key.length < KEY_BYTES || record.key.readInt16BE(0) < 0) {
    throw new RecordError('CORRUPT_RECORDS', 'a control record without its type')
  }
  const type = record.key.readInt16BE(2)
  if (type === TYPE.commit) return 'commit'
  return type === TYPE.abort ? 'abort' : undefined
}
