import { describe, expect, test } from 'vitest'
import { ConfigError, groupConfigs, groupConfigValues, validateGroupConfigs } from '../../lib/configs/index.ts'

test('the defaults may be set, and share groups have them', () => {
  for (const [name, { default: value }] of Object.entries(groupConfigs)) validateGroupConfigs({ [name]: value })
  expect(groupConfigValues({}).share).toEqual({
    sessionTimeoutMs: 45_000,
    heartbeatIntervalMs: 5_000,
    autoOffsetReset: { at: 'latest' },
    deliveryCountLimit: 5,
    isolationLevel: 'read_uncommitted',
    partitionRecordLocksMax: 2_000,
    recordLockDurationMs: 30_000,
    renewAcknowledgeEnable: true,
  })
})

test('of consumer and streams groups only what is set counts', () => {
  expect(
    groupConfigValues({ 'consumer.session.timeout.ms': '50000', 'streams.num.standby.replicas': '2' }),
  ).toMatchObject({
    consumer: { sessionTimeoutMs: 50_000, heartbeatIntervalMs: undefined },
    streams: { sessionTimeoutMs: undefined, heartbeatIntervalMs: undefined, standbyReplicas: 2 },
  })
})

test.each([
  ['consumer.session.timeout.ms', '5', 'consumer.session.timeout.ms must be in the range 45000 to 60000 inclusive.'],
  [
    'consumer.session.timeout.ms',
    '-5',
    'Invalid value -5 for configuration consumer.session.timeout.ms: Value must be at least 1',
  ],
  [
    'consumer.heartbeat.interval.ms',
    '999',
    'consumer.heartbeat.interval.ms must be in the range 1000 to 15000 inclusive.',
  ],
  ['share.delivery.count.limit', '11', 'share.delivery.count.limit must be in the range 2 to 10 inclusive.'],
  ['streams.num.standby.replicas', '3', 'streams.num.standby.replicas must be less than or equal to 2'],
  [
    'share.isolation.level',
    'x',
    'Invalid value x for configuration share.isolation.level: String must be one of: read_committed, read_uncommitted',
  ],
  ['retention.ms', '5', 'Unknown group config name: retention.ms'],
  ['constructor', '5', 'Unknown group config name: constructor'],
  [
    'streams.rack.aware.assignment.tags',
    'a,a',
    'streams.rack.aware.assignment.tags must not contain duplicate tag keys.',
  ],
  [
    'errors.deadletterqueue.topic.name',
    '__x',
    "errors.deadletterqueue.topic.name: DLQ topic name must not start with '__'",
  ],
])("%s=%s is refused in Kafka's words", (name, value, message) => {
  expect(() => validateGroupConfigs({ [name]: value })).toThrow(new ConfigError('INVALID_CONFIG', message))
})

describe('where a share group begins', () => {
  test.each([
    ['earliest', { at: 'earliest' }],
    ['by_duration:PT1H', { at: 'duration', ms: 3_600_000 }],
    ['by_duration:P1DT2H3M4.5S', { at: 'duration', ms: 93_784_500 }],
  ])('%s', (value, start) => {
    const configs = { 'share.auto.offset.reset': value }
    validateGroupConfigs(configs)
    expect(groupConfigValues(configs).share.autoOffsetReset).toEqual(start)
  })

  test.each(['x', 'by_duration:', 'by_duration:P', 'by_duration:PT', 'by_duration:-PT1H', 'by_duration:PT-1H', 'none'])(
    '%s is refused',
    value =>
      expect(() => validateGroupConfigs({ 'share.auto.offset.reset': value })).toThrow(/The value must be either/),
  )
})
