/** The group APIs on the wire, in the versions where they differ. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  CreateTopics,
  DeleteGroups,
  DescribeGroups,
  errorCodes,
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
} from '../../lib/protocol/index.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

const GONE = 'f'.repeat(32)

let broker: TestBroker
let client: WireClient
let topicId: string

beforeEach(async () => {
  broker = await startTestBroker()
  client = await WireClient.connect(broker.port)
  const { topics } = await client.request(CreateTopics, 7, {
    topics: [{ name: 't', numPartitions: 20, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  topicId = topics[0]!.topicId
})

afterEach(async () => {
  client.end()
  await broker.close()
})

/** Runs `check` for all versions side by side, each on a connection and in a group of its own. */
async function inEveryVersion(
  [first, last]: readonly [number, number],
  check: (version: number, groupId: string, connection: WireClient) => Promise<void>,
): Promise<void> {
  const versions = Array.from({ length: last - first + 1 }, (_, index) => first + index)
  await Promise.all(
    versions.map(async version => {
      const connection = await WireClient.connect(broker.port)
      try {
        await check(version, `g${version}`, connection)
      } finally {
        connection.end()
      }
    }),
  )
}

/** A ConsumerProtocolSubscription of version 0. */
function subscriptionTo(topic: string): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, topic.length]), Buffer.from(topic), Buffer.alloc(4)])
}

function joinBody(
  options: { memberId?: string; groupId?: string; groupInstanceId?: string; sessionTimeoutMs?: number } = {},
) {
  return {
    groupId: 'g',
    memberId: '',
    sessionTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscriptionTo('t') }],
    ...options,
  }
}

/** A stable group of one member. */
async function formGroup(): Promise<{ memberId: string; generationId: number }> {
  const { memberId, generationId } = await client.request(JoinGroup, 3, joinBody())
  await client.request(SyncGroup, 3, {
    groupId: 'g',
    memberId,
    generationId,
    assignments: [{ memberId, assignment: Buffer.from('all') }],
  })
  return { memberId, generationId }
}

function commitBody(
  partitions: readonly [number, number][],
  options: { memberId?: string; generationIdOrMemberEpoch?: number; groupId?: string } = {},
) {
  return {
    groupId: 'g',
    memberId: '',
    generationIdOrMemberEpoch: -1,
    ...options,
    topics: [
      {
        name: 't',
        topicId,
        partitions: partitions.map(([partitionIndex, committedOffset]) => ({
          partitionIndex,
          committedOffset,
          committedMetadata: `at ${committedOffset}`,
        })),
      },
    ],
  }
}

async function commitCodes(version: number, ...[partitions, options]: Parameters<typeof commitBody>) {
  const { topics } = await client.request(OffsetCommit, version, commitBody(partitions, options))
  return topics[0]!.partitions.map(({ errorCode }) => errorCode)
}

describe('membership', () => {
  test('in one round, up to JoinGroup 3', () =>
    inEveryVersion([0, 3], async (version, groupId, connection) => {
      const joined = await connection.request(JoinGroup, version, joinBody({ groupId }))
      expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', leader: joined.memberId })
      expect(joined.members).toMatchObject([{ memberId: joined.memberId, metadata: subscriptionTo('t') }])
      expect(joined.memberId).toMatch(/^test-[0-9a-f-]{36}$/)
    }))

  test('in two rounds, from JoinGroup 4 on', () =>
    inEveryVersion([4, 9], async (version, groupId, connection) => {
      const first = await connection.request(JoinGroup, version, joinBody({ groupId }))
      expect(first).toMatchObject({
        errorCode: errorCodes.MEMBER_ID_REQUIRED,
        generationId: -1,
        leader: '',
        members: [],
      })
      const { memberId } = first
      const joined = await connection.request(JoinGroup, version, joinBody({ groupId, memberId }))
      expect(joined).toMatchObject({ errorCode: 0, generationId: 1, memberId, leader: memberId, protocolName: 'range' })
      expect(joined.protocolType).toBe(version >= 7 ? 'consumer' : null)
    }))

  test('SyncGroup gives the assignment, Heartbeat and LeaveGroup follow, in all versions', () =>
    inEveryVersion([0, 5], async (version, groupId, connection) => {
      const { memberId, generationId } = await connection.request(JoinGroup, 3, joinBody({ groupId }))
      const protocol = { protocolType: 'consumer', protocolName: 'range' }
      const assignments = [{ memberId, assignment: Buffer.from('all') }]
      const sync = { groupId, memberId, generationId, assignments, ...protocol }
      const synced = await connection.request(SyncGroup, version, sync)
      expect(synced).toMatchObject({ errorCode: 0, assignment: Buffer.from('all') })
      expect(synced.protocolName).toBe(version >= 5 ? 'range' : null)
      const beat = { groupId, memberId, generationId }
      expect(await connection.request(Heartbeat, Math.min(version, 4), beat)).toMatchObject({ errorCode: 0 })
      const leave = { groupId, memberId, members: [{ memberId, groupInstanceId: null }] }
      const left = await connection.request(LeaveGroup, version, leave)
      expect(left.errorCode).toBe(0)
      expect(left.members).toEqual(version >= 3 ? [{ memberId, groupInstanceId: null, errorCode: 0 }] : [])
      expect(await connection.request(Heartbeat, 4, beat)).toMatchObject({ errorCode: errorCodes.UNKNOWN_MEMBER_ID })
    }))

  test('SyncGroup 5 must name the protocol', async () => {
    const { memberId, generationId } = await client.request(JoinGroup, 3, joinBody())
    const synced = await client.request(SyncGroup, 5, { groupId: 'g', memberId, generationId, assignments: [] })
    expect(synced.errorCode).toBe(errorCodes.INCONSISTENT_GROUP_PROTOCOL)
  })

  test('what is wrong with a join is told', async () => {
    const codeOf = async (body: Parameters<typeof joinBody>[0]) =>
      (await client.request(JoinGroup, 9, joinBody(body))).errorCode
    expect(await codeOf({ groupId: '' })).toBe(errorCodes.INVALID_GROUP_ID)
    expect(await codeOf({ sessionTimeoutMs: 1 })).toBe(errorCodes.INVALID_SESSION_TIMEOUT)
    expect(await codeOf({ memberId: 'made-up' })).toBe(errorCodes.UNKNOWN_MEMBER_ID)
  })

  test('leaving a group that does not exist: the error is the member’s, before version 3 the answer’s', async () => {
    const members = [{ memberId: 'x', groupInstanceId: null }]
    expect(await client.request(LeaveGroup, 5, { groupId: 'none', members })).toMatchObject({
      errorCode: 0,
      members: [{ memberId: 'x', errorCode: errorCodes.UNKNOWN_MEMBER_ID }],
    })
    expect(await client.request(LeaveGroup, 0, { groupId: 'none', memberId: 'x' })).toMatchObject({
      errorCode: errorCodes.UNKNOWN_MEMBER_ID,
    })
  })

  test('a held join does not hold up the connection, and ends when its member leaves', async () => {
    const first = await formGroup()
    const joining = client.send(JoinGroup, 3, joinBody())
    const beating = client.send(Heartbeat, 4, { groupId: 'g', ...first })
    const other = await WireClient.connect(broker.port)
    await other.request(LeaveGroup, 5, { groupId: 'g', members: [{ memberId: first.memberId, groupInstanceId: null }] })
    expect(await client.receive(JoinGroup, 3, joining)).toMatchObject({ errorCode: 0, generationId: 2 })
    expect((await client.receive(Heartbeat, 4, beating)).errorCode).toBe(errorCodes.REBALANCE_IN_PROGRESS)
    other.end()
  })

  test('a static member that starts again goes on in the same generation', async () => {
    const one = { groupInstanceId: 'one' }
    const first = await client.request(JoinGroup, 9, joinBody(one))
    const sync = { groupId: 'g', generationId: 1, protocolType: 'consumer', protocolName: 'range' }
    const assignments = [{ memberId: first.memberId, assignment: Buffer.from('all') }]
    await client.request(SyncGroup, 5, { ...sync, ...one, memberId: first.memberId, assignments })
    const again = await client.request(JoinGroup, 9, joinBody(one))
    expect(again).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true })
    expect(again.memberId).not.toBe(first.memberId)
    const synced = await client.request(SyncGroup, 5, { ...sync, ...one, memberId: again.memberId, assignments: [] })
    expect(synced.assignment).toEqual(Buffer.from('all'))
    const fenced = await client.request(Heartbeat, 4, {
      groupId: 'g',
      memberId: first.memberId,
      generationId: 1,
      ...one,
    })
    expect(fenced.errorCode).toBe(errorCodes.FENCED_INSTANCE_ID)
  })
})

describe('FindCoordinator', () => {
  test.each([0, 1, 2, 3])('%i finds one', async version => {
    const found = await client.request(FindCoordinator, version, { key: 'g', keyType: 0 })
    expect(found).toMatchObject({ errorCode: 0, nodeId: broker.cluster.nodeId, host: '127.0.0.1', port: broker.port })
  })

  test.each([4, 5, 6])('%i finds several, of groups and of transactional ids', async version => {
    for (const keyType of [0, 1]) {
      const { coordinators } = await client.request(FindCoordinator, version, { keyType, coordinatorKeys: ['a', 'b'] })
      expect(coordinators).toMatchObject(['a', 'b'].map(key => ({ key, errorCode: 0, port: broker.port })))
    }
  })

  test('refuses other kinds', async () => {
    const { coordinators } = await client.request(FindCoordinator, 6, { keyType: 3, coordinatorKeys: ['g:t:0'] })
    expect(coordinators).toMatchObject([{ errorCode: errorCodes.INVALID_REQUEST, nodeId: -1, host: '', port: -1 }])
    expect(await client.request(FindCoordinator, 2, { key: 'g', keyType: 9 })).toMatchObject({
      errorCode: errorCodes.INVALID_REQUEST,
    })
  })
})

describe('offsets', () => {
  const committed = [
    { partitionIndex: 0, committedOffset: 5, metadata: 'at 5', errorCode: 0 },
    { partitionIndex: 1, committedOffset: -1, metadata: '', errorCode: 0 },
    { partitionIndex: 17, committedOffset: 7, metadata: 'at 7', errorCode: 0 },
  ]
  const partitionIndexes = [0, 1, 17]

  test.each([2, 3, 4, 5, 6, 7, 8, 9, 10])('OffsetCommit %i stores, every OffsetFetch finds', async version => {
    expect(
      await commitCodes(version, [
        [0, 5],
        [17, 7],
        [99, 1],
      ]),
    ).toEqual([0, 0, errorCodes.UNKNOWN_TOPIC_OR_PARTITION])
    for (let fetch = 1; fetch < 8; fetch++) {
      const found = await client.request(OffsetFetch, fetch, {
        groupId: 'g',
        topics: [{ name: 't', partitionIndexes }],
      })
      expect(found).toMatchObject({ topics: [{ name: 't', partitions: committed }], errorCode: 0 })
    }
    for (let fetch = 8; fetch <= 10; fetch++) {
      const topics = [{ name: 't', topicId, partitionIndexes }]
      const found = await client.request(OffsetFetch, fetch, {
        groups: [
          { groupId: 'g', topics },
          { groupId: 'none', topics },
        ],
      })
      expect(found.groups).toMatchObject([
        { groupId: 'g', errorCode: 0, topics: [fetch < 10 ? { name: 't' } : { topicId }] },
        { groupId: 'none', errorCode: 0 },
      ])
      expect(found.groups[0]!.topics[0]!.partitions).toMatchObject(committed)
      expect(found.groups[1]!.topics[0]!.partitions.map(({ committedOffset }) => committedOffset)).toEqual([-1, -1, -1])
    }
  })

  test('all of a group’s can be asked for', async () => {
    await commitCodes(9, [
      [0, 5],
      [17, 7],
    ])
    const before8 = await client.request(OffsetFetch, 7, { groupId: 'g', topics: null })
    expect(before8.topics[0]!.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([0, 17])
    const { groups } = await client.request(OffsetFetch, 10, {
      groups: [
        { groupId: 'g', topics: null },
        { groupId: 'none', topics: null },
      ],
    })
    expect(groups).toMatchObject([
      { topics: [{ topicId, partitions: [{ committedOffset: 5 }, { committedOffset: 7 }] }] },
      { topics: [] },
    ])
  })

  test('of topics that are unknown', async () => {
    const named = { name: 'none', partitionIndexes: [0] }
    const { topics } = await client.request(OffsetFetch, 7, { groupId: 'g', topics: [named] })
    expect(topics).toMatchObject([{ name: 'none', partitions: [{ committedOffset: -1, errorCode: 0 }] }])
    const asked = [{ groupId: 'g', topics: [{ topicId: GONE, partitionIndexes: [0] }] }]
    const { groups } = await client.request(OffsetFetch, 10, { groups: asked })
    expect(groups[0]!.topics[0]).toMatchObject({
      topicId: GONE,
      partitions: [{ errorCode: errorCodes.UNKNOWN_TOPIC_ID }],
    })
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
    const commit = {
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      topics: [{ topicId: GONE, partitions }],
    }
    const answer = await client.request(OffsetCommit, 10, commit)
    expect(answer.topics).toMatchObject([{ topicId: GONE, partitions: [{ errorCode: errorCodes.UNKNOWN_TOPIC_ID }] }])
  })

  test('of a generation that does not exist: the error that the version knows', async () => {
    const stranger = { memberId: 'x', generationIdOrMemberEpoch: 3 }
    expect(await commitCodes(8, [[0, 1]], { groupId: 'none', ...stranger })).toEqual([errorCodes.ILLEGAL_GENERATION])
    expect(await commitCodes(9, [[0, 1]], { groupId: 'none', ...stranger })).toEqual([errorCodes.GROUP_ID_NOT_FOUND])
    const { memberId } = await formGroup()
    expect(await commitCodes(9, [[0, 1]], stranger)).toEqual([errorCodes.UNKNOWN_MEMBER_ID])
    expect(await commitCodes(9, [[0, 1]], { memberId, generationIdOrMemberEpoch: 7 })).toEqual([
      errorCodes.ILLEGAL_GENERATION,
    ])
    expect(await commitCodes(9, [[0, 1]], { memberId, generationIdOrMemberEpoch: 1 })).toEqual([0])
  })

  test('can be deleted where nobody is subscribed', async () => {
    await commitCodes(9, [
      [0, 5],
      [1, 6],
    ])
    const topics = [
      { name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 99 }] },
      { name: 'none', partitions: [{ partitionIndex: 0 }] },
    ]
    const { UNKNOWN_TOPIC_OR_PARTITION, GROUP_SUBSCRIBED_TO_TOPIC, GROUP_ID_NOT_FOUND } = errorCodes
    expect(await client.request(OffsetDelete, 0, { groupId: 'g', topics })).toMatchObject({
      errorCode: 0,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 0, errorCode: 0 },
            { partitionIndex: 99, errorCode: UNKNOWN_TOPIC_OR_PARTITION },
          ],
        },
        { name: 'none', partitions: [{ errorCode: UNKNOWN_TOPIC_OR_PARTITION }] },
      ],
    })
    await formGroup()
    const subscribed = await client.request(OffsetDelete, 0, { groupId: 'g', topics: topics.slice(0, 1) })
    expect(subscribed.topics[0]!.partitions[0]!.errorCode).toBe(GROUP_SUBSCRIBED_TO_TOPIC)
    expect((await client.request(OffsetDelete, 0, { groupId: 'none', topics })).errorCode).toBe(GROUP_ID_NOT_FOUND)
  })
})

describe('administration', () => {
  test('DescribeGroups, in all versions', async () => {
    const { memberId } = await formGroup()
    await inEveryVersion([0, 6], async (version, _groupId, connection) => {
      const asked = { groups: ['g', 'none'], includeAuthorizedOperations: version >= 3 }
      const { groups } = await connection.request(DescribeGroups, version, asked)
      const about = { clientId: 'test', clientHost: '/127.0.0.1', memberMetadata: subscriptionTo('t') }
      expect(groups[0]).toMatchObject({
        errorCode: 0,
        groupId: 'g',
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [{ memberId, ...about, memberAssignment: Buffer.from('all') }],
        authorizedOperations: version >= 3 ? 3400 : -2147483648,
      })
      expect(groups[1]).toMatchObject({
        groupId: 'none',
        groupState: 'Dead',
        members: [],
        errorCode: version >= 6 ? errorCodes.GROUP_ID_NOT_FOUND : 0,
        errorMessage: version >= 6 ? 'Group none not found.' : null,
      })
    })
  })

  test('ListGroups, filtered by state and type', async () => {
    await formGroup()
    await commitCodes(9, [[0, 1]], { groupId: 'simple' })
    for (let version = 0; version <= 3; version++) {
      const { groups } = await client.request(ListGroups, version, {})
      expect(groups.map(({ groupId, protocolType }) => [groupId, protocolType])).toEqual([
        ['g', 'consumer'],
        ['simple', ''],
      ])
    }
    const listed = async (body: { statesFilter?: string[]; typesFilter?: string[] }) =>
      (await client.request(ListGroups, 5, body)).groups.map(({ groupId, groupState, groupType }) => [
        groupId,
        groupState,
        groupType,
      ])
    expect(await listed({})).toEqual([
      ['g', 'Stable', 'classic'],
      ['simple', 'Empty', 'classic'],
    ])
    expect(await listed({ statesFilter: ['empty', 'Dead'] })).toEqual([['simple', 'Empty', 'classic']])
    expect(await listed({ typesFilter: ['Classic'], statesFilter: ['Stable'] })).toEqual([['g', 'Stable', 'classic']])
    expect(await listed({ typesFilter: ['consumer'] })).toEqual([])
  })

  test('DeleteGroups, in all versions', async () => {
    await formGroup()
    await inEveryVersion([0, 3], async (version, groupId, connection) => {
      await connection.request(OffsetCommit, 9, commitBody([[0, 1]], { groupId }))
      const { results } = await connection.request(DeleteGroups, version, { groupsNames: ['g', groupId, 'none'] })
      expect(results.map(result => [result.groupId, result.errorCode])).toEqual([
        ['g', errorCodes.NON_EMPTY_GROUP],
        [groupId, 0],
        ['none', errorCodes.GROUP_ID_NOT_FOUND],
      ])
      const toldWhy = results.map(({ errorMessage }) => errorMessage !== null)
      expect(toldWhy).toEqual(version >= 3 ? [true, false, true] : [false, false, false])
    })
  })
})
