/** Configs over the wire: who may change what, in Kafka's words, and that a change has its effect. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  AlterConfigs,
  CreateTopics,
  DescribeConfigs,
  Fetch,
  IncrementalAlterConfigs,
  ListConfigResources,
  Produce,
} from '../../lib/protocol/index.ts'
import { readRecords, splitBatches } from '../../lib/records/index.ts'
import { batchOf } from '../support/batches.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

const topic = 2
const broker = 4
const group = 32
const clientMetrics = 16
const [set, del, append, subtract] = [0, 1, 2, 3]

let server: TestBroker
let client: WireClient

beforeAll(async () => {
  server = await startTestBroker()
  client = await WireClient.connect(server.port)
  for (const name of ['t', 'other', 'small', 'keyed', 'stamped']) await create(name)
})

afterAll(async () => {
  client.end()
  await server.close()
})

async function create(name: string) {
  const topics = [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  await client.request(CreateTopics, 7, { topics, timeoutMs: 1_000, validateOnly: false })
}

type Operation = readonly [name: string, operation: number | undefined, value: string | null]

async function alter(
  resourceType: number,
  resourceName: string,
  operations: readonly Operation[],
  validateOnly = false,
) {
  const configs = operations.map(([name, operation, value]) => ({ name, configOperation: operation ?? 0, value }))
  const resources = [{ resourceType, resourceName, configs }]
  const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources, validateOnly })
  return [responses[0]!.errorCode, responses[0]!.errorMessage]
}

async function configOf(resourceType: number, resourceName: string, name: string) {
  const resources = [{ resourceType, resourceName, configurationKeys: [name] }]
  const { results } = await client.request(DescribeConfigs, 4, {
    resources,
    includeSynonyms: false,
    includeDocumentation: false,
  })
  const config = results[0]!.configs[0]
  return config && [config.value, config.configSource]
}

async function produce(name: string, batch: Uint8Array) {
  const topicData = [{ name, partitionData: [{ index: 0, records: [batch] }] }]
  const { responses } = await client.request(Produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 5_000,
    topicData,
  })
  return responses[0]!.partitionResponses[0]!
}

async function batchesOf(topic: string, fetchOffset: number) {
  const { responses } = await client.request(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
  })
  return splitBatches(responses[0]!.partitions[0]!.records!)
}

describe('a topic', () => {
  test('is altered config by config', async () => {
    expect(await alter(topic, 't', [['retention.ms', set, '5']])).toEqual([0, null])
    expect(await alter(topic, 't', [['retention.bytes', set, '7']])).toEqual([0, null])
    expect(await configOf(topic, 't', 'retention.ms')).toEqual(['5', 1])
    expect(await alter(topic, 't', [['retention.ms', del, null]])).toEqual([0, null])
    expect(await configOf(topic, 't', 'retention.ms')).toEqual(['604800000', 5])
    expect(await configOf(topic, 't', 'retention.bytes')).toEqual(['7', 1])
  })

  test('takes members of a list and lets them go', async () => {
    await alter(topic, 'other', [['cleanup.policy', append, 'compact']])
    expect(await configOf(topic, 'other', 'cleanup.policy')).toEqual(['delete,compact', 1])
    await alter(topic, 'other', [['cleanup.policy', append, 'compact']])
    await alter(topic, 'other', [['cleanup.policy', subtract, 'delete']])
    expect(await configOf(topic, 'other', 'cleanup.policy')).toEqual(['compact', 1])
  })

  test('is not changed by what is only to be checked', async () => {
    expect(await alter(topic, 't', [['segment.ms', set, '5']], true)).toEqual([0, null])
    expect(await configOf(topic, 't', 'segment.ms')).toEqual(['604800000', 5])
    expect(await alter(topic, 't', [['segment.ms', set, 'x']], true)).toEqual([40, expect.any(String)])
  })

  test.each<[string, Operation[], number, string]>([
    ['an unknown config', [['nope', set, '5']], 40, 'Unknown topic config name: nope'],
    [
      'no number',
      [['retention.ms', set, 'x']],
      40,
      'Invalid value x for configuration retention.ms: Not a number of type LONG',
    ],
    [
      'a name twice',
      [
        ['retention.ms', set, '5'],
        ['retention.ms', del, null],
      ],
      42,
      'Error due to duplicate config keys',
    ],
    ['nothing', [['retention.ms', set, null]], 42, 'Null value not supported for : retention.ms'],
    [
      'an addition to a number',
      [['retention.ms', append, '5']],
      40,
      "Can't APPEND to key retention.ms because its type is not LIST.",
    ],
    ['an operation of no kind', [['retention.ms', 9, '5']], 42, 'Unknown operation 9'],
  ])('refuses %s', async (_name, operations, code, message) => {
    expect(await alter(topic, 't', operations)).toEqual([code, message])
  })

  test('that does not exist, or cannot, is told apart', async () => {
    expect(await alter(topic, 'nope', [['retention.ms', set, '5']])).toEqual([3, "The topic 'nope' does not exist."])
    expect((await alter(topic, 'a b', [['retention.ms', set, '5']]))[0]).toBe(17)
    expect(await alter(topic, '', [['retention.ms', set, '5']])).toEqual([
      42,
      'Default topic resources are not allowed.',
    ])
  })

  test('that is named twice is not altered, and another one is', async () => {
    const change = (resourceName: string, value: string) => ({
      resourceType: topic,
      resourceName,
      configs: [{ name: 'flush.ms', configOperation: 0, value }],
    })
    const resources = [change('t', '5'), change('other', '6'), change('t', '7')]
    const { responses } = await client.request(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([42, 0, 42])
    expect(await configOf(topic, 't', 'flush.ms')).toEqual(['9223372036854775807', 5])
    expect(await configOf(topic, 'other', 'flush.ms')).toEqual(['6', 1])
  })

  test('goes back to the defaults of what AlterConfigs does not name', async () => {
    await alter(topic, 't', [['retention.ms', set, '5']])
    const configs = [{ name: 'segment.ms', value: '9' }]
    const resources = [{ resourceType: topic, resourceName: 't', configs }]
    const { responses } = await client.request(AlterConfigs, 2, { resources, validateOnly: false })
    expect(responses[0]!.errorCode).toBe(0)
    expect(await configOf(topic, 't', 'retention.ms')).toEqual(['604800000', 5])
    expect(await configOf(topic, 't', 'segment.ms')).toEqual(['9', 1])
  })
})

describe('a change has its effect', () => {
  test('of max.message.bytes', async () => {
    expect((await produce('small', batchOf(['x'.repeat(500)]))).errorCode).toBe(0)
    await alter(topic, 'small', [['max.message.bytes', set, '300']])
    expect((await produce('small', batchOf(['x'.repeat(500)]))).errorCode).toBe(10)
    await alter(topic, 'small', [['max.message.bytes', del, null]])
    expect((await produce('small', batchOf(['x'.repeat(500)]))).errorCode).toBe(0)
  })

  test('of compression.type: batches are kept in it', async () => {
    const { baseOffset } = await produce('small', batchOf(['x'.repeat(500)], { compression: 'gzip' }))
    await alter(topic, 'small', [['compression.type', set, 'zstd']])
    await produce('small', batchOf(['x'.repeat(500)], { compression: 'gzip' }))
    await alter(topic, 'small', [['compression.type', set, 'uncompressed']])
    await produce('small', batchOf(['x'.repeat(500)], { compression: 'gzip' }))
    const batches = await batchesOf('small', baseOffset)
    expect(batches.map(batch => batch.compression)).toEqual(['gzip', 'zstd', 'none'])
  })

  test.each([
    ['gzip', '1', '9'],
    ['zstd', '-50', '19'],
  ] as const)('of compression.%s.level: %s keeps more bytes than %s', async (compression, low, high) => {
    const words = Array.from({ length: 3_000 }, (_, i) => `${(i * 7_919) % 1_000} ${(i * i) % 677}`).join(' ')
    const { baseOffset } = await produce('small', batchOf(['before']))
    await alter(topic, 'small', [['compression.type', set, compression]])
    for (const level of [low, high]) {
      await alter(topic, 'small', [[`compression.${compression}.level`, set, level]])
      expect((await produce('small', batchOf([words]))).errorCode).toBe(0)
    }
    await alter(topic, 'small', [
      ['compression.type', del, null],
      [`compression.${compression}.level`, del, null],
    ])
    const [weak, strong] = await batchesOf('small', baseOffset + 1)
    expect(weak!.bytes.length).toBeGreaterThan(strong!.bytes.length)
    for (const batch of [weak!, strong!]) {
      expect(batch.compression).toBe(compression)
      expect(Array.from(readRecords(batch), record => record.value?.toString())).toEqual([words])
    }
  })

  test('of cleanup.policy: records without a key', async () => {
    expect((await produce('keyed', batchOf(['a']))).errorCode).toBe(0)
    await alter(topic, 'keyed', [['cleanup.policy', set, 'compact']])
    expect((await produce('keyed', batchOf(['a']))).errorCode).toBe(87)
  })

  test('of message.timestamp.type and its bounds', async () => {
    const old = batchOf(['a'], { timestamp: 1_000 })
    expect((await produce('stamped', old)).logAppendTimeMs).toBe(-1)
    await alter(topic, 'stamped', [['message.timestamp.before.max.ms', set, '1000']])
    expect((await produce('stamped', old)).errorCode).toBe(32)
    await alter(topic, 'stamped', [['message.timestamp.type', set, 'LogAppendTime']])
    expect((await produce('stamped', old)).logAppendTimeMs).toBeGreaterThan(1_000)
  })
})

describe('groups and metrics', () => {
  test('keep what is set', async () => {
    expect(await alter(group, 'g', [['consumer.session.timeout.ms', set, '50000']])).toEqual([0, null])
    expect(await configOf(group, 'g', 'consumer.session.timeout.ms')).toEqual(['50000', 8])
    expect(await configOf(group, 'unheard-of', 'share.delivery.count.limit')).toEqual(['5', 5])
    expect(await alter(clientMetrics, 'm', [['match', set, 'client_id=a.*']])).toEqual([0, null])
    expect(await configOf(clientMetrics, 'm', 'match')).toEqual(['client_id=a.*', 7])
  })

  test.each<[number, string, Operation, number]>([
    [group, 'g', ['consumer.session.timeout.ms', set, '5'], 40],
    [group, '', ['consumer.session.timeout.ms', set, '50000'], 42],
    [group, 'x'.repeat(2_000), ['consumer.session.timeout.ms', set, '50000'], 42],
    [clientMetrics, 'm', ['interval.ms', set, '5'], 42],
    [clientMetrics, 'm', ['match', set, 'client_id=['], 40],
    [clientMetrics, 'm', ['metrics', append, 'x'], 40],
    [clientMetrics, 'm', ['nope', set, 'x'], 42],
    [99, 'x', ['nope', set, 'x'], 42],
  ])('%d refuses what cannot be', async (resourceType, name, operation, code) => {
    expect((await alter(resourceType, name, [operation]))[0]).toBe(code)
  })

  test('are listed with topics and brokers', async () => {
    const { configResources } = await client.request(ListConfigResources, 1, { resourceTypes: [] })
    const named = configResources.map(({ resourceName, resourceType }) => `${resourceType} ${resourceName}`)
    expect(named).toEqual(expect.arrayContaining(['32 g', '16 m', '8 1', '4 1', '2 t']))
    const old = await client.request(ListConfigResources, 0, {})
    expect(old.configResources.map(({ resourceName }) => resourceName)).toEqual(['m'])
    expect((await client.request(ListConfigResources, 1, { resourceTypes: [99] })).errorCode).toBe(35)
  })
})

test('a broker is not configured at run time', async () => {
  const refusal = [42, 'Cannot update these configs dynamically: [log.cleaner.threads]']
  expect(await alter(broker, '1', [['log.cleaner.threads', set, '2']])).toEqual(refusal)
  expect(await alter(broker, '', [['log.cleaner.threads', set, '2']])).toEqual(refusal)
  expect((await alter(broker, '7', [['log.cleaner.threads', set, '2']]))[0]).toBe(42)
  expect(await configOf(broker, '1', 'num.partitions')).toEqual(['1', 5])
})

describe('the throttles of a broker', () => {
  const leader = 'leader.replication.throttled.rate'
  const follower = 'follower.replication.throttled.rate'
  const directories = 'replica.alter.log.dirs.io.max.bytes.per.second'

  // kafka-reassign-partitions sets them in --execute --throttle, and unsets them at the end of each --verify.
  test('are kept and told until they are unset', async () => {
    expect(await configOf(broker, '1', leader)).toBeUndefined()
    const operations: Operation[] = [leader, follower, directories].map(name => [name, set, '1000'])
    expect(await alter(broker, '1', operations)).toEqual([0, null])
    for (const name of [leader, follower, directories]) expect(await configOf(broker, '1', name)).toEqual(['1000', 2])
    const unset: Operation[] = [leader, follower, directories].map(name => [name, del, null])
    expect(await alter(broker, '1', unset)).toEqual([0, null])
    expect(await configOf(broker, '1', leader)).toBeUndefined()
    expect(await alter(broker, '1', unset)).toEqual([0, null])
  })

  test('of its own go before those of all brokers', async () => {
    expect(await alter(broker, '', [[leader, set, '2000']])).toEqual([0, null])
    expect(await configOf(broker, '', leader)).toEqual(['2000', 3])
    expect(await configOf(broker, '1', leader)).toEqual(['2000', 3])
    await alter(broker, '1', [[leader, set, '5']])
    expect(await configOf(broker, '1', leader)).toEqual(['5', 2])
    expect(await configOf(broker, '', leader)).toEqual(['2000', 3])
    // AlterConfigs names all that is to be set.
    const resources = [{ resourceType: broker, resourceName: '1', configs: [{ name: follower, value: '7' }] }]
    const { responses } = await client.request(AlterConfigs, 2, { resources, validateOnly: false })
    expect(responses[0]!.errorCode).toBe(0)
    expect(await configOf(broker, '1', leader)).toEqual(['2000', 3])
    expect(await configOf(broker, '1', follower)).toEqual(['7', 2])
    await alter(broker, '1', [[follower, del, null]])
    await alter(broker, '', [[leader, del, null]])
    expect(await configOf(broker, '1', leader)).toBeUndefined()
  })

  test.each<[string, string]>([
    ['x', 'Not a number of type LONG'],
    ['', 'Not a number of type LONG'],
    ['-1', 'Value must be at least 0'],
  ])("cannot be '%s'", async (value, why) => {
    const message = `Invalid value ${value} for configuration ${leader}: ${why}`
    expect(await alter(broker, '1', [[leader, set, value]])).toEqual([42, message])
    expect(await configOf(broker, '1', leader)).toBeUndefined()
  })

  test('are not set beside what cannot be, nor where they are only to be checked', async () => {
    const both: Operation[] = [
      [leader, set, '5'],
      ['node.id', set, '2'],
    ]
    expect(await alter(broker, '1', both)).toEqual([42, 'Cannot update these configs dynamically: [node.id]'])
    expect(await alter(broker, '1', [[leader, set, '5']], true)).toEqual([0, null])
    expect(await configOf(broker, '1', leader)).toBeUndefined()
  })
})
