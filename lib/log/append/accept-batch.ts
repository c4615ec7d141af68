/** What a batch must be to be appended to a topic, by the topic's configs. Pure; the rules are those of Kafka's LogValidator. */
import {
  type BatchView,
  type RecordsSummary,
  validateBatch,
  validateRecords,
  viewBatch,
  withTimestampType,
} from '../../records/index.ts'
import { LogError } from '../errors.ts'
import { listConfig, numberConfig, textConfig } from '../topics/topic-configs.ts'

/**
 * The batch as it will be kept: the producer's own bytes, but for topics that keep the time of the append.
 * `now`: wall clock, ms since 1970.
 * @throws RecordError, LogError BATCH_TOO_LARGE, INVALID_TIMESTAMP
 */
export function acceptBatch(bytes: Uint8Array, configs: Readonly<Record<string, string>>, now: number): BatchView {
  const batch = validateBatch(bytes)
  const bytesMax = numberConfig(configs, 'max.message.bytes')
  if (bytes.length > bytesMax) {
    throw new LogError('BATCH_TOO_LARGE', `a batch of ${bytes.length} bytes, where max.message.bytes is ${bytesMax}`)
  }
  const requireKeys = listConfig(configs, 'cleanup.policy').includes('compact')
  const summary = validateRecords(batch, { requireKeys })
  if (textConfig(configs, 'message.timestamp.type') === 'LogAppendTime') {
    return viewBatch(withTimestampType(bytes, 'LogAppendTime', now))
  }
  checkTimestamps(summary, configs, now)
  return batch
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
