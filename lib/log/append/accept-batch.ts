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

/** What a topic's configs say of its batches. */
interface Rules {
  readonly isCompacted: boolean
  readonly stampsAppends: boolean
  /** How batches are kept; `producer`: as they come. */
  readonly compression: Compression | 'producer'
  readonly level: number | undefined
  readonly bytesMax: number
  /** How long before and after now a record's timestamp may lie, ms. */
  readonly beforeMs: number
  readonly afterMs: number
}

const rulesOf = new WeakMap<Destination['configs'], Rules>()

/** Read once for all batches of a topic as it is known. */
function findRules(configs: Destination['configs']): Rules {
  const known = rulesOf.get(configs)
  if (known) return known
  const type = textConfig(configs, 'compression.type')
  const compression = (type === 'uncompressed' ? 'none' : type) as Rules['compression']
  const rules = {
    isCompacted: listConfig(configs, 'cleanup.policy').includes('compact'),
    stampsAppends: textConfig(configs, 'message.timestamp.type') === 'LogAppendTime',
    compression,
    level: LEVELED.has(compression) ? numberConfig(configs, `compression.${compression}.level`) : undefined,
    bytesMax: numberConfig(configs, 'max.message.bytes'),
    beforeMs: numberConfig(configs, 'message.timestamp.before.max.ms'),
    afterMs: numberConfig(configs, 'message.timestamp.after.max.ms'),
  }
  rulesOf.set(configs, rules)
  return rules
}

/**
 * The batch as it will be kept: the producer's own bytes, but for topics that keep the time of the append or compress
 * what they keep in one way.
 * @throws RecordError, LogError BATCH_TOO_LARGE, MISSING_KEY, INVALID_TIMESTAMP
 */
export function acceptBatch(bytes: Uint8Array, destination: Destination): BatchView {
  const rules = findRules(destination.configs)
  const batch = validateBatch(bytes)
  checkSize(batch, rules)
  const summary = validateRecords(batch)
  if (summary.keyless > 0 && rules.isCompacted) throw keyless(batch, destination)
  if (!rules.stampsAppends) checkTimestamps(batch, summary, rules, destination.now)
  const kept = compressed(batch, rules)
  if (kept !== batch) checkSize(kept, rules)
  return rules.stampsAppends ? viewBatch(withTimestampType(kept.bytes, 'LogAppendTime', destination.now)) : kept
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

function compressed(batch: BatchView, { compression, level }: Rules): BatchView {
  if (compression === 'producer' || compression === batch.compression) return batch
  return viewBatch(withCompression(batch, compression, level))
}

function checkSize({ bytes }: BatchView, { bytesMax }: Rules): void {
  if (bytes.length <= bytesMax) return
  throw new LogError('BATCH_TOO_LARGE', `a batch of ${bytes.length} bytes, where max.message.bytes is ${bytesMax}`)
}

function checkTimestamps(batch: BatchView, summary: RecordsSummary, { beforeMs, afterMs }: Rules, now: number): void {
  const from = now - beforeMs
  const to = now + afterMs
  const isOutside = (timestamp: number) => timestamp > to || (timestamp >= 0 && timestamp < from)
  if (!isOutside(summary.maxTimestamp) && !isOutside(summary.minTimestamp)) return
  const rejected = recordsWhere(batch, ({ timestamp }) => isOutside(timestamp)).map(({ index, timestamp }) => ({
    index,
    message: `Timestamp ${timestamp} of message with offset ${index} is out of range. The timestamp should be within [${from}, ${to}]`,
  }))
  throw new LogError('INVALID_TIMESTAMP', 'One or more records have been rejected due to invalid timestamp', rejected)
}
