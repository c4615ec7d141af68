/** What a batch must be to be appended to a topic, by the topic's configs. Pure; the rules are those of Kafka's LogValidator. */
import {
  type BatchRecord,
  type BatchView,
  type Compression,
  type RecordsSummary,
  readRecords,
  validateBatch,
  validateRecords,
  viewBatch,
  withCompression,
  withTimestampType,
} from '../../records/index.ts'
import { LogError } from '../errors.ts'
import { listConfig, numberConfig, textConfig } from '../topics/topic-configs.ts'

const REJECTED_TOLD_MAX = 3
/** What can be compressed more or less, by a config of the topic. */
const LEVELED: ReadonlySet<string> = new Set(['gzip', 'zstd'])

/** Where a batch is to be appended. `now`: wall clock, ms since 1970. */
export interface Destination {
  readonly topic: string
  readonly partition: number
  readonly configs: Readonly<Record<string, string>>
  readonly now: number
}

/**
 * The batch as it will be kept: the producer's own bytes, but for topics that keep the time of the append or compress
 * what they keep in one way.
 * @throws RecordError, LogError BATCH_TOO_LARGE, MISSING_KEY, INVALID_TIMESTAMP
 */
export function acceptBatch(bytes: Uint8Array, destination: Destination): BatchView {
  const { configs, now } = destination
  const batch = validateBatch(bytes)
  checkSize(batch, configs)
  const summary = validateRecords(batch)
  if (summary.keyless > 0 && listConfig(configs, 'cleanup.policy').includes('compact'))
    throw keyless(batch, destination)
  const stampsAppends = textConfig(configs, 'message.timestamp.type') === 'LogAppendTime'
  if (!stampsAppends) checkTimestamps(batch, summary, destination)
  const kept = compressed(batch, configs)
  if (kept !== batch) checkSize(kept, configs)
  return stampsAppends ? viewBatch(withTimestampType(kept.bytes, 'LogAppendTime', now)) : kept
}

function keyless(batch: BatchView, { topic, partition }: Destination): LogError {
  const message = `Compacted topic cannot accept message without key in topic partition ${topic}-${partition}`
  const rejected = recordsWhere(batch, record => record.key === null).map(({ index }) => ({ index, message }))
  const first = rejected.slice(0, REJECTED_TOLD_MAX)
  const told = first.map(record => `RecordError(batchIndex=${record.index}, message='${record.message}')`).join(', ')
  const summary = `One or more records have been rejected due to ${rejected.length} record errors in total, and only showing the first three errors at most: [${told}]`
  return new LogError('MISSING_KEY', summary, rejected)
}

function recordsWhere(batch: BatchView, isRejected: (record: BatchRecord) => boolean) {
  const found: { readonly index: number; readonly timestamp: number }[] = []
  let index = 0
  for (const record of readRecords(batch)) {
    if (isRejected(record)) found.push({ index, timestamp: record.timestamp })
    index++
  }
  return found
}

function compressed(batch: BatchView, configs: Readonly<Record<string, string>>): BatchView {
  const type = textConfig(configs, 'compression.type')
  const compression = type === 'uncompressed' ? 'none' : type
  if (compression === 'producer' || compression === batch.compression) return batch
  const level = LEVELED.has(compression) ? numberConfig(configs, `compression.${compression}.level`) : undefined
  return viewBatch(withCompression(batch, compression as Compression, level))
}

function checkSize({ bytes }: BatchView, configs: Readonly<Record<string, string>>): void {
  const bytesMax = numberConfig(configs, 'max.message.bytes')
  if (bytes.length <= bytesMax) return
  throw new LogError('BATCH_TOO_LARGE', `a batch of ${bytes.length} bytes, where max.message.bytes is ${bytesMax}`)
}

function checkTimestamps(batch: BatchView, summary: RecordsSummary, { configs, now }: Destination): void {
  const from = now - numberConfig(configs, 'message.timestamp.before.max.ms')
  const to = now + numberConfig(configs, 'message.timestamp.after.max.ms')
  const isOutside = (timestamp: number) => timestamp > to || (timestamp >= 0 && timestamp < from)
  if (!isOutside(summary.maxTimestamp) && !isOutside(summary.minTimestamp)) return
  const rejected = recordsWhere(batch, ({ timestamp }) => isOutside(timestamp)).map(({ index, timestamp }) => ({
    index,
    message: `Timestamp ${timestamp} of message with offset ${index} is out of range. The timestamp should be within [${from}, ${to}]`,
  }))
  throw new LogError('INVALID_TIMESTAMP', 'One or more records have been rejected due to invalid timestamp', rejected)
}
