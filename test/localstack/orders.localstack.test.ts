/** The example of the README, deployed with the CDK's own command line and driven from outside. */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { Kafka, logLevel } from 'kafkajs'
import { type LocalStack, startLocalStack, whyNotInstallable } from 'localstack-utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeWith } from '../support/requirement.ts'
import { createVarveServer } from '../support/varve-server.ts'
import { type Cdk, cdkOf } from './cdk.ts'
import { Deployment } from './deployment.ts'
import { Warehouse } from './warehouse.ts'

const ingestOrders = /^Varve: ingest into orders/
const numbers = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix} ${i}`)
const valuesOf = (records: readonly { value: string }[]) => records.map(({ value }) => value).toSorted()

/** The same at every delivery, and not so long ago that retention would take it. */
const sentAt = Date.now()

function sqsEvent(bodies: readonly string[]) {
  return {
    Records: bodies.map(body => ({
      messageId: `id of ${body}`,
      body,
      attributes: { SentTimestamp: String(sentAt), ApproximateReceiveCount: '1' },
      messageAttributes: {},
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:replayed',
    })),
  }
}

const missing = whyNotInstallable()
// No registry that this project uses has a Python.
const optional = missing?.includes('Python') ?? false

describeWith({ missing, optional }, 'the orders example on LocalStack', () => {
  let localStack: LocalStack
  let cdk: Cdk
  let deployed: Deployment

  beforeAll(async () => {
    localStack = await startLocalStack()
    cdk = cdkOf(localStack, 'npx node infra/orders-example.ts', 'VarveOrders')
    deployed = new Deployment(localStack, await cdk.deploy())
    await deployed.makeKey()
  })

  afterAll(() => localStack?.stop())

  // Before there are records, a sweep need not look for what is older than its window.
  test('upkeep of a new log comes to its end', async () => {
    expect(await deployed.invoke(/^Varve: keeps/, {})).toEqual({ ran: true, findings: 0 })
  })

  test('the URL is closed to whoever shows no key', async () => {
    const refused = await deployed.http('GET', '/v1/topics', { anonymous: true })
    expect([refused.status, refused.headers['content-type']]).toEqual([401, 'application/problem+json'])
  })

  // LocalStack without an account runs no custom resources, so this is CloudFormation's part.
  test('topics are made as the stack asks for them, and once', async () => {
    const orders = { Name: 'orders', Partitions: '3', Configs: {} }
    const made = await deployed.resource('Topic', 'Create', orders)
    expect(made).toMatchObject({ Status: 'SUCCESS', Data: { Name: 'orders', Partitions: 3 } })
    expect(await deployed.resource('Topic', 'Create', orders)).toMatchObject({
      Status: 'SUCCESS',
      PhysicalResourceId: expect.stringMatching(/^adopted\//),
    })
    for (const Name of ['orders-unfulfilled', 'shipments']) {
      await deployed.resource('Topic', 'Create', { Name, Partitions: '1' })
    }
    const fewer = await deployed.resource(
      'Topic',
      'Update',
      { ...orders, Partitions: '1' },
      String(made.PhysicalResourceId),
    )
    expect(fewer).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('never taken away') })
    const { body } = await deployed.http('GET', '/v1/topics')
    expect(body.topics.map(({ name }: { name: string }) => name)).toEqual(['orders', 'orders-unfulfilled', 'shipments'])
  })

  test('a record goes in and comes out over HTTPS', async () => {
    await deployed.http('POST', '/v1/topics', { body: { name: 'notes', partitions: 1 } })
    const sent = await deployed.http('POST', '/v1/topics/notes/records', {
      body: { key: 'a', value: 'hello', valueEncoding: 'text' },
    })
    expect([sent.status, sent.body]).toEqual([200, { partition: 0, offset: 0 }])
    expect(await deployed.records('notes')).toMatchObject([{ partition: 0, offset: 0, key: 'a', value: 'hello' }])
    const wrong = await deployed.http('POST', '/v1/topics/no..such/..', { body: {} })
    expect(wrong.status).toBe(404)
  })

  test('messages of the queue become records, each once', async () => {
    const bodies = numbers(120, 'queued')
    await deployed.sendToQueue(bodies)
    const records = await deployed.until('the messages', async () => {
      const found = await deployed.records('orders')
      return found.length >= bodies.length ? found : undefined
    })
    expect(valuesOf(records)).toEqual(bodies.toSorted())
  })

  test('a delivery that comes again adds nothing, and one in other company only what is new', async () => {
    const before = (await deployed.records('orders')).length
    const bodies = numbers(40, 'replayed')
    expect(await deployed.invoke(ingestOrders, sqsEvent(bodies))).toEqual({ batchItemFailures: [] })
    await deployed.invoke(ingestOrders, sqsEvent(bodies))
    await deployed.kill(ingestOrders)
    const mixed = [...bodies.filter((_, i) => i % 2 === 0), ...numbers(5, 'new')]
    expect(await deployed.invoke(ingestOrders, sqsEvent(mixed))).toEqual({ batchItemFailures: [] })
    expect((await deployed.records('orders')).length).toBe(before + 45)
  })

  test('a function that is killed in mid-flight loses nothing and repeats nothing', async () => {
    const before = (await deployed.records('orders')).length
    let kills = 0
    for (let round = 0; round < 8; round++) {
      const event = sqsEvent(numbers(30, `round ${round}`))
      const first = deployed.invoke(ingestOrders, event).then(
        () => 'answered',
        () => 'failed',
      )
      await new Promise(resolve => setTimeout(resolve, round * 40))
      kills += await deployed.kill(ingestOrders)
      await first
      await deployed.until('an answer without failures', async () => {
        const answer = await deployed.invoke(ingestOrders, event).catch(() => undefined)
        return JSON.stringify(answer) === '{"batchItemFailures":[]}' ? answer : undefined
      })
    }
    expect(kills).toBeGreaterThan(0)
    const values = valuesOf(await deployed.records('orders')).filter(value => value.startsWith('round'))
    expect(values).toEqual(
      Array.from({ length: 8 }, (_, round) => numbers(30, `round ${round}`))
        .flat()
        .toSorted(),
    )
    expect((await deployed.records('orders')).length).toBe(before + 240)
  })

  test('events of the bus become records', async () => {
    await deployed.sendToBus([{ parcel: 1 }, { parcel: 2 }])
    const records = await deployed.until('the events', async () => {
      const found = await deployed.records('shipments')
      return found.length >= 2 ? found : undefined
    })
    const parcels = records.map(({ value }) => JSON.parse(value)).map(({ detail }) => detail.parcel)
    expect(parcels.toSorted()).toEqual([1, 2])
  })

  describe('push', () => {
    let warehouse: Warehouse

    beforeAll(async () => {
      warehouse = await Warehouse.listen()
    })
    afterAll(() => warehouse?.close())

    test('calls the function of the example with what comes into the topic, and again where it failed', async () => {
      await deployed.configure(/^Orders: fulfils/, { WAREHOUSE_URL: warehouse.url })
      const made = await deployed.resource('Subscription', 'Create', {
        Name: 'Fulfilment',
        Topic: 'orders',
        Target: { Kind: 'function', Function: deployed.output('FulfilArn') },
        AttemptsMax: '5',
        DeadLetterTopic: 'orders-unfulfilled',
      })
      expect(made).toMatchObject({ Status: 'SUCCESS', Data: { Topic: 'orders' } })
      warehouse.refuse(1)
      const bodies = numbers(20, 'to fulfil')
      await deployed.sendToQueue(bodies)
      const fulfilled = await deployed.until('the orders in the warehouse', async () =>
        warehouse.orders.size >= bodies.length ? [...warehouse.orders.values()] : undefined,
      )
      expect(fulfilled.toSorted()).toEqual(bodies.toSorted())
      const { body } = await deployed.until('the checkpoints', async () => {
        const answer = await deployed.http('GET', '/v1/subscriptions/Fulfilment')
        const behind = answer.body.partitions.some(({ lag }: { lag: number }) => lag > 0)
        return behind ? undefined : answer
      })
      expect(body).toMatchObject({ state: 'active', target: { kind: 'function' } })
    })

    test('sends records to a queue and to a bus, as a subscription over HTTP says', async () => {
      await deployed.http('POST', '/v1/topics', { body: { name: 'parcels', partitions: 2 } })
      const [direct, byBus] = [await deployed.makeQueue('parcels'), await deployed.makeQueue('parcels-of-bus')]
      await deployed.makeBus('parcels', 'varve', byBus.arn)
      const subscribe = (name: string, target: object, more: object = {}) =>
        deployed.http('POST', '/v1/subscriptions', { body: { name, topic: 'parcels', target, ...more } })
      const answers = [
        await subscribe('to-queue', { kind: 'sqs', queueUrl: direct.url }),
        await subscribe('to-bus', { kind: 'eventbridge', bus: 'parcels' }, { patterns: [{ value: { kilos: [7] } }] }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([201, 201])
      const parcels = Array.from({ length: 12 }, (_, kilos) => ({ kilos }))
      await deployed.http('POST', '/v1/topics/parcels/records', { body: parcels.map(value => ({ value })) })
      const messages: string[] = []
      await deployed.until('the messages of the queue', async () => {
        messages.push(...(await deployed.receive(direct.url)))
        return messages.length >= parcels.length ? messages : undefined
      })
      const kilosOf = messages.map(text => JSON.parse(text).value.kilos)
      expect(kilosOf.toSorted((a, b) => a - b)).toEqual(parcels.map(({ kilos }) => kilos))
      const [event] = await deployed.until('the event of the bus', async () => {
        const found = await deployed.receive(byBus.url)
        return found.length > 0 ? found : undefined
      })
      const told = { source: 'varve', 'detail-type': 'varve record', detail: { topic: 'parcels', value: { kilos: 7 } } }
      expect(JSON.parse(event!)).toMatchObject(told)
    })

    test('ends with its subscription', async () => {
      for (const name of ['to-queue', 'to-bus']) {
        expect((await deployed.http('DELETE', `/v1/subscriptions/${name}`)).status).toBe(204)
      }
      const { body } = await deployed.http('GET', '/v1/subscriptions')
      expect(body.subscriptions.map(({ name }: { name: string }) => name)).toEqual(['Fulfilment'])
    })
  })

  test('a key opens what its scopes say, until it is revoked', async () => {
    const made = await deployed.http('POST', '/v1/keys', { body: { name: 'shop', scopes: ['produce:notes'] } })
    const { id, token } = made.body
    const send = (topic: string) => deployed.http('POST', `/v1/topics/${topic}/records`, { body: { value: 1 }, token })
    expect([(await send('notes')).status, (await send('orders')).status]).toEqual([200, 403])
    expect((await deployed.http('DELETE', `/v1/keys/${id}`)).status).toBe(204)
    await deployed.until('the end of the key', async () => ((await send('notes')).status === 401 ? true : undefined))
  })

  test('topics are deleted', async () => {
    expect((await deployed.http('DELETE', '/v1/topics/parcels')).status).toBe(204)
    expect((await deployed.http('GET', '/v1/topics/parcels')).status).toBe(404)
  })

  test('upkeep comes to its end', async () => {
    expect(await deployed.invoke(/^Varve: keeps/, {})).toMatchObject({
      ran: expect.any(Boolean),
      findings: expect.any(Number),
    })
  })

  test('a gateway on the same table and bucket gives a Kafka client the same records', async () => {
    const expected = await deployed.records('orders')
    const gateway = await createVarveServer({
      args: deployed.storeArguments,
      env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    })
    await gateway.start()
    try {
      const kafka = new Kafka({ brokers: [gateway.bootstrap], logLevel: logLevel.ERROR })
      const producer = kafka.producer()
      await producer.connect()
      await producer.send({ topic: 'orders', messages: [{ key: 'kafka', value: 'from Kafka' }] })
      await producer.disconnect()
      const consumer = kafka.consumer({ groupId: 'all-orders' })
      await consumer.connect()
      await consumer.subscribe({ topic: 'orders', fromBeginning: true })
      const seen: string[] = []
      const all = Promise.withResolvers<void>()
      await consumer.run({
        eachMessage: async ({ message }) => {
          seen.push(String(message.value))
          if (seen.length === expected.length + 1) all.resolve()
        },
      })
      await all.promise
      await consumer.disconnect()
      expect(seen.toSorted()).toEqual([...valuesOf(expected), 'from Kafka'].toSorted())
      expect(valuesOf(await deployed.records('orders'))).toEqual(seen.toSorted())
    } finally {
      await gateway.stop()
    }
  })

  test('nothing is left when the stack is destroyed', async () => {
    await cdk.destroy()
    expect(await deployed.functionCount()).toBe(0)
    const { endpoint } = localStack
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    const cloudFormation = new CloudFormationClient({ endpoint, region: 'us-east-1', credentials })
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({}))
    const left = Stacks.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE')
    expect(left.map(({ StackName }) => StackName)).toEqual(['CDKToolkit'])
    cloudFormation.destroy()
  })
})
