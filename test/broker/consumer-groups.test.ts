/** Consumer groups (KIP-848) on the wire. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  ApiVersions,
  ConsumerGroupDescribe,
  ConsumerGroupHeartbeat,
  CreateTopics,
  DeleteGroups,
  DescribeGroups,
  errorCodes,
  ListGroups,
  OffsetCommit,
  OffsetFetch,
} from '../../lib/protocol/index.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

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
})

afterEach(async () => {
  client.end()
  await broker.close()
})

type Body = Parameters<typeof client.request<typeof ConsumerGroupHeartbeat.request.fields, never>>[2]

const silent = {
  groupId: 'g',
  memberId: 'one',
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null,
}
const joining = { ...silent, rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], topicPartitions: [] }

function beat(body: Partial<typeof silent | typeof joining>, version = 1) {
  return client.request(ConsumerGroupHeartbeat, version, { ...silent, ...body } as Body)
}

test('a member joins, is told all once, works, is described, and leaves', async () => {
  const joined = await beat(joining)
  expect(joined).toMatchObject({ errorCode: 0, memberId: 'one', memberEpoch: 1, heartbeatIntervalMs: 1_000 })
  expect(joined.assignment!.topicPartitions).toEqual([{ topicId, partitions: [0, 1] }])
  expect((await beat({ memberEpoch: 1 })).assignment).toBeNull()
  const again = await beat({ ...joining, memberEpoch: 1, topicPartitions: [{ topicId, partitions: [0, 1] }] as never })
  expect(again.assignment!.topicPartitions).toEqual([{ topicId, partitions: [0, 1] }])

  const { groups } = await client.request(ConsumerGroupDescribe, 1, {
    groupIds: ['g'],
    includeAuthorizedOperations: true,
  })
  expect(groups[0]).toMatchObject({
    errorCode: 0,
    groupState: 'Stable',
    groupEpoch: 1,
    assignmentEpoch: 1,
    assignorName: 'uniform',
  })
  const assignment = { topicPartitions: [{ topicId, topicName: 't', partitions: [0, 1] }] }
  expect(groups[0]!.members[0]).toMatchObject({
    memberId: 'one',
    memberEpoch: 1,
    clientHost: '/127.0.0.1',
    subscribedTopicNames: ['t'],
    subscribedTopicRegex: '',
    assignment,
    targetAssignment: assignment,
    memberType: 1,
  })
  expect(groups[0]!.authorizedOperations).toBeGreaterThan(0)
  expect(await beat({ memberEpoch: -1 })).toMatchObject({ errorCode: 0, memberEpoch: -1, assignment: null })
})

test('the first version draws the member’s id', async () => {
  const { memberId, errorCode } = await beat({ ...joining, memberId: '' }, 0)
  expect(errorCode).toBe(0)
  expect(memberId).toMatch(/^.{22,36}$/)
  expect((await beat({ ...joining, memberId: '' }, 1)).errorCode).toBe(errorCodes.INVALID_REQUEST)
})

test('refusals have Kafka’s codes and words', async () => {
  await beat(joining)
  expect(await beat({ memberEpoch: 7 })).toMatchObject({
    errorCode: errorCodes.FENCED_MEMBER_EPOCH,
    errorMessage:
      'The consumer group member has a greater member epoch (7) than the one known by the group coordinator (1). The member must abandon all its partitions and rejoin.',
    memberId: null,
    memberEpoch: 0,
  })
  expect((await beat({ memberId: 'two', memberEpoch: 1 })).errorCode).toBe(errorCodes.UNKNOWN_MEMBER_ID)
  expect((await beat({ ...joining, serverAssignor: 'mine' as never })).errorCode).toBe(errorCodes.UNSUPPORTED_ASSIGNOR)
  expect((await beat({ ...joining, subscribedTopicRegex: '(' as never })).errorCode).toBe(
    errorCodes.INVALID_REGULAR_EXPRESSION,
  )
  expect((await beat({ ...joining, groupId: '' })).errorCode).toBe(errorCodes.INVALID_REQUEST)
  expect((await beat({ groupId: 'nowhere', memberEpoch: 1 })).errorCode).toBe(errorCodes.GROUP_ID_NOT_FOUND)
})

test('the group is listed and deleted as what it is, and is no classic one', async () => {
  await beat(joining)
  const listed = async (typesFilter: string[]) =>
    (await client.request(ListGroups, 5, { statesFilter: [], typesFilter })).groups
  expect(await listed(['Consumer'])).toMatchObject([
    { groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' },
  ])
  expect(await listed(['classic'])).toEqual([])
  const described = await client.request(DescribeGroups, 6, { groups: ['g'], includeAuthorizedOperations: false })
  expect(described.groups[0]).toMatchObject({
    errorCode: errorCodes.GROUP_ID_NOT_FOUND,
    groupState: 'Dead',
    errorMessage: 'Group g is not a classic group.',
  })
  const old = await client.request(DescribeGroups, 5, { groups: ['g'], includeAuthorizedOperations: false })
  expect(old.groups[0]).toMatchObject({ errorCode: 0, groupState: 'Dead' })
  const remove = async () => (await client.request(DeleteGroups, 2, { groupsNames: ['g'] })).results[0]!.errorCode
  expect(await remove()).toBe(errorCodes.NON_EMPTY_GROUP)
  await beat({ memberEpoch: -1 })
  expect(await remove()).toBe(0)
})

test('offsets are committed and read in the member’s epoch', async () => {
  await beat(joining)
  const commit = async (generationIdOrMemberEpoch: number, version = 9) => {
    const partition = { partitionIndex: 0, committedOffset: 3, committedLeaderEpoch: 0, committedMetadata: null }
    const { topics } = await client.request(OffsetCommit, version, {
      groupId: 'g',
      memberId: 'one',
      groupInstanceId: null,
      generationIdOrMemberEpoch,
      topics: [{ name: 't', partitions: [partition] }],
    })
    return topics[0]!.partitions[0]!.errorCode
  }
  expect(await commit(0)).toBe(errorCodes.STALE_MEMBER_EPOCH)
  expect(await commit(1)).toBe(0)
  // Its clients know no epochs.
  expect(await commit(1, 8)).toBe(errorCodes.UNSUPPORTED_VERSION)
  const fetch = async (memberEpoch: number) => {
    const topics = [{ name: 't', partitionIndexes: [0] }]
    const { groups } = await client.request(OffsetFetch, 9, {
      groups: [{ groupId: 'g', memberId: 'one', memberEpoch, topics }],
      requireStable: true,
    })
    return groups[0]!
  }
  expect((await fetch(2)).errorCode).toBe(errorCodes.STALE_MEMBER_EPOCH)
  expect((await fetch(1)).topics[0]!.partitions[0]).toMatchObject({ committedOffset: 3, errorCode: 0 })
})

test('clients learn that there are consumer groups', async () => {
  const { finalizedFeatures } = await client.request(ApiVersions, 4, {
    clientSoftwareName: 'a',
    clientSoftwareVersion: '1',
  })
  expect(finalizedFeatures).toContainEqual({ name: 'group.version', maxVersionLevel: 1, minVersionLevel: 1 })
})
