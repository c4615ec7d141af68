/** APIs of a cluster that has nothing to do there: Kafka's answer, in every version, or its error. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  AlterClientQuotas,
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  AlterUserScramCredentials,
  type Api,
  CreateAcls,
  CreateDelegationToken,
  CreateTopics,
  DeleteAcls,
  DescribeAcls,
  DescribeClientQuotas,
  DescribeDelegationToken,
  DescribeLogDirs,
  DescribeQuorum,
  DescribeTopicPartitions,
  DescribeUserScramCredentials,
  ElectLeaders,
  type Encodable,
  ExpireDelegationToken,
  type Fields,
  ListPartitionReassignments,
  OffsetForLeaderEpoch,
  Produce,
  RenewDelegationToken,
  SaslAuthenticate,
  SaslHandshake,
  UnregisterBroker,
  UnregisterController,
  UpdateFeatures,
} from '../../lib/protocol/index.ts'
import { batchOf } from '../support/batches.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

let broker: TestBroker
let client: WireClient
const batch = batchOf(['a', 'b', 'c'])

beforeAll(async () => {
  broker = await startTestBroker()
  client = await WireClient.connect(broker.port)
  const topic = { replicationFactor: 1, assignments: [], configs: [] }
  const topics = [
    { ...topic, name: 'a', numPartitions: 3 },
    { ...topic, name: 'b', numPartitions: 2 },
  ]
  await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000, validateOnly: false })
  const topicData = [{ name: 'a', partitionData: [{ index: 0, records: [batch] }] }]
  await client.request(Produce, 9, { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData })
})

afterAll(async () => {
  client.end()
  await broker.close()
})

/** The answers in every version that there is. */
async function everyVersion<Q extends Fields, R extends Fields>(api: Api<Q, R>, body: Encodable<Q>) {
  const [first, last] = [
    Math.max(api.request.versions[0], api.advertised[0]),
    Math.min(api.request.versions[1], api.advertised[1]),
  ]
  const answers = []
  for (let version = first; version <= last; version++) answers.push(await client.request(api, version, body))
  expect(answers.length).toBeGreaterThan(0)
  return answers
}

test('the epoch 0 ends where the log does, and there is no other', async () => {
  const partitions = [
    { partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 },
    { partition: 1, currentLeaderEpoch: 0, leaderEpoch: 0 },
    { partition: 0, currentLeaderEpoch: -1, leaderEpoch: 1 },
    { partition: 0, currentLeaderEpoch: 1, leaderEpoch: 0 },
    { partition: 9, currentLeaderEpoch: -1, leaderEpoch: 0 },
  ]
  for (const { topics } of await everyVersion(OffsetForLeaderEpoch, {
    replicaId: -1,
    topics: [{ topic: 'a', partitions }],
  })) {
    expect(
      topics[0]!.partitions.map(({ errorCode, leaderEpoch, endOffset }) => [errorCode, leaderEpoch, endOffset]),
    ).toEqual([
      [0, 0, 3],
      [0, 0, 0],
      [0, -1, -1],
      [75, -1, -1],
      [3, -1, -1],
    ])
  }
})

test('a directory tells the bytes of each partition', async () => {
  for (const { results } of await everyVersion(DescribeLogDirs, { topics: null })) {
    const sizes = results[0]!.topics.map(({ name, partitions }) => [
      name,
      partitions.map(partition => partition.partitionSize),
    ])
    expect(sizes).toEqual([
      ['a', [batch.length, 0, 0]],
      ['b', [0, 0]],
    ])
  }
  const named = [
    { topic: 'a', partitions: [1, 9] },
    { topic: 'nope', partitions: [0] },
  ]
  const [answer] = await everyVersion(DescribeLogDirs, { topics: named })
  expect(answer!.results[0]!.topics.map(({ partitions }) => partitions.length)).toEqual([1])
  const dirs = [{ path: '/x', topics: [{ name: 'a', partitions: [0] }] }]
  for (const { results } of await everyVersion(AlterReplicaLogDirs, { dirs })) {
    expect(results[0]!.partitions[0]!.errorCode).toBe(57)
  }
  const path = answer!.results[0]!.logDir
  const there = [
    {
      path,
      topics: [
        { name: 'a', partitions: [0, 9] },
        { name: 'nope', partitions: [0] },
      ],
    },
  ]
  for (const { results } of await everyVersion(AlterReplicaLogDirs, { dirs: there })) {
    const told = results.map(({ topicName, partitions }) => [topicName, partitions.map(({ errorCode }) => errorCode)])
    expect(told).toEqual([
      ['a', [0, 3]],
      ['nope', [3]],
    ])
  }
})

describe('DescribeTopicPartitions', () => {
  async function page(limit: number, cursor: { topicName: string; partitionIndex: number } | null) {
    const topics = [{ name: 'b' }, { name: 'a' }]
    const answer = await client.request(DescribeTopicPartitions, 0, { topics, responsePartitionLimit: limit, cursor })
    const told = answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => `${name}${partitionIndex}`),
    )
    return { told, cursor: answer.nextCursor, codes: answer.topics.map(({ errorCode }) => errorCode) }
  }

  test.each([1, 2, 3, 4, 5, 9])('%d partitions at a time tell of every one once', async limit => {
    const told: string[] = []
    let cursor: { topicName: string; partitionIndex: number } | null = null
    do {
      const next: Awaited<ReturnType<typeof page>> = await page(limit, cursor)
      expect(next.told.length).toBeLessThanOrEqual(limit)
      told.push(...next.told)
      cursor = next.cursor
    } while (cursor !== null)
    expect(told).toEqual(['a0', 'a1', 'a2', 'b0', 'b1'])
  })

  test('a cursor that is none is refused', async () => {
    expect((await page(2, { topicName: 'zzz', partitionIndex: 0 })).codes).toEqual([42, 42])
    expect((await page(2, { topicName: 'a', partitionIndex: -1 })).codes).toEqual([42, 42])
  })
})

test('no partition is elected a leader or moved', async () => {
  const topicPartitions = [
    { topic: 'a', partitions: [0, 9] },
    { topic: 'nope', partitions: [0] },
  ]
  for (const answer of await everyVersion(ElectLeaders, { electionType: 0, topicPartitions, timeoutMs: 1_000 })) {
    const codes = answer.replicaElectionResults.flatMap(({ partitionResult }) =>
      partitionResult.map(({ errorCode }) => errorCode),
    )
    expect(codes).toEqual([84, 3, 3])
  }
  const partitions = [
    { partitionIndex: 0, replicas: [1] },
    { partitionIndex: 1, replicas: null },
    { partitionIndex: 2, replicas: [7] },
    { partitionIndex: 9, replicas: [1] },
  ]
  const topics = [{ name: 'a', partitions }]
  for (const answer of await everyVersion(AlterPartitionReassignments, { timeoutMs: 1_000, topics })) {
    expect(answer.responses[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 85, 39, 3])
  }
  const [listed] = await everyVersion(ListPartitionReassignments, { timeoutMs: 1_000, topics: null })
  expect(listed).toMatchObject({ errorCode: 0, topics: [] })
})

test('features have the level that they have', async () => {
  const codeOf = async (feature: string, maxVersionLevel: number) => {
    const featureUpdates = [{ feature, maxVersionLevel, upgradeType: 1 }]
    const answers = await everyVersion(UpdateFeatures, { timeoutMs: 1_000, featureUpdates, validateOnly: false })
    return answers.map(({ errorCode }) => errorCode)
  }
  expect(await codeOf('transaction.version', 2)).toEqual([0, 0, 0])
  expect(await codeOf('transaction.version', 1)).toEqual([95, 95, 95])
  expect(await codeOf('nope', 1)).toEqual([95, 95, 95])
})

test('nobody is unregistered', async () => {
  expect((await client.request(UnregisterBroker, 0, { brokerId: 7 })).errorCode).toBe(102)
  expect((await client.request(UnregisterBroker, 0, { brokerId: 1 })).errorCode).toBe(42)
  expect((await client.request(UnregisterController, 0, { controllerId: 7 })).errorCode).toBe(136)
})

describe('the quorum of the metadata', () => {
  const asked = (topicName: string, ...partitions: number[]) => ({
    topics: [{ topicName, partitions: partitions.map(partitionIndex => ({ partitionIndex })) }],
  })

  test('is the gateway that answers', async () => {
    const answers = await everyVersion(DescribeQuorum, asked('__cluster_metadata', 0))
    for (const [version, { errorCode, topics, nodes }] of answers.entries()) {
      expect(errorCode).toBe(0)
      const [partition] = topics[0]!.partitions
      expect(partition).toMatchObject({ errorCode: 0, leaderId: 1, highWatermark: 0, observers: [] })
      expect(partition!.currentVoters).toMatchObject([{ replicaId: 1, logEndOffset: 0 }])
      expect(partition!.currentVoters[0]!.lastCaughtUpTimestamp).toEqual(version === 0 ? -1 : expect.any(Number))
      expect(nodes.map(({ nodeId }) => nodeId)).toEqual(version < 2 ? [] : [1])
    }
  })

  test('is asked for alone', async () => {
    for (const body of [asked('__cluster_metadata', 1), asked('__cluster_metadata', 0, 1), asked('a', 0)]) {
      for (const answer of await everyVersion(DescribeQuorum, body)) {
        expect(new Set(answer.topics[0]!.partitions.map(({ errorCode }) => errorCode))).toEqual(new Set([3]))
      }
    }
    for (const answer of await everyVersion(DescribeQuorum, { topics: [] })) expect(answer.topics).toEqual([])
  })
})

describe('client quotas', () => {
  type Part = { entityType: string; entityName: string | null }
  const user: Part = { entityType: 'user', entityName: 'u' }
  const anyClient: Part = { entityType: 'client-id', entityName: null }
  const rate = (value: number, key = 'producer_byte_rate') => ({ key, value, remove: false })
  const alter = async (entity: Part[], ops: { key: string; value: number; remove: boolean }[], validateOnly = false) =>
    (await client.request(AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly })).entries[0]!
  const describeAll = (components: { entityType: string; matchType: number; match: string | null }[], strict = false) =>
    client.request(DescribeClientQuotas, 1, { components, strict })
  const found = async (...asked: Parameters<typeof describeAll>) =>
    (await describeAll(...asked)).entries!.map(({ entity, values }) => [
      entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).join(),
      Object.fromEntries(values.map(({ key, value }) => [key, value])),
    ])

  test('are told as they were set, whatever the order of what they are for, until they are removed', async () => {
    expect(await alter([user, anyClient], [rate(1_000), rate(12.5, 'request_percentage')])).toMatchObject({
      errorCode: 0,
      errorMessage: null,
    })
    expect((await alter([anyClient, user], [rate(2_000)])).errorCode).toBe(0)
    const both = ['client-id=null,user=u', { producer_byte_rate: 2_000, request_percentage: 12.5 }]
    expect(await found([])).toEqual([both])
    const remove = ['producer_byte_rate', 'request_percentage'].map(key => ({ key, value: 0, remove: true }))
    expect((await alter([user, anyClient], remove)).errorCode).toBe(0)
    expect(await found([])).toEqual([])
  })

  test('for one entity that is named twice are those of the first time, and the one answer says so', async () => {
    const ask = async (...entities: Part[][]) => {
      const entries = entities.map((entity, i) => ({ entity, ops: [rate(1_000 * (i + 1))] }))
      const answer = await client.request(AlterClientQuotas, 1, { entries, validateOnly: false })
      return answer.entries.map(({ errorCode, errorMessage, entity }) => [errorCode, errorMessage, entity])
    }
    const message = 'Ignoring duplicate entity ClientQuotaEntity(entries={client-id=null, user=u})'
    expect(await ask([user, anyClient], [user], [anyClient, user])).toEqual([
      [42, message, [anyClient, user]],
      [0, null, [user]],
    ])
    expect(await found([])).toEqual([
      ['client-id=null,user=u', { producer_byte_rate: 1_000 }],
      ['user=u', { producer_byte_rate: 2_000 }],
    ])
    const remove = [{ key: 'producer_byte_rate', value: 0, remove: true }]
    for (const entity of [[user], [user, anyClient]]) await alter(entity, remove)
  })

  test('are found by name, as the default, by type, and strictly', async () => {
    await alter([user], [rate(1)])
    await alter([anyClient], [rate(2)])
    await alter([user, anyClient], [rate(3)])
    const values = async (...asked: Parameters<typeof describeAll>) =>
      (await found(...asked)).map(([, set]) => (set as { producer_byte_rate: number }).producer_byte_rate).sort()
    const byName = { entityType: 'user', matchType: 0, match: 'u' }
    const byDefault = { entityType: 'client-id', matchType: 1, match: null }
    const byType = { entityType: 'user', matchType: 2, match: null }
    expect(await values([byName])).toEqual([1, 3])
    expect(await values([byName], true)).toEqual([1])
    expect(await values([{ ...byName, match: 'v' }])).toEqual([])
    expect(await values([byDefault])).toEqual([2, 3])
    expect(await values([byType, byDefault], true)).toEqual([3])
    expect(await values([], true)).toEqual([])
    const remove = [{ key: 'producer_byte_rate', value: 0, remove: true }]
    for (const entity of [[user], [anyClient], [user, anyClient]]) await alter(entity, remove)
  })

  test('that cannot be are refused in Kafka’s words, and what is only validated is not set', async () => {
    const ip: Part = { entityType: 'ip', entityName: '127.0.0.1' }
    for (const [entity, op, message] of [
      [[], rate(1), 'Invalid empty client quota entity'],
      [[user, ip], rate(1), 'Invalid empty client quota entity'],
      [[{ ...user, entityName: '' }], rate(1), 'Empty user not supported'],
      [[{ ...user, entityType: 'nope' }], rate(1), 'Unhandled client quota entity type: nope'],
      [[user], rate(1, 'nope'), 'Invalid configuration key nope'],
      [[ip], rate(1), 'Invalid configuration key producer_byte_rate'],
      [[user], rate(1.5), 'producer_byte_rate cannot be a fractional value.'],
      [[user], rate(0), 'Quota producer_byte_rate must be greater than 0'],
      [[user], rate(Number.NaN), 'Quota producer_byte_rate must be greater than 0'],
      [[user], rate(1e300), 'Proposed value for producer_byte_rate is too large for a LONG.'],
      [
        [ip],
        rate(2 ** 31, 'connection_creation_rate'),
        'Proposed value for connection_creation_rate is too large for an INT.',
      ],
    ] as const) {
      expect(await alter([...entity], [op])).toMatchObject({ errorCode: 42, errorMessage: message })
    }
    expect((await alter([user], [rate(1)], true)).errorCode).toBe(0)
    expect(await found([])).toEqual([])
    const twice = { entityType: 'user', matchType: 2, match: null }
    expect(await describeAll([twice, twice])).toMatchObject({ errorCode: 42, entries: null })
    expect(await describeAll([{ ...twice, entityType: 'nope' }])).toMatchObject({ errorCode: 35, entries: null })
  })
})

test('what is not kept is not taken', async () => {
  const salt = Buffer.from('salt')
  const upsertion = { name: 'u', mechanism: 1, iterations: 4_096, salt, saltedPassword: Buffer.alloc(32) }
  const { results } = await client.request(AlterUserScramCredentials, 0, {
    deletions: [{ name: 'v', mechanism: 1 }],
    upsertions: [upsertion],
  })
  expect(results.map(({ errorCode }) => errorCode)).toEqual([91, 33])
  expect((await client.request(DescribeUserScramCredentials, 0, { users: null })).results).toEqual([])
})

test('security is off, and says so', async () => {
  const filter = {
    resourceTypeFilter: 1,
    resourceNameFilter: null,
    patternTypeFilter: 1,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  }
  const creation = {
    resourceType: 2,
    resourceName: 't',
    resourcePatternType: 3,
    principal: 'User:a',
    host: '*',
    operation: 3,
    permissionType: 3,
  }
  for (const { errorCode } of await everyVersion(DescribeAcls, filter)) expect(errorCode).toBe(54)
  for (const { results } of await everyVersion(CreateAcls, { creations: [creation] }))
    expect(results[0]!.errorCode).toBe(54)
  for (const { filterResults } of await everyVersion(DeleteAcls, { filters: [filter] })) {
    expect(filterResults[0]!.errorCode).toBe(54)
  }
  const hmac = Buffer.from('x')
  const tokens = [
    ...(await everyVersion(CreateDelegationToken, { renewers: [], maxLifetimeMs: -1 })),
    ...(await everyVersion(RenewDelegationToken, { hmac, renewPeriodMs: -1 })),
    ...(await everyVersion(ExpireDelegationToken, { hmac, expiryTimePeriodMs: -1 })),
    ...(await everyVersion(DescribeDelegationToken, { owners: null })),
  ]
  expect(new Set(tokens.map(({ errorCode }) => errorCode))).toEqual(new Set([64]))
  for (const { errorCode } of await everyVersion(SaslHandshake, { mechanism: 'PLAIN' })) expect(errorCode).toBe(34)
  for (const { errorCode } of await everyVersion(SaslAuthenticate, { authBytes: hmac })) expect(errorCode).toBe(34)
})
