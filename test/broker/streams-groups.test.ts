/** Streams groups over the wire (KIP-1071): what a member is told, and what is refused, as Apache Kafka 4.4 has it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CreateTopics, StreamsGroupHeartbeat } from '../../lib/protocol/index.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

let server: TestBroker
let client: WireClient

beforeAll(async () => {
  server = await startTestBroker()
  client = await WireClient.connect(server.port)
  const topics = [{ name: 'lines', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }]
  await client.request(CreateTopics, 7, { topics, timeoutMs: 1_000, validateOnly: false })
})

afterAll(async () => {
  client.end()
  await server.close()
})

const subtopology = {
  subtopologyId: '0',
  sourceTopics: ['lines'],
  sourceTopicRegex: [],
  stateChangelogTopics: [],
  repartitionSinkTopics: [],
  repartitionSourceTopics: [],
  copartitionGroups: [],
}

function beat(groupId: string, memberId: string, memberEpoch: number) {
  const joins = memberEpoch === 0
  return client.request(StreamsGroupHeartbeat, 1, {
    groupId,
    memberId,
    memberEpoch,
    endpointInformationEpoch: -1,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: joins ? 30_000 : -1,
    topology: joins ? { epoch: 0, subtopologies: [subtopology] } : null,
    activeTasks: joins ? [] : null,
    standbyTasks: joins ? [] : null,
    warmupTasks: joins ? [] : null,
    processId: null,
    userEndpoint: null,
    clientTags: joins ? [] : null,
    taskOffsets: null,
    taskEndOffsets: null,
    shutdownApplication: false,
  })
}

test('a member that does not name its process gets tasks; when it leaves there is nothing more to tell', async () => {
  expect(await beat('streams', 'one', 0)).toMatchObject({
    errorCode: 0,
    acceptableRecoveryLag: 10_000,
    taskOffsetIntervalMs: 60_000,
    activeTasks: [{ subtopologyId: '0', partitions: [0, 1] }],
  })
  expect(await beat('streams', 'one', -1)).toMatchObject({
    errorCode: 0,
    memberEpoch: -1,
    acceptableRecoveryLag: -1,
    taskOffsetIntervalMs: 0,
    endpointInformationEpoch: 0,
  })
})

test('a refusal has no status', async () => {
  expect(await beat('', 'one', 0)).toMatchObject({
    errorCode: 42,
    errorMessage: "GroupId can't be empty.",
    status: [],
    activeTasks: null,
  })
  expect(await beat('nobody', 'one', 3)).toMatchObject({ errorCode: 69, status: [] })
})
