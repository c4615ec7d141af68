/** What a batch must be to be appended to a topic, by the topic's configs. Pure; the rules are those of Kafka's LogValidator. */
import {
  type BatchView,
  type Compression,
  type RecordsSummary,
  validateBatch,
  validateRecords,
  viewBatch,
  withCompression,
  withTimestampType,
} from '../../records/index.ts'
import { LogError } from '../errors.ts'
import { listConfig, numberConfig, textConfig } from '../topics/topic-configs.ts'

/**
 * The batch as it will be kept: the producer's own bytes, but for topics that keep the time of the append or compress
 * what they keep in one way. `now`: wall clock, ms since 1970.
 * @throws RecordError, LogError BATCH_TOO_LARGE, INVALID_TIMESTAMP
 */
export function acceptBatch(bytes: Uint8Array, configs: Readonly<Record<string, string>>, now: number): BatchView {
  const batch = validateBatch(bytes)
  checkSize(batch, configs)
  const requireKeys = listConfig(configs, 'cleanup.policy').includes('compact')
  const summary = validateRecords(batch, { requireKeys })
  const stampsAppends = textConfig(configs, 'message.timestamp.type') === 'LogAppendTime'
  if (!stampsAppends) checkTimestamps(summary, configs, now)
  const kept = compressed(batch, configs)
  if (kept !== batch) checkSize(kept, configs)
  return stampsAppends ? viewBatch(withTimestampType(kept.bytes, 'LogAppendTime', now)) : kept
}

function compressed(batch: BatchView, configs: Readonly<Record<string, string>>): BatchView {
  const type = textConfig(configs, 'compression.type')
  const compression = type === 'uncompressed' ? 'none' : type
  if (compression === 'producer' || compression === batch.compression) return batch
  return viewBatch(withCompression(batch, compression as Compression))
}

function checkSize({ bytes }: BatchView, configs: Readonly<Record<string, string>>): void {
  const bytesMax = numberConfig(configs, 'max.message.bytes')
  if (bytes.length <= bytesMax) return
  throw new LogError('BATCH_TOO_LARGE', `a batch of ${bytes.length} bytes, where max.message.bytes is ${bytesMax}`)
}

function checkTimestamps(summary: RecordsSummary, configs: Readonly<Record<string, string>>, now: number): void {
  const afterMax = numberConfig(configs, 'message.timestamp.after.max.ms')
  if (summary.maxTimestamp - now > afterMax) {
    const message = `a timestamp of ${summary.maxTimestamp} is more than ${afterMax} ms after ${now}, the time here`
    throw new LogError('INVALID_TIMESTAMP', message)
  }
  const beforeMax = numberConfig(configs, 'message.timestamp.before.max.ms')
  if (summary.minTimestamp >= 0 && now - summary.minTimestamp > beforeMax) {
    const message = `a timestamp of ${summary.minTimestamp} is more than ${beforeMax} ms before ${now}, the time here`
    throw new LogError('INVALID_TIMESTAMP', message)
  }
}
