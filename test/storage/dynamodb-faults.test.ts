/** What DynamoDB says where no emulator says it, and what the caller may conclude: nothing happened, or nobody knows. */
import { expect, test } from 'vitest'
import { type Clock, systemClock, systemRandom } from '../../lib/base/index.ts'
import { createDynamoDbClient, openDynamoDbItems } from '../../lib/storage/aws/index.ts'
import type { ItemStore, WriteOperation } from '../../lib/storage/index.ts'
import { dynamoDbLocal, startDynamoDbLocal } from '../support/dynamodb-local.ts'
import { describeWith } from '../support/requirement.ts'
import { openItems } from '../support/store-address.ts'
import { type CannedAnswer, startCannedServer } from './canned-server.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const written = json(200, {})
const key = { pk: 'p', sk: 's' }
const put: WriteOperation = { kind: 'put', key, expected: 'absent', version: 1, value: Buffer.from('value') }
const check: WriteOperation = { kind: 'check', key: { pk: 'p', sk: 'other' }, expected: 'absent' }

const throttled = { code: 'STORE_THROTTLED', effect: 'none' }
const unavailable = { code: 'STORE_UNAVAILABLE', effect: 'none' }
const refused = { code: 'STORE_REFUSED', effect: 'none' }
const unknown = { code: 'STORE_OUTCOME_UNKNOWN', effect: 'unknown' }

const singleWrites: [string, CannedAnswer, object][] = [
  ['throttled', failure('ThrottlingException'), throttled],
  ['over the capacity', failure('ProvisionedThroughputExceededException'), throttled],
  ['in a transaction’s way', failure('TransactionConflictException'), throttled],
  ['no such table', failure('ResourceNotFoundException'), refused],
  ['not allowed', failure('AccessDeniedException'), refused],
  ['a server error', json(500, { __type: 'InternalServerError' }), unknown],
  ['a broken gateway', { status: 502, body: '<html>' }, unknown],
  ['cut', 'cut', unknown],
  ['silence', 'silence', unknown],
]
test.each(singleWrites)('one operation, %s: sent once', async (_name, answer, expected) => {
  await using server = await startCannedServer([answer, written])
  const store = open(server.endpoint)
  await expect(store.write([put])).rejects.toMatchObject(expected)
  expect(server.requests).toHaveLength(1)
  await store.close()
})

const reads: [string, CannedAnswer, object][] = [
  ['throttled', failure('ThrottlingException'), throttled],
  ['a server error', json(500, { __type: 'InternalServerError' }), unavailable],
  ['cut', 'cut', unavailable],
  ['silence', 'silence', unavailable],
  ['not allowed', failure('AccessDeniedException'), refused],
]
test.each(reads)('a read, %s', async (_name, answer, expected) => {
  await using server = await startCannedServer([answer])
  const store = open(server.endpoint)
  await expect(store.get(key)).rejects.toMatchObject(expected)
  await expect(store.query('p')).rejects.toMatchObject(expected)
  await store.close()
})

test('nobody listens: nothing was sent', async () => {
  const server = await startCannedServer([written])
  await server[Symbol.asyncDispose]()
  const store = open(server.endpoint)
  await expect(store.write([put])).rejects.toMatchObject(unavailable)
  await store.close()
})

const lost: [string, CannedAnswer][] = [
  ['a server error', json(500, { __type: 'InternalServerError' })],
  ['cut', 'cut'],
  ['silence', 'silence'],
  ['in progress', failure('TransactionInProgressException')],
]
test.each(lost)('a transaction, %s: sent again with the same token', async (_name, answer) => {
  await using server = await startCannedServer([answer, answer, written])
  const store = open(server.endpoint)
  expect(await store.write([put, check])).toEqual({ written: true })
  const tokens = server.requests.map(({ body }) => JSON.parse(body).ClientRequestToken)
  expect(tokens).toHaveLength(3)
  expect(new Set(tokens).size).toBe(1)
  expect(tokens[0]).toHaveLength(32)
  await store.close()
})

test('a transaction that never gets an answer is of unknown outcome, after a few attempts', async () => {
  await using server = await startCannedServer(['cut'])
  const store = open(server.endpoint)
  await expect(store.write([put, check])).rejects.toMatchObject(unknown)
  expect(server.requests).toHaveLength(4)
  await store.close()
})

test.each([
  ['a conflict', cancelled('ConditionalCheckFailed', 'None')],
  ['a throttle', cancelled('TransactionConflict', 'None')],
])('%s after an attempt without an answer proves nothing about that one', async (_name, answer) => {
  await using server = await startCannedServer(['cut', answer])
  const store = open(server.endpoint)
  await expect(store.write([put, check])).rejects.toMatchObject(unknown)
  await store.close()
})

const cancellations: [string, CannedAnswer, object][] = [
  ['in another’s way', cancelled('TransactionConflict', 'None'), throttled],
  ['throttled', cancelled('None', 'ThrottlingError'), throttled],
  ['over the capacity', cancelled('ProvisionedThroughputExceeded', 'TransactionConflict'), throttled],
  ['invalid', cancelled('None', 'ValidationError'), refused],
]
test.each(cancellations)('a cancelled transaction, %s', async (_name, answer, expected) => {
  await using server = await startCannedServer([answer])
  const store = open(server.endpoint)
  await expect(store.write([put, check])).rejects.toMatchObject(expected)
  expect(server.requests).toHaveLength(1)
  await store.close()
})

test('a condition that failed counts, whatever else was in the way', async () => {
  await using server = await startCannedServer([cancelled('TransactionConflict', 'ConditionalCheckFailed')])
  const store = open(server.endpoint)
  expect(await store.write([put, check])).toEqual({ written: false, conflicts: [{ index: 1, item: undefined }] })
  await store.close()
})

describeWith(dynamoDbLocal, 'DynamoDB Local, stopped and killed', () => {
  test('a frozen server, a killed one, and all that was acknowledged after', { timeout: 60_000 }, async () => {
    const server = await startDynamoDbLocal()
    try {
      const setUp = await openItems({ kind: 'dynamodb', server, table: 'varve' })
      await setUp.write([put])
      await setUp.close()

      const store = open(server.endpoint, 'varve')
      await server.freeze()
      await expect(store.get(key)).rejects.toMatchObject(unavailable)
      server.signal('SIGCONT')
      await server.kill()
      await expect(store.get(key)).rejects.toMatchObject(unavailable)
      await store.close()

      await server.start()
      const again = await openItems({ kind: 'dynamodb', server, table: 'varve' })
      expect(await again.get(key)).toMatchObject({ version: 1 })
      await again.close()
    } finally {
      await server.stop()
    }
  })
})

function open(endpoint: string, table = 'table'): ItemStore {
  const client = createDynamoDbClient({ endpoint, credentials, requestMsMax: 300 })
  return openDynamoDbItems({ client, table, clock: new HastyClock(), random: systemRandom })
}

function json(status: number, body: object): CannedAnswer {
  return { status, body: JSON.stringify(body), headers: { 'content-type': 'application/x-amz-json-1.0' } }
}

function failure(type: string): CannedAnswer {
  return json(400, { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: type })
}

function cancelled(...codes: string[]): CannedAnswer {
  return json(400, {
    __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
    CancellationReasons: codes.map(Code => ({ Code })),
  })
}

/** Sleeps no time. */
class HastyClock implements Clock {
  readonly now = systemClock.now
  readonly monotonic = systemClock.monotonic
  readonly sleep = () => Promise.resolve()
}
