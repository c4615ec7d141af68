/** Where other servers that speak Kafka's protocol went wrong, each as a test. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  CreatePartitions,
  CreateTopics,
  DescribeConfigs,
  EndTxn,
  Fetch,
  InitProducerId,
  JoinGroup,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  Produce,
  SyncGroup,
} from '../../lib/protocol/index.ts'
import { readRecords, splitBatches } from '../../lib/records/index.ts'
import { batchOf } from '../support/batches.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

let broker: TestBroker
let client: WireClient

beforeAll(async () => {
  broker = await startTestBroker()
  client = await WireClient.connect(broker.port)
})

afterAll(async () => {
  client.end()
  await broker.close()
})

async function createTopic(name: string, numPartitions = 1): Promise<string> {
  const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }]
  const created = await client.request(CreateTopics, 7, { topics, timeoutMs: 5_000, validateOnly: false })
  expect(created.topics[0]!.errorCode).toBe(0)
  return created.topics[0]!.topicId!
}

async function produce(topic: string, records: Uint8Array, transactionalId: string | null = null) {
  const topicData = [{ name: topic, partitionData: [{ index: 0, records: [records] }] }]
  const answer = await client.request(Produce, 12, { transactionalId, acks: -1, timeoutMs: 5_000, topicData })
  expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(0)
}

async function offsetAt(topic: string, timestamp: number) {
  const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }]
  const answer = await client.request(ListOffsets, 7, { replicaId: -1, isolationLevel: 0, topics })
  const { offset, timestamp: found } = answer.topics[0]!.partitions[0]!
  return [offset, found]
}

async function fetchFrom(topic: string, fetchOffset: number, isolationLevel = 0) {
  const { responses } = await client.request(Fetch, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    isolationLevel,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }] }],
  })
  return responses[0]!.partitions[0]!
}

test('ListOffsets by time is right to the record, in the middle of a compressed batch too', async () => {
  await createTopic('times')
  for (const compression of ['none', 'gzip', 'zstd', 'lz4', 'snappy'] as const) {
    const first = Number((await offsetAt('times', -1))[0])
    const base = 1_000_000 + first * 1_000
    const timestamps = [0, 10, 20, 20, 30].map(delta => base + delta)
    const records = timestamps.map(timestamp => ({ timestamp, key: null, value: Buffer.from('v') }))
    await produce('times', batchOf([], { records, compression }))
    expect(await offsetAt('times', base)).toEqual([first, base])
    expect(await offsetAt('times', base + 1)).toEqual([first + 1, base + 10])
    expect(await offsetAt('times', base + 20)).toEqual([first + 2, base + 20])
    expect(await offsetAt('times', base + 21)).toEqual([first + 4, base + 30])
    expect(await offsetAt('times', base + 31)).toEqual([-1, -1])
    expect(await offsetAt('times', -3)).toEqual([first + 4, base + 30])
  }
})

test('CreatePartitions answers each topic, and what it answers is there', async () => {
  await createTopic('grows')
  const topics = [
    { name: 'grows', count: 3, assignments: null },
    { name: 'nope', count: 3, assignments: null },
  ]
  const { results } = await client.request(CreatePartitions, 3, { topics, timeoutMs: 5_000, validateOnly: false })
  expect(results.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ['grows', 0],
    ['nope', 3],
  ])
  const metadata = await client.request(Metadata, 9, { topics: [{ name: 'grows' }] })
  expect(metadata.topics[0]!.partitions.map(({ leaderId }) => leaderId)).toEqual([1, 1, 1])
})

test("a committed offset's metadata is kept", async () => {
  await createTopic('committed')
  const partition = { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 0, committedMetadata: 'héllo' }
  const topics = [{ name: 'committed', partitions: [partition] }]
  await client.request(OffsetCommit, 8, { groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '', topics })
  const wanted = [{ name: 'committed', partitionIndexes: [0] }]
  for (const version of [1, 5, 7]) {
    const answer = await client.request(OffsetFetch, version, { groupId: 'g', topics: wanted })
    expect(answer.topics![0]!.partitions[0]).toMatchObject({ committedOffset: 7, metadata: 'héllo', errorCode: 0 })
  }
})

test('DescribeConfigs is not empty, with names asked for or without', async () => {
  await createTopic('described')
  for (const configurationKeys of [null, [], ['retention.ms']]) {
    const resources = [{ resourceType: 2, resourceName: 'described', configurationKeys }]
    const answer = await client.request(DescribeConfigs, 4, {
      resources,
      includeSynonyms: false,
      includeDocumentation: false,
    })
    expect(answer.results[0]!.configs.map(({ name }) => name)).toContain('retention.ms')
  }
})

test("a transaction's timeout is checked", async () => {
  const code = async (transactionTimeoutMs: number) => {
    const request = { transactionalId: 'timeout', transactionTimeoutMs, producerId: -1, producerEpoch: -1 }
    return (await client.request(InitProducerId, 4, request)).errorCode
  }
  expect(await code(900_001)).toBe(50)
  expect(await code(0)).toBe(50)
  expect(await code(-1)).toBe(50)
  expect(await code(900_000)).toBe(0)
})

test('a read_committed reader sees no aborted record, wherever it begins', async () => {
  await createTopic('aborted')
  const request = { transactionalId: 'aborts', transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }
  const { producerId, producerEpoch } = await client.request(InitProducerId, 4, request)
  let epoch = producerEpoch
  let sequence = 0
  for (const committed of [false, true, false]) {
    for (let index = 0; index < 3; index++) {
      const options = { producerId, producerEpoch: epoch, baseSequence: sequence, isTransactional: true }
      await produce('aborted', batchOf([`${committed}`], options), 'aborts')
      sequence++
    }
    const ended = await client.request(EndTxn, 5, {
      transactionalId: 'aborts',
      producerId,
      producerEpoch: epoch,
      committed,
    })
    expect(ended.errorCode).toBe(0)
    if (ended.producerEpoch !== epoch) sequence = 0
    epoch = ended.producerEpoch!
  }
  for (let offset = 0; offset <= 12; offset++) {
    const { records, abortedTransactions, errorCode } = await fetchFrom('aborted', offset, 1)
    expect(errorCode).toBe(0)
    for (const batch of splitBatches(records ?? new Uint8Array())) {
      if (batch.isControl) continue
      const end = batch.baseOffset + batch.lastOffsetDelta
      const value = [...readRecords(batch)].map(record => Buffer.from(record.value ?? []).toString())
      // What a client drops: batches of a producer from the first offset of its aborted transaction to its marker.
      const marker = splitBatches(records!).find(other => other.isControl && other.baseOffset > end)
      const isAborted = abortedTransactions!.some(
        ({ firstOffset }) => firstOffset <= end && marker !== undefined && firstOffset > marker.baseOffset - 4,
      )
      expect(isAborted).toBe(value[0] === 'false')
    }
  }
})

test('a fetch from the middle of a batch gives the whole batch and skips nothing', async () => {
  await createTopic('middle')
  await produce('middle', batchOf(['a', 'b', 'c']))
  await produce('middle', batchOf(['d', 'e', 'f'], { compression: 'gzip' }))
  for (let offset = 0; offset < 6; offset++) {
    const batches = splitBatches((await fetchFrom('middle', offset)).records!)
    expect(batches.map(({ baseOffset }) => baseOffset)).toEqual(offset < 3 ? [0, 3] : [3])
  }
  expect((await fetchFrom('middle', 6)).records).toHaveLength(0)
  expect((await fetchFrom('middle', 7)).errorCode).toBe(1)
})

const protocols = [{ name: 'range', metadata: Buffer.from('00010000000100016d00000000', 'hex') }]
const newMember = (groupId: string, memberId: string) => ({
  groupId,
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 30_000,
  memberId,
  protocolType: 'consumer',
  protocols,
})

test('members that join at the same time are all in one generation, and none is unknown', async () => {
  const members = 20
  const connections = await Promise.all(Array.from({ length: members }, () => WireClient.connect(broker.port)))
  const joined = await Promise.all(
    connections.map(async connection => {
      const given = await connection.request(JoinGroup, 5, newMember('crowd', ''))
      expect(given.errorCode).toBe(79)
      for (;;) {
        const answer = await connection.request(JoinGroup, 5, newMember('crowd', given.memberId))
        expect(answer.errorCode).toBe(0)
        const assignments = answer.members.map(({ memberId }) => ({ memberId, assignment: Buffer.alloc(0) }))
        const { generationId, memberId } = answer
        const synced = await connection.request(SyncGroup, 3, { groupId: 'crowd', generationId, memberId, assignments })
        // Somebody else joined meanwhile.
        if (synced.errorCode === 27) continue
        expect(synced.errorCode).toBe(0)
        return answer.generationId
      }
    }),
  )
  expect(new Set(joined).size).toBe(1)
  for (const connection of connections) connection.end()
})

test("a member's offsets can be fetched with its epoch", async () => {
  await createTopic('epochs')
  const given = await client.request(JoinGroup, 5, newMember('epochs', ''))
  const { memberId, generationId } = await client.request(JoinGroup, 5, newMember('epochs', given.memberId))
  const assignments = [{ memberId, assignment: Buffer.alloc(0) }]
  await client.request(SyncGroup, 3, { groupId: 'epochs', generationId, memberId, assignments })
  const topics = [{ name: 'epochs', partitionIndexes: [0] }]
  for (const [name, memberEpoch] of [
    [memberId, generationId],
    [null, -1],
  ] as const) {
    const groups = [{ groupId: 'epochs', memberId: name, memberEpoch, topics }]
    const answer = await client.request(OffsetFetch, 9, { groups, requireStable: true })
    expect(answer.groups![0]).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ committedOffset: -1 }] }] })
  }
})
