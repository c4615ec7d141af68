import { describe, expect, test } from 'vitest'
import { LogError, numberConfig, topicConfigs, validateTopicConfigs } from '../../lib/log/index.ts'

function refusalOf(configs: Record<string, string>): string | undefined {
  try {
    validateTopicConfigs(configs)
    return undefined
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'INVALID_CONFIG') throw error
    return error.message
  }
}

describe('topic configs', () => {
  test('every default is allowed', () => {
    for (const [name, config] of Object.entries(topicConfigs))
      expect(refusalOf({ [name]: config.default })).toBeUndefined()
  })

  test.each([
    ['cleanup.policy', 'compact,delete'],
    ['cleanup.policy', ' delete , compact '],
    ['cleanup.policy', ''],
    ['retention.ms', '-1'],
    ['retention.bytes', '9223372036854775807'],
    ['segment.bytes', '1048576'],
    ['compression.gzip.level', '-1'],
    ['compression.gzip.level', '9'],
    ['min.cleanable.dirty.ratio', '1'],
    ['preallocate', 'TRUE'],
    ['message.timestamp.type', 'LogAppendTime'],
  ])('%s may be %j', (name, value) => {
    expect(refusalOf({ [name]: value })).toBeUndefined()
  })

  test.each([
    ['no.such.config', '1', 'Unknown topic config name'],
    ['constructor', '1', 'Unknown topic config name'],
    ['cleanup.policy', 'shrink', 'must be one of: compact, delete'],
    ['cleanup.policy', 'delete,', 'must not be empty'],
    ['retention.ms', '-2', 'at least -1'],
    ['retention.ms', '1.5', 'LONG'],
    ['retention.ms', '', 'LONG'],
    ['retention.ms', '9223372036854775808', 'LONG'],
    ['max.message.bytes', '2147483648', 'INT'],
    ['segment.bytes', '1048575', 'at least 1048576'],
    ['compression.gzip.level', '0', 'between 1 and 9 or equal to -1'],
    ['compression.gzip.level', '10', 'between 1 and 9'],
    ['compression.type', 'brotli', 'must be one of'],
    ['min.cleanable.dirty.ratio', '1.1', 'no more than 1'],
    ['min.cleanable.dirty.ratio', 'half', 'DOUBLE'],
    ['preallocate', 'yes', 'true or false'],
    ['remote.storage.enable', 'true', 'Tiered Storage'],
  ])('%s may not be %j', (name, value, why) => {
    expect(refusalOf({ [name]: value })).toContain(why)
  })

  test('the lags of compaction must fit together', () => {
    expect(refusalOf({ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' })).toContain(
      'min.compaction.lag.ms',
    )
  })

  test('numbers are what was set, or the default', () => {
    expect(numberConfig({ 'max.message.bytes': '77' }, 'max.message.bytes')).toBe(77)
    expect(numberConfig({}, 'max.message.bytes')).toBe(1_048_588)
  })
})
