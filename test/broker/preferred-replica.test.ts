/** Two gateways in two zones over one store: clients with a rack read in theirs (KIP-392). */
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DescribeTopicPartitions, Fetch, Metadata } from '../../lib/protocol/index.ts'
import { startTwoZones, type TwoZones } from '../support/two-zones.ts'
import { WireClient } from '../support/wire-client.ts'

let zones: TwoZones
let near: string
let far: string
const clients = new Map<string, WireClient>()

beforeAll(async () => {
  zones = await startTwoZones()
  ;({ near, far } = zones)
  for (const rack of [near, far]) clients.set(rack, await WireClient.connect(zones.brokerIn(rack).port))
})

afterAll(async () => {
  for (const client of clients.values()) client.end()
  await zones.close()
})

const nodeOf = (rack: string) => zones.brokerIn(rack).cluster.nodeId

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
    highWatermark: zones.records,
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
    brokers: [`127.0.0.1:${zones.brokerIn(near).port}`],
    logLevel: logLevel.NOTHING,
  })
  const consumer = kafka.consumer({ groupId: 'g', rackId: far, maxWaitTimeInMs: 100 })
  const seen: string[] = []
  const all = Promise.withResolvers<void>()
  zones.takeReadAt()
  await consumer.connect()
  await consumer.subscribe({ topic: 't', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(message.value!.toString())
      if (seen.length === zones.records) all.resolve()
    },
  })
  await all.promise
  await consumer.disconnect()
  expect(zones.takeReadAt()).toEqual([far])
})
