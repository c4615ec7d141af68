/** The bundled functions in real sandboxes, over an S3 server and DynamoDB Local: bounds, and being frozen, thawed and killed. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Sandbox, whyNoRuntimeClient } from 'localstack-utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleFunctions } from '../../functions/bundling.ts'
import { openPush } from '../../lib/assembly/open-push.ts'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { headKey } from '../../lib/log/head/head.ts'
import { type Log, openLog, type Topic } from '../../lib/log/index.ts'
import { type Subscriptions, webhookSecret } from '../../lib/push/index.ts'
import { buildBatch, readRecords, splitBatches } from '../../lib/records/index.ts'
import {
  createDynamoDbClient,
  createS3Client,
  ensureBucket,
  ensureTable,
  openDynamoDbItems,
  openS3Objects,
} from '../../lib/storage/aws/index.ts'
import type { ItemStore } from '../../lib/storage/index.ts'
import { Receiver } from '../push/receiver.ts'
import { cloudStores } from '../support/cloud-stores.ts'
import { startDynamoDbLocal } from '../support/dynamodb-local.ts'
import { describeWith } from '../support/requirement.ts'
import { startS3Server } from '../support/s3-server.ts'
import type { StoreServer } from '../support/store-server.ts'

const MEGABYTE = 1_024 * 1_024
const BUNDLE_BYTES_MAX = 2 * MEGABYTE

describeWith({ missing: cloudStores.missing ?? whyNoRuntimeClient() }, 'functions in sandboxes', () => {
  let servers: StoreServer[]
  let log: Log
  let items: ItemStore
  let topic: Topic
  let folder: string
  let env: Record<string, string>
  const open: Sandbox[] = []

  beforeAll(async () => {
    folder = await bundleFunctions()
    const [s3, dynamoDb] = await Promise.all([startS3Server(), startDynamoDbLocal({ inMemory: true })])
    servers = [s3, dynamoDb]
    const s3Client = createS3Client({ endpoint: s3.endpoint, credentials: s3.credentials })
    const dynamoDbClient = createDynamoDbClient({ endpoint: dynamoDb.endpoint, credentials: s3.credentials })
    await ensureBucket(s3Client, 'varve')
    await ensureTable(dynamoDbClient, 'varve', systemClock)
    const surroundings = { clock: systemClock, random: systemRandom }
    items = openDynamoDbItems({ client: dynamoDbClient, table: 'varve', ...surroundings })
    log = openLog({
      objects: openS3Objects({ client: s3Client, bucket: 'varve' }),
      items,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      flushBudget: Number.POSITIVE_INFINITY,
    })
    topic = await log.topics.create({ name: 'orders', partitions: 2 })
    env = {
      VARVE_BUCKET: 'varve',
      VARVE_TABLE: 'varve',
      VARVE_WEBHOOK_PRIVATE: 'true',
      VARVE_INGEST_TOPIC: 'orders',
      VARVE_ADMIN_KEY: 'k'.repeat(32),
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDb.endpoint,
      AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
    }
  })

  afterAll(async () => {
    await Promise.all(open.map(sandbox => sandbox.stop()))
    await log?.close()
    await Promise.all((servers ?? []).map(server => server.stop()))
  })

  async function sandbox(name: string, memoryMb = 512, timeoutMs = 30_000): Promise<Sandbox> {
    const place = { folder: join(folder, name), handler: 'index.handler' }
    const started = await Sandbox.start({ ...place, env, memoryMb, timeoutMs })
    open.push(started)
    return started
  }

  async function values(prefix: string): Promise<string[]> {
    const found: string[] = []
    for (let partition = 0; partition < topic.partitions; partition++) {
      for (let offset = 0; ; ) {
        const isolation = 'read_uncommitted' as const
        const request = { topic, partition, offset, maxBytes: 1e8, atLeastOneBatch: true, isolation }
        const { batches } = await log.read(request)
        // Only an empty answer is sure to be the end.
        if (batches.length === 0) break
        for (const batch of batches.flatMap(bytes => splitBatches(bytes))) {
          offset = batch.baseOffset + batch.lastOffsetDelta + 1
          if (!batch.isControl) for (const { value } of readRecords(batch)) found.push(Buffer.from(value!).toString())
        }
      }
    }
    return found.filter(value => value.startsWith(prefix)).toSorted()
  }

  test.each(['http', 'ingest', 'dispatch', 'upkeep', 'resource'])('the bundle of %s is small', name => {
    expect(statSync(join(folder, name, 'index.mjs')).size).toBeLessThanOrEqual(BUNDLE_BYTES_MAX)
  })

  test('http: answers, streamed, within 128 MB for an append of 1 MiB', async () => {
    const http = await sandbox('http', 128)
    const headers = { authorization: `Bearer ${env.VARVE_ADMIN_KEY}`, 'content-type': 'application/json' }
    const call = (method: string, rawPath: string, body?: string) =>
      http.invoke({
        rawPath,
        rawQueryString: '',
        headers,
        requestContext: { domainName: 'x.lambda-url.us-east-1.on.aws', http: { method } },
        ...(body === undefined ? {} : { body }),
      })
    const sent = await call(
      'POST',
      '/v1/topics/orders/records',
      JSON.stringify({ value: 'x'.repeat(MEGABYTE - 1_000) }),
    )
    expect(sent.contentType).toBe('application/vnd.awslambda.http-integration-response')
    const [prelude, body] = split(sent.payload)
    expect(JSON.parse(prelude)).toMatchObject({ statusCode: 200 })
    expect(JSON.parse(body)).toMatchObject({ offset: 0 })
    const peak = await http.peakMemory()
    console.log(
      `http: init ${http.initMs.toFixed(0)} ms, at most ${(peak / MEGABYTE).toFixed(0)} MB resident; ${usageIn(http)}`,
    )
    const anonymous = await http.invoke({
      rawPath: '/v1/topics',
      rawQueryString: '',
      headers: {},
      requestContext: { domainName: 'x', http: { method: 'GET' } },
    })
    expect(JSON.parse(split(anonymous.payload)[0])).toMatchObject({ statusCode: 401 })
  })

  test('ingest: 1,000 messages of 1 KiB are one object and at most four item writes', async () => {
    const ingest = await sandbox('ingest')
    const { error, payload } = await ingest.invoke(
      sqs(Array.from({ length: 1_000 }, (_, i) => `big ${i} `.padEnd(1_024, '.'))),
    )
    expect([error, payload.toString()]).toEqual([false, '{"batchItemFailures":[]}'])
    const usage = JSON.parse(usageIn(ingest))
    expect(usage.puts).toBe(1)
    expect(usage.itemWrites).toBeLessThanOrEqual(4)
    console.log(`ingest: init ${ingest.initMs.toFixed(0)} ms; ${usageIn(ingest)}`)
    expect(await values('big')).toHaveLength(1_000)
  })

  test('a sandbox that is frozen with a delivery, and thawed after another took it over, repeats nothing', async () => {
    for (let round = 0; round < 10; round++) {
      const bodies = Array.from({ length: 20 }, (_, i) => `frozen ${round} ${i}`)
      const [first, second] = [await sandbox('ingest'), await sandbox('ingest')]
      await second.invoke(sqs([`frozen warm-up ${round}`]))
      const slow = first.invoke(sqs(bodies))
      await new Promise(resolve => setTimeout(resolve, round * 15))
      first.freeze()
      expect((await second.invoke(sqs(bodies))).payload.toString()).toBe('{"batchItemFailures":[]}')
      first.thaw()
      await slow
      const again = await first.invoke(sqs(bodies))
      expect(again.payload.toString()).toBe('{"batchItemFailures":[]}')
      expect(await values(`frozen ${round} `)).toEqual(bodies.toSorted())
      await Promise.all([first.stop(), second.stop()])
    }
  })

  describe('dispatch', () => {
    let subscriptions: Subscriptions
    let receiver: Receiver

    beforeAll(async () => {
      const surroundings = { clock: systemClock, random: systemRandom, logger: silentLogger }
      subscriptions = openPush({
        ...{ ...surroundings, items, log, owner: 'test', functionsFolder: '', isOnAws: true, privateWebhooks: true },
      }).subscriptions
      receiver = await Receiver.listen()
    })
    afterAll(() => receiver.close())

    async function subscribed(name: string): Promise<Topic> {
      const made = await log.topics.create({ name, partitions: 1 })
      const secret = webhookSecret(systemRandom.bytes(32))
      await subscriptions.create({ name, topic: name, target: { kind: 'webhook', url: receiver.url, secret } })
      return made
    }

    async function produce(to: Topic, value: string): Promise<void> {
      const batch = buildBatch({
        records: [{ timestamp: 1_000, key: null, value: Buffer.from(JSON.stringify(value)) }],
      })
      await log.append({ topic: to, partition: 0, batch, timeoutMs: 10_000 })
    }

    const changed = (of: Topic) => {
      const { pk, sk } = headKey(of.id, 0)
      return { Records: [{ eventName: 'MODIFY', dynamodb: { Keys: { pk: { S: pk }, sk: { S: sk } } } }] }
    }
    const progressOf = async (name: string) =>
      (await subscriptions.progress((await subscriptions.get(name)).subscription))[0]!
    const answerOf = ({ payload }: { payload: Buffer }) => JSON.parse(payload.toString())

    test('sends what is new where a head changed, for few requests; what fails is left to the schedule', async () => {
      const to = await subscribed('failing')
      const dispatch = await sandbox('dispatch', 512, 120_000)
      await produce(to, 'a')
      expect(answerOf(await dispatch.invoke(changed(to)))).toEqual({ ran: true, behind: 1, done: 1 })
      console.log(`dispatch: init ${dispatch.initMs.toFixed(0)} ms; ${usageIn(dispatch)}`)
      expect(receiver.values('failing')).toEqual(['a'])
      receiver.status = 503
      await produce(to, 'b')
      expect(answerOf(await dispatch.invoke(changed(to)))).toEqual({ ran: true, behind: 1, done: 0 })
      receiver.status = 200
      expect(answerOf(await dispatch.invoke({}))).toEqual({ ran: true, behind: 1, done: 1 })
      expect(receiver.values('failing').at(-1)).toBe('b')
      expect(await progressOf('failing')).toMatchObject({ offset: 2, lag: 0 })
    })

    test('killed with a delivery under way, makes it again', async () => {
      const to = await subscribed('killed')
      const dispatch = await sandbox('dispatch', 512, 120_000)
      await produce(to, 'a')
      const held = receiver.hold()
      const first = dispatch.invoke(changed(to))
      await held.arrived
      dispatch.kill()
      expect((await first).error).toBe(true)
      held.release()
      // The lease of the one that is gone is not over yet; the schedule sends it when it is.
      expect(answerOf(await dispatch.invoke(changed(to)))).toEqual({ ran: true, behind: 1, done: 0 })
      expect(answerOf(await dispatch.invoke({}))).toEqual({ ran: true, behind: 1, done: 1 })
      expect(receiver.values('killed')).toEqual(['a', 'a'])
      expect(await progressOf('killed')).toMatchObject({ offset: 1, lag: 0 })
    })

    test('frozen with a delivery and thawed after another made it, moves no checkpoint back', async () => {
      const to = await subscribed('frozen')
      const [first, second] = [await sandbox('dispatch', 512, 120_000), await sandbox('dispatch', 512, 120_000)]
      await produce(to, 'a')
      const held = receiver.hold()
      const slow = first.invoke(changed(to))
      await held.arrived
      first.freeze()
      held.release()
      expect(answerOf(await second.invoke({}))).toEqual({ ran: true, behind: 1, done: 1 })
      await produce(to, 'b')
      expect(answerOf(await second.invoke(changed(to)))).toEqual({ ran: true, behind: 1, done: 1 })
      first.thaw()
      expect((await slow).error).toBe(false)
      expect(receiver.values('frozen')).toEqual(['a', 'a', 'b'])
      expect(await progressOf('frozen')).toMatchObject({ offset: 2, lag: 0, failures: 0 })
    })
  })

  test('upkeep of a log with nothing to do asks for little and writes no object', async () => {
    const upkeep = await sandbox('upkeep')
    const { error } = await upkeep.invoke({})
    expect(error).toBe(false)
    expect(JSON.parse(usageIn(upkeep)).puts).toBe(0)
    console.log(`upkeep: init ${upkeep.initMs.toFixed(0)} ms; ${usageIn(upkeep)}`)
  })
})

/** A streamed answer: what is told first, and the body. */
function split(payload: Buffer): [string, string] {
  const at = payload.indexOf(Buffer.alloc(8))
  return [payload.subarray(0, at).toString(), payload.subarray(at + 8).toString()]
}

/** The last line about requests and their price. */
function usageIn({ output }: Sandbox): string {
  return output.split('\n').findLast(line => line.includes('"event":"invocation"')) ?? '{}'
}

function sqs(bodies: readonly string[]) {
  return {
    Records: bodies.map((body, i) => ({
      messageId: `id of ${body.trim()}`,
      body,
      attributes: { SentTimestamp: '1700000000000', ...(i % 2 ? { MessageGroupId: `g${i % 3}` } : {}) },
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:1:orders',
    })),
  }
}
