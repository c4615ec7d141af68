/** The share group APIs on the wire. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  AlterShareGroupOffsets,
  ApiVersions,
  CreateTopics,
  DeleteGroups,
  DeleteShareGroupOffsets,
  DeleteShareGroupState,
  DescribeGroups,
  DescribeShareGroupOffsets,
  EndTxn,
  errorCodes,
  FindCoordinator,
  InitializeShareGroupState,
  InitProducerId,
  JoinGroup,
  ListGroups,
  Produce,
  ReadShareGroupState,
  ReadShareGroupStateSummary,
  ShareAcknowledge,
  ShareFetch,
  ShareGroupDescribe,
  ShareGroupHeartbeat,
  WriteShareGroupState,
} from '../../lib/protocol/index.ts'
import { batchOf, valuesIn } from '../support/batches.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

const ACCEPT = 1
const RELEASE = 2
const REJECT = 3
const RENEW = 4

let broker: TestBroker
let client: WireClient
let topicId: string

beforeEach(async () => {
  broker = await startTestBroker()
  client = await WireClient.connect(broker.port)
  const { topics } = await client.request(CreateTopics, 7, {
    topics: [{ name: 't', numPartitions: 2, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  topicId = topics[0]!.topicId
  await broker.configs.change('group', 'g', () => ({ 'share.auto.offset.reset': 'earliest' }))
})

afterEach(async () => {
  client.end()
  await broker.close()
})

async function produce(values: readonly string[], partition = 0): Promise<void> {
  const { responses } = await client.request(Produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: 't', partitionData: [{ index: partition, records: [batchOf(values)] }] }],
  })
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0)
}

type Acknowledgement = readonly [first: number, last: number, types: readonly number[]]

interface FetchOptions {
  readonly member?: string
  readonly partitions?: readonly number[]
  readonly acknowledge?: readonly Acknowledgement[]
  readonly maxWaitMs?: number
  readonly maxRecords?: number
  readonly strict?: boolean
  readonly renews?: boolean
  readonly connection?: WireClient
  readonly forget?: readonly number[]
}

async function fetch(epoch: number, options: FetchOptions = {}) {
  const { member = 'm', partitions = epoch === 0 ? [0] : [], acknowledge = [], renews = false } = options
  const named = new Set([...partitions, ...(acknowledge.length > 0 ? [0] : [])])
  const answer = await (options.connection ?? client).request(ShareFetch, 2, {
    groupId: 'g',
    memberId: member,
    shareSessionEpoch: epoch,
    maxWaitMs: renews ? 0 : (options.maxWaitMs ?? 0),
    minBytes: renews ? 0 : 1,
    maxBytes: renews ? 0 : 1_000_000,
    maxRecords: renews ? 0 : (options.maxRecords ?? 500),
    batchSize: 500,
    shareAcquireMode: options.strict ? 1 : 0,
    isRenewAck: renews,
    topics: [
      {
        topicId,
        partitions: [...named].map(partitionIndex => ({
          partitionIndex,
          acknowledgementBatches: (partitionIndex === 0 ? acknowledge : []).map(([firstOffset, lastOffset, types]) => ({
            firstOffset,
            lastOffset,
            acknowledgeTypes: types,
          })),
        })),
      },
    ],
    forgottenTopicsData: options.forget ? [{ topicId, partitions: options.forget }] : [],
  })
  return { ...answer, partitions: answer.responses.flatMap(({ partitions: some }) => some) }
}

async function acknowledge(epoch: number, batches: readonly Acknowledgement[], member = 'm', isRenewAck = false) {
  const answer = await client.request(ShareAcknowledge, 2, {
    groupId: 'g',
    memberId: member,
    shareSessionEpoch: epoch,
    isRenewAck,
    topics: [
      {
        topicId,
        partitions: [
          {
            partitionIndex: 0,
            acknowledgementBatches: batches.map(([firstOffset, lastOffset, acknowledgeTypes]) => ({
              firstOffset,
              lastOffset,
              acknowledgeTypes,
            })),
          },
        ],
      },
    ],
  })
  return answer.errorCode || (answer.responses[0]?.partitions[0]?.errorCode ?? 0)
}

function heartbeat(memberEpoch: number, options: { member?: string; topics?: string[] | null; group?: string } = {}) {
  const { member = 'm', topics = memberEpoch === 0 ? ['t'] : null, group = 'g' } = options
  return client.request(ShareGroupHeartbeat, 1, {
    groupId: group,
    memberId: member,
    memberEpoch,
    rackId: null,
    subscribedTopicNames: topics,
  })
}

function acquiredIn({ partitions }: Awaited<ReturnType<typeof fetch>>) {
  return partitions.flatMap(({ acquiredRecords }) =>
    acquiredRecords.map(({ firstOffset, lastOffset, deliveryCount }) => [firstOffset, lastOffset, deliveryCount]),
  )
}

describe('members', () => {
  test('join, are told what to fetch from, keep alive and leave', async () => {
    const joined = await heartbeat(0)
    expect(joined).toMatchObject({ errorCode: 0, memberId: 'm', memberEpoch: 1, heartbeatIntervalMs: 5_000 })
    expect(joined.assignment!.topicPartitions).toEqual([{ topicId, partitions: [0, 1] }])
    expect(await heartbeat(1)).toMatchObject({ errorCode: 0, memberEpoch: 1, assignment: null })
    expect(await heartbeat(-1)).toMatchObject({ errorCode: 0, memberEpoch: -1 })
    expect((await heartbeat(1)).errorCode).toBe(errorCodes.UNKNOWN_MEMBER_ID)
  })

  test('of a group that there is not are told so', async () => {
    for (const epoch of [1, -1]) {
      expect(await heartbeat(epoch, { group: 'nobody' })).toMatchObject({
        errorCode: errorCodes.GROUP_ID_NOT_FOUND,
        errorMessage: 'Group nobody not found.',
      })
    }
  })

  test('share: each has some partition, and they learn of each other by the next heartbeat', async () => {
    await heartbeat(0)
    const second = await heartbeat(0, { member: 'n' })
    expect(second.assignment!.topicPartitions[0]!.partitions).toHaveLength(1)
    const first = await heartbeat(1)
    expect(first).toMatchObject({ errorCode: 0, memberEpoch: 2 })
    expect(first.assignment!.topicPartitions[0]!.partitions).toHaveLength(1)
    const third = await heartbeat(0, { member: 'o' })
    expect(third.assignment!.topicPartitions[0]!.partitions).toHaveLength(1)
  })

  test('are refused with a wrong epoch, without a name, without topics', async () => {
    await heartbeat(0)
    expect((await heartbeat(7)).errorCode).toBe(errorCodes.FENCED_MEMBER_EPOCH)
    expect((await heartbeat(-2)).errorCode).toBe(errorCodes.INVALID_REQUEST)
    expect((await heartbeat(0, { member: '' })).errorCode).toBe(errorCodes.INVALID_REQUEST)
    expect((await heartbeat(0, { member: 'n', topics: null })).errorCode).toBe(errorCodes.INVALID_REQUEST)
    expect((await heartbeat(0, { group: '' })).errorCode).toBe(errorCodes.INVALID_REQUEST)
  })

  test('are described; groups of other types are told apart', async () => {
    await heartbeat(0)
    const described = await client.request(ShareGroupDescribe, 1, {
      groupIds: ['g', 'none'],
      includeAuthorizedOperations: false,
    })
    expect(described.groups[0]).toMatchObject({
      errorCode: 0,
      groupState: 'Stable',
      groupEpoch: 1,
      assignmentEpoch: 1,
      assignorName: 'simple',
    })
    expect(described.groups[0]!.members).toEqual([
      {
        memberId: 'm',
        rackId: null,
        memberEpoch: 1,
        clientId: 'test',
        clientHost: '/127.0.0.1',
        subscribedTopicNames: ['t'],
        assignment: { topicPartitions: [{ topicId, topicName: 't', partitions: [0, 1] }] },
      },
    ])
    expect(described.groups[1]!.errorCode).toBe(errorCodes.GROUP_ID_NOT_FOUND)
    const listed = await client.request(ListGroups, 5, { statesFilter: [], typesFilter: ['share'] })
    expect(listed.groups).toEqual([{ groupId: 'g', protocolType: 'share', groupState: 'Stable', groupType: 'share' }])
    const classic = await client.request(DescribeGroups, 6, { groups: ['g'], includeAuthorizedOperations: false })
    expect(classic.groups[0]).toMatchObject({ errorCode: errorCodes.GROUP_ID_NOT_FOUND, groupState: 'Dead' })
    const join = await client.request(JoinGroup, 9, {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from('') }],
      reason: null,
    })
    expect(join.errorCode).toBe(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  })

  test('keep their group from being deleted', async () => {
    await heartbeat(0)
    const full = await client.request(DeleteGroups, 2, { groupsNames: ['g'] })
    expect(full.results[0]!.errorCode).toBe(errorCodes.NON_EMPTY_GROUP)
    await heartbeat(-1)
    const empty = await client.request(DeleteGroups, 2, { groupsNames: ['g'] })
    expect(empty.results[0]!.errorCode).toBe(0)
    expect((await client.request(ListGroups, 5, { statesFilter: [], typesFilter: [] })).groups).toEqual([])
  })
})

describe('records', () => {
  test('are acquired once, and gone once accepted', async () => {
    await produce(['a', 'b', 'c'])
    const first = await fetch(0)
    expect(first).toMatchObject({ errorCode: 0, acquisitionLockTimeoutMs: 30_000 })
    expect(acquiredIn(first)).toEqual([[0, 2, 1]])
    expect(valuesIn(first.partitions[0]!.records)).toEqual(['0:a', '1:b', '2:c'])
    expect(acquiredIn(await fetch(0, { member: 'n' }))).toEqual([])
    await produce(['d'])
    const second = await fetch(1, { acknowledge: [[0, 2, [ACCEPT]]] })
    expect(second.partitions[0]!.acknowledgeErrorCode).toBe(0)
    expect(acquiredIn(second)).toEqual([[3, 3, 1]])
    expect(acquiredIn(await fetch(1, { member: 'n' }))).toEqual([])
  })

  test('come back when they are released, not when they are rejected', async () => {
    await produce(['a', 'b', 'c', 'd'])
    await fetch(0)
    expect(await acknowledge(1, [[0, 3, [ACCEPT, RELEASE, REJECT, RELEASE]]])).toBe(0)
    const again = await fetch(2)
    expect(acquiredIn(again)).toEqual([
      [1, 1, 2],
      [3, 3, 2],
    ])
    expect(await acknowledge(3, [[0, 3, [ACCEPT]]])).toBe(errorCodes.INVALID_RECORD_STATE)
    expect(
      await acknowledge(4, [
        [1, 1, [ACCEPT]],
        [3, 3, [ACCEPT]],
      ]),
    ).toBe(0)
  })

  test('are given up when they were delivered as often as they may be', async () => {
    await broker.configs.change('group', 'g', set => ({ ...set, 'share.delivery.count.limit': '2' }))
    await produce(['a'])
    expect(acquiredIn(await fetch(0))).toEqual([[0, 0, 1]])
    expect(acquiredIn(await fetch(1, { acknowledge: [[0, 0, [RELEASE]]] }))).toEqual([[0, 0, 2]])
    expect(acquiredIn(await fetch(2, { acknowledge: [[0, 0, [RELEASE]]] }))).toEqual([])
  })

  test('of a member whose connection breaks go to another one', async () => {
    const lost = await WireClient.connect(broker.port)
    await produce(['a'])
    expect(acquiredIn(await fetch(0, { connection: lost }))).toEqual([[0, 0, 1]])
    lost.end()
    expect(acquiredIn(await fetch(0, { member: 'n', maxWaitMs: 10_000 }))).toEqual([[0, 0, 2]])
  })

  test('may be given back in the session that their member opens when it has lost the one it got them in', async () => {
    await produce(['a', 'b'])
    await fetch(0)
    expect((await fetch(7)).errorCode).toBe(errorCodes.INVALID_SHARE_SESSION_EPOCH)
    expect(acquiredIn(await fetch(0))).toEqual([])
    expect(await acknowledge(1, [[0, 1, [RELEASE, ACCEPT]]])).toBe(0)
    expect(acquiredIn(await fetch(0, { member: 'n' }))).toEqual([[0, 0, 2]])
  })

  test('of a member that closes its session are given back as not seen', async () => {
    await produce(['a', 'b'])
    await fetch(0)
    const closed = await fetch(-1, { acknowledge: [[0, 0, [ACCEPT]]] })
    expect(closed).toMatchObject({ errorCode: 0, partitions: [{ acknowledgeErrorCode: 0, acquiredRecords: [] }] })
    expect(acquiredIn(await fetch(0, { member: 'n' }))).toEqual([[1, 1, 1]])
    expect((await fetch(-1)).errorCode).toBe(errorCodes.SHARE_SESSION_NOT_FOUND)
  })

  test('wake a fetch that waits, when they are written and when they are released', async () => {
    const other = await WireClient.connect(broker.port)
    const waiting = fetch(0, { member: 'n', maxWaitMs: 60_000, connection: other })
    await produce(['a'])
    expect(acquiredIn(await waiting)).toEqual([[0, 0, 1]])
    await fetch(0)
    const waitingAgain = fetch(1, { maxWaitMs: 60_000 })
    const { errorCode } = await fetch(1, {
      member: 'n',
      connection: other,
      acknowledge: [[0, 0, [RELEASE]]],
      forget: [0],
    })
    expect(errorCode).toBe(0)
    expect(acquiredIn(await waitingAgain)).toEqual([[0, 0, 2]])
    other.end()
  })

  test('are limited: softly to whole batches, or strictly', async () => {
    await produce(['a', 'b', 'c'])
    await produce(['d', 'e', 'f'])
    expect(acquiredIn(await fetch(0, { maxRecords: 2 }))).toEqual([[0, 2, 1]])
    expect(acquiredIn(await fetch(1, { maxRecords: 2, strict: true }))).toEqual([[3, 4, 1]])
  })

  test('in flight are limited', async () => {
    await broker.configs.change('group', 'g', set => ({ ...set, 'share.partition.max.record.locks': '100' }))
    await produce(Array.from({ length: 150 }, (_, i) => String(i)))
    expect(acquiredIn(await fetch(0))).toEqual([[0, 99, 1]])
    expect(acquiredIn(await fetch(1))).toEqual([])
    expect(acquiredIn(await fetch(2, { acknowledge: [[0, 9, [ACCEPT]]] }))).toEqual([[100, 109, 1]])
  })

  test('stay with who renews, without another delivery', async () => {
    await produce(['a'])
    await fetch(0)
    expect(await acknowledge(1, [[0, 0, [RENEW]]])).toBe(errorCodes.INVALID_REQUEST)
    expect(await acknowledge(2, [[0, 0, [RENEW]]], 'm', true)).toBe(0)
    expect((await fetch(3, { acknowledge: [[0, 0, [RENEW]]], renews: true })).partitions[0]).toMatchObject({
      acknowledgeErrorCode: 0,
      acquiredRecords: [],
    })
    expect(await acknowledge(4, [[0, 0, [ACCEPT]]])).toBe(0)
    await broker.configs.change('group', 'g', set => ({ ...set, 'share.renew.acknowledge.enable': 'false' }))
    await produce(['b'])
    await fetch(5)
    expect(await acknowledge(6, [[1, 1, [RENEW]]], 'm', true)).toBe(errorCodes.INVALID_REQUEST)
  })

  test('of aborted transactions, and control records, are passed over where the group reads committed', async () => {
    await broker.configs.change('group', 'g', set => ({ ...set, 'share.isolation.level': 'read_committed' }))
    const producer = await client.request(InitProducerId, 5, { transactionalId: 'tx', transactionTimeoutMs: 60_000 })
    let epoch = producer.producerEpoch
    for (const [value, committed] of [
      ['a', false],
      ['b', true],
    ] as const) {
      const identity = { producerId: producer.producerId, producerEpoch: epoch, baseSequence: 0 }
      const records = batchOf([value], { ...identity, isTransactional: true })
      await client.request(Produce, 12, {
        transactionalId: 'tx',
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ name: 't', partitionData: [{ index: 0, records: [records] }] }],
      })
      if (!committed) expect(acquiredIn(await fetch(0))).toEqual([])
      const ended = await client.request(EndTxn, 5, {
        transactionalId: 'tx',
        ...producer,
        producerEpoch: epoch,
        committed,
      })
      expect(ended.errorCode).toBe(0)
      epoch = ended.producerEpoch
    }
    const got = await fetch(1, { maxWaitMs: 10_000 })
    expect(acquiredIn(got)).toEqual([[2, 2, 1]])
    expect(valuesIn(got.partitions[0]!.records)).toEqual(['2:b'])
    expect((await fetch(2, { acknowledge: [[2, 2, [ACCEPT]]] })).partitions[0]!.acknowledgeErrorCode).toBe(0)
    const offsets = await describeOffsets()
    expect(offsets[0]).toMatchObject({ startOffset: 4, lag: 0 })
  })
})

describe('sessions', () => {
  test('go by their epochs', async () => {
    expect((await fetch(1)).errorCode).toBe(errorCodes.SHARE_SESSION_NOT_FOUND)
    expect((await fetch(0)).errorCode).toBe(0)
    expect((await fetch(2)).errorCode).toBe(errorCodes.INVALID_SHARE_SESSION_EPOCH)
    expect((await fetch(1)).errorCode).toBe(0)
    expect(await acknowledge(0, [[0, 0, [ACCEPT]]])).toBe(errorCodes.INVALID_SHARE_SESSION_EPOCH)
    expect(await acknowledge(5, [[0, 0, [ACCEPT]]])).toBe(errorCodes.INVALID_SHARE_SESSION_EPOCH)
    expect(await acknowledge(1, [[0, 0, [ACCEPT]]], 'n')).toBe(errorCodes.SHARE_SESSION_NOT_FOUND)
    expect((await fetch(0, { acknowledge: [[0, 0, [ACCEPT]]] })).errorCode).toBe(errorCodes.INVALID_REQUEST)
  })

  test('take partitions up and forget them, and tell only what is new', async () => {
    expect((await fetch(0, { partitions: [0, 1] })).partitions).toHaveLength(2)
    expect((await fetch(1)).partitions).toEqual([])
    await produce(['a'], 1)
    expect((await fetch(2, { forget: [1] })).partitions).toEqual([])
    const again = await fetch(3, { partitions: [1], maxWaitMs: 10_000 })
    expect(again.partitions).toMatchObject([
      { partitionIndex: 1, acquiredRecords: [{ firstOffset: 0, lastOffset: 0 }] },
    ])
  })

  test('refuse what is not there, and acknowledgements that make no sense', async () => {
    expect((await fetch(0, { partitions: [0, 9] })).partitions).toMatchObject([
      { partitionIndex: 0, errorCode: 0 },
      { partitionIndex: 9, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
    ])
    await produce(['a', 'b', 'c'])
    await fetch(0)
    expect(await acknowledge(1, [[2, 1, [ACCEPT]]])).toBe(errorCodes.INVALID_REQUEST)
    expect(await acknowledge(2, [[0, 2, [ACCEPT, ACCEPT]]])).toBe(errorCodes.INVALID_REQUEST)
    expect(await acknowledge(3, [[0, 2, []]])).toBe(errorCodes.INVALID_REQUEST)
    expect(
      await acknowledge(4, [
        [0, 1, [ACCEPT]],
        [1, 2, [ACCEPT]],
      ]),
    ).toBe(errorCodes.INVALID_REQUEST)
    expect(await acknowledge(5, [[0, 2, [9]]])).toBe(errorCodes.INVALID_REQUEST)
    expect(await acknowledge(6, [[0, 3, [ACCEPT]]])).toBe(errorCodes.INVALID_REQUEST)
    expect(await acknowledge(7, [[0, 2, [ACCEPT]]], 'm')).toBe(0)
    expect((await fetch(8, { member: 'x'.repeat(37) })).errorCode).toBe(errorCodes.INVALID_REQUEST)
  })
})

async function describeOffsets(partitions: readonly number[] = [0]) {
  const { groups } = await client.request(DescribeShareGroupOffsets, 1, {
    groups: [{ groupId: 'g', topics: [{ topicName: 't', partitions }] }],
  })
  expect(groups[0]!.errorCode).toBe(0)
  return groups[0]!.topics[0]!.partitions
}

describe('offsets', () => {
  test('are told with the lag, set and forgotten', async () => {
    await produce(['a', 'b', 'c', 'd'])
    await fetch(0)
    await acknowledge(1, [
      [0, 0, [ACCEPT]],
      [2, 2, [ACCEPT]],
    ])
    expect(await describeOffsets([0, 1])).toMatchObject([
      { partitionIndex: 0, startOffset: 1, lag: 2, errorCode: 0 },
      { partitionIndex: 1, startOffset: -1, lag: -1, errorCode: 0 },
    ])
    const all = await client.request(DescribeShareGroupOffsets, 1, { groups: [{ groupId: 'g', topics: null }] })
    expect(all.groups[0]!.topics).toMatchObject([{ topicName: 't', topicId, partitions: [{ partitionIndex: 0 }] }])
    const altered = await client.request(AlterShareGroupOffsets, 0, {
      groupId: 'g',
      topics: [
        {
          topicName: 't',
          partitions: [
            { partitionIndex: 0, startOffset: 3 },
            { partitionIndex: 7, startOffset: 0 },
          ],
        },
      ],
    })
    expect(altered.responses[0]!.partitions).toMatchObject([
      { errorCode: 0 },
      { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION },
    ])
    expect(acquiredIn(await fetch(0))).toEqual([[3, 3, 1]])
    const deleted = await client.request(DeleteShareGroupOffsets, 0, {
      groupId: 'g',
      topics: [{ topicName: 't' }, { topicName: 'no' }],
    })
    expect(deleted.responses).toMatchObject([{ errorCode: 0 }, { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }])
    expect(await describeOffsets()).toMatchObject([{ startOffset: -1 }])
  })

  test('of a group with members are not touched; of one that is not there neither', async () => {
    await heartbeat(0)
    const topics = [{ topicName: 't', partitions: [{ partitionIndex: 0, startOffset: 0 }] }]
    const full = await client.request(AlterShareGroupOffsets, 0, { groupId: 'g', topics })
    expect(full.errorCode).toBe(errorCodes.NON_EMPTY_GROUP)
    const deleting = await client.request(DeleteShareGroupOffsets, 0, { groupId: 'g', topics: [{ topicName: 't' }] })
    expect(deleting.errorCode).toBe(errorCodes.NON_EMPTY_GROUP)
    const described = await client.request(DescribeShareGroupOffsets, 1, {
      groups: [{ groupId: 'none', topics: null }],
    })
    expect(described.groups[0]).toMatchObject({ errorCode: 0, topics: [] })
  })

  test('of a group that is not there yet are set, and make it', async () => {
    await produce(['a', 'b', 'c'])
    const topics = [{ topicName: 't', partitions: [{ partitionIndex: 0, startOffset: 2 }] }]
    const set = await client.request(AlterShareGroupOffsets, 0, { groupId: 'new', topics })
    expect(set).toMatchObject({ errorCode: 0, responses: [{ partitions: [{ errorCode: 0 }] }] })
    const described = await client.request(DescribeShareGroupOffsets, 1, { groups: [{ groupId: 'new', topics: null }] })
    expect(described.groups[0]).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ startOffset: 2 }] }] })
  })

  test('begin where the group is told to', async () => {
    await produce(['a'])
    await broker.configs.change('group', 'g', () => ({}))
    expect(acquiredIn(await fetch(0))).toEqual([])
    await produce(['b'])
    expect(acquiredIn(await fetch(1, { maxWaitMs: 10_000 }))).toEqual([[1, 1, 1]])
    await broker.configs.change('group', 'g', () => ({ 'share.auto.offset.reset': 'by_duration:PT1H' }))
    await client.request(DeleteShareGroupOffsets, 0, { groupId: 'g', topics: [{ topicName: 't' }] })
    expect(acquiredIn(await fetch(0))).toEqual([[0, 1, 1]])
  })
})

test('what brokers send each other is refused', async () => {
  const topics = [
    { topicId, partitions: [{ partition: 3, stateEpoch: 0, startOffset: 0, leaderEpoch: 0, stateBatches: [] }] },
  ]
  const request = { groupId: 'g', topics }
  const answers = [
    await client.request(InitializeShareGroupState, 0, request),
    await client.request(ReadShareGroupState, 0, request),
    await client.request(WriteShareGroupState, 1, request),
    await client.request(DeleteShareGroupState, 0, request),
    await client.request(ReadShareGroupStateSummary, 1, request),
  ]
  for (const { results } of answers) {
    expect(results).toMatchObject([
      { topicId, partitions: [{ partition: 3, errorCode: errorCodes.CLUSTER_AUTHORIZATION_FAILED }] },
    ])
  }
})

test('clients learn that there are share groups', async () => {
  const { finalizedFeatures } = await client.request(ApiVersions, 4, {
    clientSoftwareName: 'test',
    clientSoftwareVersion: '1',
  })
  expect(finalizedFeatures).toContainEqual({ name: 'share.version', maxVersionLevel: 1, minVersionLevel: 1 })
  const { coordinators } = await client.request(FindCoordinator, 6, { keyType: 2, coordinatorKeys: [`g:${topicId}:0`] })
  expect(coordinators[0]!.errorCode).toBe(0)
  const before = await client.request(FindCoordinator, 5, { keyType: 2, coordinatorKeys: [`g:${topicId}:0`] })
  expect(before.coordinators[0]!.errorCode).toBe(errorCodes.INVALID_REQUEST)
})
