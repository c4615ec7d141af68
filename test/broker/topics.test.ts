import { afterEach, describe, expect, test } from 'vitest'
import {
  CreatePartitions,
  CreateTopics,
  type CreateTopicsRequest,
  DeleteTopics,
  DescribeConfigs,
  errorCodes,
  type MessageInput,
  Metadata,
  zeroUuid,
} from '../../lib/protocol/index.ts'
import { startTestBroker, type TestBroker, type TestBrokerOptions } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

let broker: TestBroker
let client: WireClient

afterEach(async () => {
  client.end()
  await broker.close()
})

async function start(options: TestBrokerOptions = {}): Promise<void> {
  broker = await startTestBroker(options)
  client = await WireClient.connect(broker.port)
}

type NewTopic = MessageInput<typeof CreateTopicsRequest>['topics'][number]

function newTopic(name: string, more: Partial<NewTopic> = {}): NewTopic {
  return { name, numPartitions: 3, replicationFactor: -1, assignments: [], configs: [], ...more }
}

async function create(topics: readonly NewTopic[], options: { version?: number; validateOnly?: boolean } = {}) {
  const { version = 7, validateOnly = false } = options
  return (await client.request(CreateTopics, version, { topics, timeoutMs: 10_000, validateOnly })).topics
}

async function errorOf(topic: NewTopic): Promise<number> {
  return (await create([topic]))[0]!.errorCode
}

async function names(): Promise<(string | null)[]> {
  return (await client.request(Metadata, 9, { topics: null })).topics.map(topic => topic.name)
}

describe('Metadata', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])(
    'version %i tells brokers, topics and leaders',
    async version => {
      await start()
      await create([newTopic('t')])
      const answer = await client.request(Metadata, version, { topics: [{ name: 't' }] })
      expect(answer.brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null }])
      expect(answer.clusterId).toBe(version < 2 ? null : broker.cluster.clusterId)
      expect(answer.topics[0]).toMatchObject({ errorCode: 0, name: 't', isInternal: false })
      expect(answer.topics[0]!.partitions.map(({ partitionIndex, leaderId }) => [partitionIndex, leaderId])).toEqual([
        [0, 1],
        [1, 1],
        [2, 1],
      ])
    },
  )

  test('all topics: an empty list in version 0, null from then on, where an empty list means none', async () => {
    await start()
    await create([newTopic('a'), newTopic('b')])
    const namesOf = async (version: number, topics: [] | null) =>
      (await client.request(Metadata, version, { topics })).topics.map(topic => topic.name)
    expect(await namesOf(0, [])).toEqual(['a', 'b'])
    expect(await namesOf(1, null)).toEqual(['a', 'b'])
    expect(await namesOf(1, [])).toEqual([])
    expect(await namesOf(12, null)).toEqual(['a', 'b'])
  })

  test('creates a topic where client and config allow it, and tells it at once', async () => {
    await start({ config: { defaultPartitions: 5 } })
    const made = await client.request(Metadata, 4, { topics: [{ name: 'new' }], allowAutoTopicCreation: true })
    expect(made.topics[0]!.errorCode).toBe(0)
    expect(made.topics[0]!.partitions.length).toBe(5)
    const refused = await client.request(Metadata, 4, { topics: [{ name: 'other' }], allowAutoTopicCreation: false })
    expect(refused.topics[0]!.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await names()).toEqual(['new'])
  })

  test('creates nothing where the config forbids it', async () => {
    await start({ config: { autoCreateTopics: false } })
    const answer = await client.request(Metadata, 9, { topics: [{ name: 'new' }] })
    expect(answer.topics[0]!.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await names()).toEqual([])
  })

  test.each(['', '.', '..', 'a b', 'a/b', 'x'.repeat(250)])('the name %j is not allowed', async name => {
    await start()
    for (const allowAutoTopicCreation of [true, false]) {
      const { topics } = await client.request(Metadata, 9, { topics: [{ name }], allowAutoTopicCreation })
      expect(topics[0]!.errorCode).toBe(errorCodes.INVALID_TOPIC_EXCEPTION)
    }
  })

  test('finds topics by id from version 12 on', async () => {
    await start()
    const topicId = (await create([newTopic('t')]))[0]!.topicId
    const byId = (version: number, id: string) =>
      client.request(Metadata, version, { topics: [{ topicId: id, name: null }] })
    expect((await byId(12, topicId)).topics[0]).toMatchObject({ errorCode: 0, name: 't', topicId })
    const missing = 'cd'.repeat(16)
    expect((await byId(12, missing)).topics[0]).toMatchObject({
      errorCode: errorCodes.UNKNOWN_TOPIC_ID,
      name: null,
      topicId: missing,
    })
    const both = await client.request(Metadata, 12, { topics: [{ topicId, name: 'another' }] })
    expect(both.topics[0]).toMatchObject({ errorCode: 0, name: 't', topicId })
    expect((await byId(10, topicId)).topics[0]!.errorCode).toBe(errorCodes.INVALID_REQUEST)
  })

  test('tells what is allowed where it is asked for', async () => {
    await start()
    await create([newTopic('t')])
    const asked = await client.request(Metadata, 8, {
      topics: [{ name: 't' }],
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    })
    expect(asked.topics[0]!.topicAuthorizedOperations).toBe(3_576)
    expect(asked.clusterAuthorizedOperations).toBe(8_096)
    const unasked = await client.request(Metadata, 8, { topics: [{ name: 't' }] })
    expect(unasked.topics[0]!.topicAuthorizedOperations).toBe(-2_147_483_648)
  })

  test('many clients that use a new topic at the same time find one', async () => {
    await start()
    const clients = await Promise.all(Array.from({ length: 8 }, () => WireClient.connect(broker.port)))
    const answers = await Promise.all(clients.map(one => one.request(Metadata, 12, { topics: [{ name: 'same' }] })))
    expect(new Set(answers.map(answer => answer.topics[0]!.topicId)).size).toBe(1)
    expect(answers.every(answer => answer.topics[0]!.errorCode === 0)).toBe(true)
    for (const one of clients) one.end()
  })
})

describe('CreateTopics', () => {
  test.each([2, 3, 4, 5, 6, 7])('version %i creates, and describes what it created', async version => {
    await start({ config: { defaultPartitions: 2 } })
    const configs = [{ name: 'retention.ms', value: '1000' }]
    const topics = [newTopic('given', { configs }), newTopic('default', { numPartitions: -1 })]
    const [given, byDefault] = await create(topics, { version })
    expect(given).toMatchObject({ name: 'given', errorCode: 0, errorMessage: null })
    if (version >= 5) {
      expect(given).toMatchObject({ numPartitions: 3, replicationFactor: 1 })
      expect(byDefault!.numPartitions).toBe(2)
      const retention = given!.configs!.find(config => config.name === 'retention.ms')
      expect(retention).toEqual({
        name: 'retention.ms',
        value: '1000',
        readOnly: false,
        configSource: 1,
        isSensitive: false,
      })
      expect(given!.configs!.length).toBeGreaterThan(30)
    }
    expect(given!.topicId === zeroUuid).toBe(version < 7)
    expect(await names()).toEqual(['default', 'given'])
  })

  test('validateOnly creates nothing, and refuses what would be refused', async () => {
    await start()
    await create([newTopic('taken')])
    const answers = await create([newTopic('fine'), newTopic('taken'), newTopic('a b')], { validateOnly: true })
    expect(answers.map(topic => topic.errorCode)).toEqual([
      0,
      errorCodes.TOPIC_ALREADY_EXISTS,
      errorCodes.INVALID_TOPIC_EXCEPTION,
    ])
    expect(await names()).toEqual(['taken'])
  })

  test('each topic fails for itself', async () => {
    await start()
    expect(await errorOf(newTopic('a', { numPartitions: 0 }))).toBe(errorCodes.INVALID_PARTITIONS)
    expect(await errorOf(newTopic('a', { numPartitions: -2 }))).toBe(errorCodes.INVALID_PARTITIONS)
    expect(await errorOf(newTopic('a', { replicationFactor: 0 }))).toBe(errorCodes.INVALID_REPLICATION_FACTOR)
    expect(await errorOf(newTopic('a', { configs: [{ name: 'no.such', value: '1' }] }))).toBe(errorCodes.INVALID_CONFIG)
    expect(await errorOf(newTopic('a', { configs: [{ name: 'retention.ms', value: 'x' }] }))).toBe(
      errorCodes.INVALID_CONFIG,
    )
    expect(await errorOf(newTopic('a', { configs: [{ name: 'retention.ms', value: null }] }))).toBe(
      errorCodes.INVALID_CONFIG,
    )
    const twice = await create([newTopic('twice'), newTopic('once'), newTopic('twice')])
    expect(twice.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['twice', errorCodes.INVALID_REQUEST],
      ['once', 0],
    ])
    expect(await errorOf(newTopic('once'))).toBe(errorCodes.TOPIC_ALREADY_EXISTS)
    expect(await names()).toEqual(['once'])
  })

  test('a manual assignment gives the number of partitions, and must make sense', async () => {
    await start()
    const assigned = (name: string, assignments: NewTopic['assignments'], numPartitions = -1) =>
      newTopic(name, { numPartitions, assignments })
    const on = (partitionIndex: number, ...brokerIds: number[]) => ({ partitionIndex, brokerIds })
    expect((await create([assigned('a', [on(1, 1), on(0, 1)])]))[0]).toMatchObject({ errorCode: 0, numPartitions: 2 })
    expect(await errorOf(assigned('b', [on(0, 1)], 1))).toBe(errorCodes.INVALID_REQUEST)
    expect(await errorOf(assigned('b', [on(1, 1)]))).toBe(errorCodes.INVALID_REPLICA_ASSIGNMENT)
    expect(await errorOf(assigned('b', [on(0, 7)]))).toBe(errorCodes.INVALID_REPLICA_ASSIGNMENT)
    expect(await errorOf(assigned('b', [on(0)]))).toBe(errorCodes.INVALID_REPLICA_ASSIGNMENT)
  })
})

describe('DeleteTopics', () => {
  test.each([1, 2, 3, 4, 5])('version %i deletes by name', async version => {
    await start()
    await create([newTopic('a'), newTopic('b')])
    const body = { topicNames: ['a', 'missing'], timeoutMs: 10_000 }
    const { responses } = await client.request(DeleteTopics, version, body)
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['a', 0],
      ['missing', errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ])
    expect(await names()).toEqual(['b'])
  })

  test('version 6 deletes by name or id, not by both', async () => {
    await start()
    const [a, b] = await create([newTopic('a'), newTopic('b'), newTopic('c')])
    const { responses } = await client.request(DeleteTopics, 6, {
      topics: [
        { name: 'a', topicId: zeroUuid },
        { name: null, topicId: b!.topicId },
        { name: null, topicId: 'ef'.repeat(16) },
        { name: 'c', topicId: a!.topicId },
        { name: null, topicId: zeroUuid },
      ],
      timeoutMs: 10_000,
    })
    expect(responses.map(({ errorCode }) => errorCode)).toEqual([
      0,
      0,
      errorCodes.UNKNOWN_TOPIC_ID,
      errorCodes.INVALID_REQUEST,
      errorCodes.INVALID_REQUEST,
    ])
    expect(responses[1]).toMatchObject({ name: 'b', topicId: b!.topicId })
    expect(await names()).toEqual(['c'])
  })
})

describe('CreatePartitions', () => {
  test.each([0, 1, 2, 3])('version %i adds partitions', async version => {
    await start()
    await create([newTopic('t')])
    const grow = async (
      count: number,
      more: { assignments?: { brokerIds: number[] }[]; validateOnly?: boolean } = {},
    ) => {
      const { assignments = null, validateOnly = false } = more
      const body = { topics: [{ name: 't', count, assignments }], timeoutMs: 10_000, validateOnly }
      return (await client.request(CreatePartitions, version, body)).results[0]!.errorCode
    }
    expect(await grow(5, { validateOnly: true })).toBe(0)
    expect(await grow(3)).toBe(errorCodes.INVALID_PARTITIONS)
    expect(await grow(2, { validateOnly: true })).toBe(errorCodes.INVALID_PARTITIONS)
    expect(await grow(5, { assignments: [{ brokerIds: [1] }] })).toBe(errorCodes.INVALID_REPLICA_ASSIGNMENT)
    const strangers = [{ brokerIds: [1] }, { brokerIds: [7] }]
    expect(await grow(5, { assignments: strangers })).toBe(errorCodes.INVALID_REPLICA_ASSIGNMENT)
    expect(await grow(5)).toBe(0)
    expect((await client.request(Metadata, 9, { topics: [{ name: 't' }] })).topics[0]!.partitions.length).toBe(5)
  })
})

describe('DescribeConfigs', () => {
  test.each([1, 2, 3, 4])('version %i describes topics and brokers', async version => {
    await start()
    await create([newTopic('t', { configs: [{ name: 'cleanup.policy', value: 'compact' }] })])
    const { results } = await client.request(DescribeConfigs, version, {
      resources: [
        { resourceType: 2, resourceName: 't', configurationKeys: ['cleanup.policy', 'retention.ms'] },
        { resourceType: 2, resourceName: 'missing', configurationKeys: null },
        { resourceType: 4, resourceName: '1', configurationKeys: null },
        { resourceType: 4, resourceName: '9', configurationKeys: null },
        { resourceType: 8, resourceName: '1', configurationKeys: null },
        { resourceType: 2, resourceName: 'a b', configurationKeys: null },
      ],
      includeSynonyms: true,
      includeDocumentation: true,
    })
    expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 3, 0, 42, 0, 17])
    const [policy, retention] = results[0]!.configs
    expect(policy).toMatchObject({ name: 'cleanup.policy', value: 'compact', configSource: 1, readOnly: false })
    expect(policy!.synonyms).toEqual([
      { name: 'cleanup.policy', value: 'compact', source: 1 },
      { name: 'log.cleanup.policy', value: 'delete', source: 5 },
    ])
    expect(retention).toMatchObject({ name: 'retention.ms', value: '604800000', configSource: 5 })
    if (version >= 3) expect([policy!.configType, retention!.configType]).toEqual([7, 5])
    if (version >= 3) expect(policy!.documentation).toContain('compact')
    expect(results[2]!.configs.find(config => config.name === 'num.partitions')).toMatchObject({
      value: '1',
      readOnly: true,
    })
    const configOf = (name: string) => results[2]!.configs.find(config => config.name === name)
    expect(configOf('log.cleaner.threads')).toMatchObject({ value: '1', configSource: 5, readOnly: true })
    expect(configOf('broker.rack')).toMatchObject({ value: null, synonyms: [] })
    expect(configOf('ssl.key.password')).toMatchObject({ value: null, isSensitive: true })
    if (version >= 3) expect(configOf('metrics.recording.level')!.documentation).toContain('trace.\n')
    const told = results[2]!.configs.map(({ name }) => name)
    expect(new Set(told).size).toBe(told.length)
  })
})

describe('forks, by topic configs', () => {
  const fork = (name: string, configs: Record<string, string>, more: Partial<NewTopic> = {}) =>
    newTopic(name, {
      numPartitions: -1,
      configs: Object.entries(configs).map(([configName, value]) => ({ name: configName, value })),
      ...more,
    })

  test('CreateTopics makes one, and tells its configs as read-only', async () => {
    await start()
    await create([newTopic('a', { configs: [{ name: 'retention.ms', value: '-1' }] })])
    const asked = fork('b', { 'varve.fork.from': 'a', 'varve.fork.at': '0:0' })
    expect(await create([asked], { validateOnly: true })).toMatchObject([{ errorCode: 0, numPartitions: 3 }])
    expect(await names()).toEqual(['a'])
    const [made] = await create([asked])
    expect(made).toMatchObject({ errorCode: 0, numPartitions: 3 })
    const told = made!.configs!.filter(({ name }) => name.startsWith('varve.fork.') || name === 'retention.ms')
    expect(told.map(({ name, value, readOnly }) => [name, value, readOnly])).toEqual([
      ['retention.ms', '-1', false],
      ['varve.fork.at', '0:0', true],
      ['varve.fork.from', 'a', true],
    ])
    expect((await create([newTopic('c')]))[0]!.configs!.some(({ name }) => name.startsWith('varve.fork.'))).toBe(false)
  })

  test.each([
    [{ 'varve.fork.from': 'no' }, {}, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    [{ 'varve.fork.from': 'a', 'varve.fork.at': 'soon' }, {}, errorCodes.INVALID_CONFIG],
    [{ 'varve.fork.from': 'a', 'varve.fork.at': '0:9' }, {}, errorCodes.OFFSET_OUT_OF_RANGE],
    [{ 'varve.fork.from': 'a' }, { numPartitions: 2 }, errorCodes.INVALID_PARTITIONS],
    [{ 'varve.fork.at': 'latest' }, {}, errorCodes.INVALID_CONFIG],
  ])('%j is refused', async (configs, more, code) => {
    await start()
    await create([newTopic('a')])
    expect(await errorOf(fork('b', configs, more))).toBe(code)
    expect(await names()).toEqual(['a'])
  })
})
