import { afterEach, expect, test } from 'vitest'
import { CreateTopics, DeleteRecords, errorCodes, ListOffsets } from '../../lib/protocol/index.ts'
import { batchOf } from '../support/batches.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

let broker: TestBroker
let client: WireClient

afterEach(async () => {
  client.end()
  await broker.close()
})

async function start(configs: { name: string; value: string }[] = []): Promise<void> {
  broker = await startTestBroker()
  client = await WireClient.connect(broker.port)
  const topics = [{ name: 't', numPartitions: 2, replicationFactor: -1, assignments: [], configs }]
  await client.request(CreateTopics, 7, { topics, timeoutMs: 10_000, validateOnly: false })
  const topic = await broker.log.topics.find({ name: 't' })
  for (let i = 0; configs.length === 0 && i < 5; i++) {
    await broker.log.append({ topic: topic!, partition: 0, batch: batchOf([`v${i}`]), timeoutMs: 10_000 })
  }
}

async function deleteBefore(offset: number, { name = 't', partitionIndex = 0, version = 2, timeoutMs = 10_000 } = {}) {
  const topics = [{ name, partitions: [{ partitionIndex, offset }] }]
  const answer = await client.request(DeleteRecords, version, { topics, timeoutMs })
  return answer.topics[0]!.partitions[0]!
}

test.each([0, 1, 2])('version %i moves the low watermark, and ListOffsets follows', async version => {
  await start()
  expect(await deleteBefore(3, { version })).toEqual({ partitionIndex: 0, lowWatermark: 3, errorCode: 0 })
  const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -2 }]
  const topics = [{ name: 't', partitions }]
  const found = await client.request(ListOffsets, 5, { replicaId: -1, isolationLevel: 0, topics })
  expect(found.topics[0]!.partitions[0]!.offset).toBe(3)
})

test('-1 is the high watermark', async () => {
  await start()
  expect(await deleteBefore(-1)).toEqual({ partitionIndex: 0, lowWatermark: 5, errorCode: 0 })
})

test.each([0, -1])('a timeout of %i ms is one for replicas, and deletes all the same', async timeoutMs => {
  await start()
  expect(await deleteBefore(2, { timeoutMs })).toEqual({ partitionIndex: 0, lowWatermark: 2, errorCode: 0 })
})

test('an offset below the low watermark changes nothing', async () => {
  await start()
  await deleteBefore(4)
  expect((await deleteBefore(2)).lowWatermark).toBe(4)
})

test.each([
  ['an offset above the end', 6, {}, errorCodes.OFFSET_OUT_OF_RANGE],
  ['a negative offset', -2, {}, errorCodes.OFFSET_OUT_OF_RANGE],
  ['an unknown topic', 0, { name: 'none' }, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
  ['an unknown partition', 0, { partitionIndex: 9 }, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
])('%s is refused', async (_what, offset, where, errorCode) => {
  await start()
  expect(await deleteBefore(offset, where)).toMatchObject({ lowWatermark: -1, errorCode })
})

test('a topic that is only compacted keeps its records', async () => {
  await start([{ name: 'cleanup.policy', value: 'compact' }])
  expect(await deleteBefore(0)).toMatchObject({ lowWatermark: -1, errorCode: errorCodes.POLICY_VIOLATION })
})
