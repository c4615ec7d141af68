/** Streams groups over the wire (KIP-1071): what a member is told, and what is refused, as Apache Kafka 4.4 has it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CreateTopics, StreamsGroupHeartbeat } from '../../lib/protocol/index.ts'
import { streamsHeartbeat } from '../support/streams-heartbeat.ts'
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

function beat(groupId: string, memberId: string, memberEpoch: number) {
  const body = streamsHeartbeat({ groupId, memberId, memberEpoch }, memberEpoch === 0 ? ['lines'] : null)
  return client.request(StreamsGroupHeartbeat, 1, body)
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

test('a member may not know yet where the changelogs of a task end', () => {
  const unknown = [{ subtopologyId: '0', partition: 0, offset: Number.MAX_SAFE_INTEGER }]
  const body = streamsHeartbeat({ groupId: 'streams', memberId: 'one', memberEpoch: 3 }, null)
  const { request } = StreamsGroupHeartbeat
  const bytes = Buffer.concat(request.encode({ ...body, taskOffsets: unknown, taskEndOffsets: unknown }, 1))
  // Kafka Streams says so by the highest int64.
  const told = Buffer.from(bytes.toString('hex').replaceAll('001fffffffffffff', '7fffffffffffffff'), 'hex')
  expect(told.equals(bytes)).toBe(false)
  expect(request.decode(told, 1)).toMatchObject({ taskOffsets: unknown, taskEndOffsets: unknown })
})
