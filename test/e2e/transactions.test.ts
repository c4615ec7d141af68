/** Transactions by clients of the first protocol, against a server of its own that is killed in the middle. */
import { Consumer, MessagesStreamModes, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TestServer } from '../support/server-process.ts'
import { createTestServer } from '../support/varve-server.ts'

/** Four starts, on a machine that may be busy. */
const CRASHES = { timeout: 180_000 }

let server: TestServer
let kafka: Kafka

beforeAll(async () => {
  server = await createTestServer()
  await server.start()
  kafka = new Kafka({
    clientId: 'transactions',
    brokers: [server.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 20, maxRetryTime: 500 },
  })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: ['input', 'kafkajs', 'crash', 'platformatic'].map(topic => ({ topic, numPartitions: 3 })),
  })
  await admin.disconnect()
})

afterAll(() => server.stop())

/** Values of committed records up to the one that is `last`. */
async function readCommitted(topic: string, last: string): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `reader-of-${topic}`, readUncommitted: false })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const values: string[] = []
  const done = Promise.withResolvers<void>()
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
      if (values.at(-1) === last) done.resolve()
    },
  })
  await done.promise
  await consumer.disconnect()
  return values
}

/** One record for each partition. */
function messagesOf(value: string) {
  return [0, 1, 2].map(partition => ({ partition, value: `${value}-${partition}` }))
}

async function committed(groupId: string): Promise<number> {
  const admin = kafka.admin()
  await admin.connect()
  const [topic] = await admin.fetchOffsets({ groupId, topics: ['input'] })
  await admin.disconnect()
  return Number(topic!.partitions.find(({ partition }) => partition === 0)!.offset)
}

describe('KafkaJS', () => {
  test('commits and aborts records and offsets together', async () => {
    const producer = kafka.producer({ transactionalId: 'kafkajs', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    for (let n = 0; n < 6; n++) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'kafkajs', messages: messagesOf(`${n}`) })
      const topics = [{ topic: 'input', partitions: [{ partition: 0, offset: `${n + 1}` }] }]
      await transaction.sendOffsets({ consumerGroupId: 'by-kafkajs', topics })
      if (n % 2 === 0) await transaction.commit()
      else await transaction.abort()
      expect(await committed('by-kafkajs')).toBe(n % 2 === 0 ? n + 1 : n)
    }
    await producer.send({ topic: 'kafkajs', messages: [{ partition: 0, value: 'last' }] })
    await producer.disconnect()
    const values = await readCommitted('kafkajs', 'last')
    for (const value of values.filter(value => value !== 'last')) expect(value).toMatch(/^[024]-/)
    expect(values.filter(value => value.endsWith('-0'))).toEqual(['0-0', '2-0', '4-0'])
  })

  test('a second producer with the same transactional id fences the first', async () => {
    const producers = [0, 1].map(() => {
      return kafka.producer({ transactionalId: 'fenced', maxInFlightRequests: 1, idempotent: true })
    })
    await producers[0]!.connect()
    const transaction = await producers[0]!.transaction()
    await transaction.send({ topic: 'kafkajs', messages: messagesOf('zombie') })
    await producers[1]!.connect()
    await (await producers[1]!.transaction()).abort()
    await expect(transaction.commit()).rejects.toThrow()
    await Promise.all(producers.map(producer => producer.disconnect()))
  })

  test('kill -9 in the middle: whole transactions or nothing, and what was committed stays', CRASHES, async () => {
    const answered: string[] = []
    const begun: string[] = []
    for (let life = 0; life < 4; life++) {
      const producer = kafka.producer({ transactionalId: 'crash', maxInFlightRequests: 1, idempotent: true })
      await producer.connect()
      let restarted: Promise<unknown> = Promise.resolve()
      const restart = () => {
        restarted = server.kill().then(() => server.start())
      }
      try {
        for (let n = 0; n < 8; n++) {
          const name = `${life}.${n}`
          begun.push(name)
          const transaction = await producer.transaction()
          // At another point of the transaction in each life.
          if (n === 6 && life % 2 === 0) restart()
          await transaction.send({ topic: 'crash', messages: messagesOf(name) })
          const committing = transaction.commit()
          if (n === 6 && life % 2 === 1) restart()
          await committing
          answered.push(name)
        }
      } catch {
        // The next life begins with a new producer.
      }
      await restarted
      await producer.disconnect().catch(() => undefined)
    }
    const producer = kafka.producer({ transactionalId: 'crash', maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    // Aborts what the last life left open.
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'crash', messages: [0, 1, 2].map(partition => ({ partition, value: 'last' })) })
    await transaction.commit()
    await producer.disconnect()
    const read = new Set(await readAllCommitted('crash'))
    read.delete('last')
    const seen = new Map<string, number>()
    for (const value of read) {
      const name = value.slice(0, value.lastIndexOf('-'))
      seen.set(name, (seen.get(name) ?? 0) + 1)
    }
    for (const [name, records] of seen) expect([name, records]).toEqual([name, 3])
    for (const name of answered) expect(seen.has(name), name).toBe(true)
    expect(begun.length).toBeGreaterThan(20)
  })
})

/** Committed values of all partitions, each of which ends with `last`. */
async function readAllCommitted(topic: string): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `reader-of-all-${topic}`, readUncommitted: false })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const values: string[] = []
  const ended = new Set<number>()
  const done = Promise.withResolvers<void>()
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      values.push(String(message.value))
      if (values.at(-1) === 'last' && ended.add(partition).size === 3) done.resolve()
    },
  })
  await done.promise
  await consumer.disconnect()
  return values
}

describe('@platformatic/kafka', () => {
  test('commits and aborts what it reads and writes', async () => {
    const common = { clientId: 'transactions', bootstrapBrokers: [server.bootstrap] }
    const source = new Producer({ ...common, serializers: stringSerializers })
    await source.send({ messages: ['a', 'b', 'c'].map(value => ({ topic: 'input', partition: 0, value })) })
    await source.close()
    const producer = new Producer({
      ...common,
      serializers: stringSerializers,
      idempotent: true,
      transactionalId: 'platformatic',
    })
    const consumer = new Consumer({ ...common, groupId: 'by-platformatic', deserializers: stringDeserializers })
    const stream = await consumer.consume({
      topics: ['input'],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
      isolationLevel: 1,
    })
    let count = 0
    for await (const message of stream) {
      const transaction = await producer.beginTransaction()
      await transaction.addConsumer(consumer)
      await transaction.send({ messages: messagesOf(message.value).map(each => ({ topic: 'platformatic', ...each })) })
      await transaction.addOffset(message)
      if (message.value === 'b') await transaction.abort()
      else await transaction.commit()
      if (++count === 3) break
    }
    expect(await committed('by-platformatic')).toBeGreaterThanOrEqual(3)
    const transaction = await producer.beginTransaction()
    await transaction.send({
      messages: [0, 1, 2].map(partition => ({ topic: 'platformatic', partition, value: 'last' })),
    })
    await transaction.commit()
    await stream.close()
    await consumer.close(true)
    await producer.close()
    const values = await readAllCommitted('platformatic')
    expect(values.filter(value => value !== 'last').sort()).toEqual(['a-0', 'a-1', 'a-2', 'c-0', 'c-1', 'c-2'])
  })
})
