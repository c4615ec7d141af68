/** Two gateways in two zones over one store: clients with a rack read in theirs (KIP-392). */
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Log } from '../../lib/log/index.ts'
import { DescribeTopicPartitions, Fetch, Metadata } from '../../lib/protocol/index.ts'
import { batchOf } from '../support/batches.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { WireClient } from '../support/wire-client.ts'

const records = 10
/** The racks of the gateways that records were read at. */
const readAt = new Set<string>()
const brokers = new Map<string, TestBroker>()
const clients = new Map<string, WireClient>()
/** The zone of the partition's leader, and the other one. */
let near: string
let far: string

beforeAll(async () => {
  const stores = { objects: memoryObjects(), items: memoryItems() }
  for (const rack of ['a', 'b']) {
    brokers.set(rack, await startTestBroker({ stores, rack, wrapLog: log => counting(log, rack) }))
    clients.set(rack, await WireClient.connect(brokers.get(rack)!.port))
  }
  await vi.waitFor(() => expect(brokers.get('a')!.cluster.gateways()).toHaveLength(2), { timeout: 10_000 })
  const { log, cluster } = brokers.get('a')!
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  near = cluster.leaderOf(topic.id, 0).rack!
  far = near === 'a' ? 'b' : 'a'
  const values = Array.from({ length: records }, (_, i) => String(i))
  await log.append({ topic, partition: 0, batch: batchOf(values), timeoutMs: 5_000 })
})

afterAll(async () => {
  for (const client of clients.values()) client.end()
  for (const broker of brokers.values()) await broker.close()
})

function counting(log: Log, rack: string): Log {
  return new Proxy(log, {
    get(target, name) {
      if (name !== 'read') {
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
      const read: Log['read'] = async request => {
        const result = await target.read(request)
        if (result.batches.length > 0) readAt.add(rack)
        return result
      }
      return read
    },
  })
}

const nodeOf = (rack: string) => brokers.get(rack)!.cluster.nodeId

async function fetchAt(rack: string, rackId: string, version = 12) {
  const { responses } = await clients.get(rack)!.request(Fetch, version, {
    maxWaitMs: 60_000,
    minBytes: 1,
    maxBytes: 1_000_000,
    isolationLevel: 0,
    topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
    rackId,
  })
  const [partition] = responses[0]!.partitions
  return { ...partition!, bytes: partition!.records?.length ?? 0 }
}

test('a partition has a replica in each zone, the leader first', async () => {
  const { topics } = await clients.get('a')!.request(Metadata, 12, { topics: [{ name: 't' }] })
  const replicas = [nodeOf(near), nodeOf(far)]
  expect(topics[0]!.partitions[0]).toMatchObject({
    leaderId: nodeOf(near),
    replicaNodes: replicas,
    isrNodes: replicas,
  })
  const described = await clients.get('b')!.request(DescribeTopicPartitions, 0, {
    topics: [{ name: 't' }],
    responsePartitionLimit: 10,
    cursor: null,
  })
  expect(described.topics[0]!.partitions[0]).toMatchObject({ replicaNodes: replicas, isrNodes: replicas })
})

test('a fetch from another zone is sent to the own one at once, without records', async () => {
  expect(await fetchAt(near, far)).toMatchObject({
    errorCode: 0,
    preferredReadReplica: nodeOf(far),
    highWatermark: records,
    bytes: 0,
  })
  expect(await fetchAt(far, near)).toMatchObject({ preferredReadReplica: nodeOf(near), bytes: 0 })
})

test('a fetch in the own zone, without a rack, or from a zone without gateways is served', async () => {
  for (const rackId of [far, '', 'nowhere']) {
    const { preferredReadReplica, bytes } = await fetchAt(far, rackId)
    expect(preferredReadReplica).toBe(-1)
    expect(bytes).toBeGreaterThan(0)
  }
  expect((await fetchAt(near, far, 10)).bytes).toBeGreaterThan(0)
})

test('a KafkaJS consumer with a rack reads from the gateway of its zone', async () => {
  const kafka = new Kafka({
    brokers: [`127.0.0.1:${brokers.get(near)!.port}`],
    logLevel: logLevel.NOTHING,
  })
  const consumer = kafka.consumer({ groupId: 'g', rackId: far, maxWaitTimeInMs: 100 })
  const seen: string[] = []
  const all = Promise.withResolvers<void>()
  readAt.clear()
  await consumer.connect()
  await consumer.subscribe({ topic: 't', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(message.value!.toString())
      if (seen.length === records) all.resolve()
    },
  })
  await all.promise
  await consumer.disconnect()
  expect([...readAt]).toEqual([far])
})
