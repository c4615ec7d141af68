import { Consumer, MessagesStreamModes, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVarveServer, type VarveServer } from '../support/varve-server.ts'

/** The shortest way through a server with real clients: make a topic, publish, read by a group. */
let server: VarveServer

beforeAll(async () => {
  server = await createVarveServer()
  await server.start()
})

afterAll(() => server.stop())

const sent = Array.from({ length: 100 }, (_, i) => ({ key: `key-${i % 7}`, value: `value-${i}` }))

test('health is told over HTTP', async () => {
  const response = await fetch(`http://${server.http}/healthz`)
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({ status: 'ok', stores: { dollars: expect.any(Number) } })
  expect((await fetch(`http://${server.http}/elsewhere`)).status).toBe(404)
})

describe('KafkaJS', () => {
  test('publishes and reads', async () => {
    const kafka = new Kafka({ clientId: 'smoke', brokers: [server.bootstrap], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'kafkajs', numPartitions: 3 }] })
    const producer = kafka.producer({ idempotent: true })
    await producer.connect()
    await producer.send({ topic: 'kafkajs', messages: sent })

    const consumer = kafka.consumer({ groupId: 'smoke-kafkajs' })
    await consumer.connect()
    await consumer.subscribe({ topics: ['kafkajs'], fromBeginning: true })
    const received: string[] = []
    const all = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ message }) => {
        received.push(String(message.value))
        if (received.length === sent.length) all.resolve()
      },
    })
    await all.promise
    expect(new Set(received)).toEqual(new Set(sent.map(({ value }) => value)))
    await consumer.disconnect()
    await producer.disconnect()

    const offsets = await admin.fetchOffsets({ groupId: 'smoke-kafkajs', topics: ['kafkajs'] })
    const committed = offsets[0]!.partitions.map(({ offset }) => Math.max(0, Number(offset)))
    expect(committed.reduce((sum, offset) => sum + offset, 0)).toBe(sent.length)
    await admin.disconnect()
  })
})

describe('@platformatic/kafka', () => {
  test('publishes and reads', async () => {
    const common = { clientId: 'smoke', bootstrapBrokers: [server.bootstrap] }
    const producer = new Producer({
      ...common,
      serializers: stringSerializers,
      autocreateTopics: true,
      idempotent: true,
    })
    const answer = await producer.send({ messages: sent.map(message => ({ topic: 'platformatic', ...message })) })
    expect(answer.offsets?.length).toBeGreaterThan(0)
    await producer.close()

    const consumer = new Consumer({ ...common, groupId: 'smoke-platformatic', deserializers: stringDeserializers })
    const stream = await consumer.consume({
      topics: ['platformatic'],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
    })
    const received: string[] = []
    for await (const message of stream) {
      received.push(message.value)
      if (received.length === sent.length) break
    }
    expect(received).toEqual(sent.map(({ value }) => value))
    await stream.close()
    await consumer.close(true)
  })
})
