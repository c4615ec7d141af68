/** Clients read a log whose commits became extents: with holes, and with nothing at its end. */
import { Consumer, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'

let broker: TestBroker
let kafka: Kafka

beforeAll(async () => {
  broker = await startTestBroker({ compaction: { dueBytes: 0, dueMs: -3_600_000 } })
  kafka = new Kafka({ clientId: 'c', brokers: [`127.0.0.1:${broker.port}`], logLevel: logLevel.NOTHING })
})

afterAll(() => broker.close())

async function compact(name: string): Promise<void> {
  const topic = await broker.log.topics.find({ name })
  const { lost, extents } = await broker.log.compaction.compactShard(topic!, 0)
  expect({ lost, extents }).toEqual({ lost: false, extents: 1 })
}

/** Committed records, aborted ones between them, and aborted ones at the end, all compacted. */
async function fill(topic: string): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer({ transactionalId: `fills-${topic}`, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (const [value, ends] of [
    ['a', 'commit'],
    ['x', 'abort'],
    ['b', 'commit'],
    ['y', 'abort'],
  ] as const) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: `${value}1` }, { value: `${value}2` }] })
    await transaction[ends]()
  }
  await producer.disconnect()
  await compact(topic)
}

async function append(topic: string, value: string): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value }] })
  await producer.disconnect()
}

test.each([true, false])('kafkajs (read uncommitted: %s)', { timeout: 60_000 }, async readUncommitted => {
  const topic = `kafkajs-${readUncommitted}`
  await fill(topic)
  const consumer = kafka.consumer({ groupId: topic, readUncommitted })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const values: string[] = []
  const [first, last] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
      if (values.at(-1) === 'b2') first.resolve()
      if (values.at(-1) === 'last') last.resolve()
    },
  })
  await first.promise
  await append(topic, 'last')
  await last.promise
  await consumer.disconnect()
  expect(values).toEqual(['a1', 'a2', 'b1', 'b2', 'last'])
})

test('@platformatic/kafka', { timeout: 60_000 }, async () => {
  const topic = 'platformatic'
  await fill(topic)
  const consumer = new Consumer({
    groupId: topic,
    clientId: 'c',
    bootstrapBrokers: [`127.0.0.1:${broker.port}`],
    deserializers: stringDeserializers,
  })
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: false })
  const values: string[] = []
  for await (const { value } of stream) {
    values.push(String(value))
    if (value === 'b2') await append(topic, 'last')
    if (value === 'last') break
  }
  await consumer.close(true)
  expect(values).toEqual(['a1', 'a2', 'b1', 'b2', 'last'])
})
