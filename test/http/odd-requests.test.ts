/** What the fuzzer does not think of: each of these was answered wrongly once. */
import { describe, expect, test } from 'vitest'
import { embeddedRecord } from '../../lib/http/rest-proxy/embedded-format.ts'
import { buildBatch, viewBatch, withCompression } from '../../lib/records/index.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { bodyOf, linesOf, openHttpRig, wrapLog } from './rig.ts'

const DEPTH = 100_000
const deepList = '['.repeat(DEPTH) + ']'.repeat(DEPTH)
const deepObject = `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`
const DEEP = 'nested too deeply'

test.each([
  ['/v1/topics/t/records', 'application/json', `{"value":${deepList}}`, 400],
  ['/v1/topics/t/records', 'application/json', `[{"value":1},{"key":${deepObject}}]`, 400],
  // Digits that a double does not hold are read in another way.
  ['/v1/topics/t/records', 'application/json', `{"value":[1234567890123456789,${deepObject}]}`, 400],
  ['/topics/t', 'application/vnd.kafka.json.v2+json', `{"records":[{"value":${deepObject}}]}`, 422],
])('a value at %s that is nested too deeply is refused, and nothing is appended', async (path, type, body, status) => {
  const rig = openHttpRig()
  await rig.send('POST', '/v1/topics', { name: 't' })
  const answer = await rig.send('POST', path, body, { 'content-type': type })
  expect(JSON.stringify(await bodyOf(answer, status))).toContain(DEEP)
  expect((await bodyOf(await rig.send('GET', '/v1/topics/t/records?from=earliest'))).records).toEqual([])
  expect(rig.logged).toEqual([])
})

test('of a stream the one record that is nested too deeply is refused', async () => {
  const rig = openHttpRig()
  const lines = `{"value":${deepList}}\n{"value":1}\n`
  const answer = await rig.send('POST', '/v1/topics/t/records', lines, { 'content-type': 'application/x-ndjson' })
  expect(linesOf(await answer.text())).toEqual([
    { error: { status: 400, code: 'BAD_REQUEST', detail: `line 1.value: ${DEEP}` } },
    { partition: 0, offset: 0 },
  ])
  const objects = `{"value":{"type":"JSON","data":${deepObject}}}{"value":{"type":"JSON","data":1}}`
  const reports = await rig.send('POST', '/v3/clusters/varve/topics/t/records', objects)
  expect(linesOf(await reports.text())).toMatchObject([
    { error_code: 42201, message: `line 1.value.data: ${DEEP}` },
    { error_code: 200, offset: 1 },
  ])
  expect(rig.logged).toEqual([])
})

test('a parameter that is given twice is refused', async () => {
  const rig = openHttpRig()
  await rig.send('POST', '/v1/topics', { name: 't' })
  const answer = await rig.send('GET', '/v1/topics/t/records?from=earliest&waitMs=0&from=latest')
  expect(await bodyOf(answer, 400)).toMatchObject({ code: 'BAD_REQUEST', detail: 'query.from: given more than once' })
})

test('a body that breaks off is no error of the server', async () => {
  const rig = openHttpRig()
  const body = new ReadableStream({
    pull: controller => controller.error(new Error('aborted')),
  })
  const request = new Request('http://localhost/v1/topics/t/records', {
    method: 'POST',
    body,
    duplex: 'half',
  } as object)
  expect(await bodyOf(await rig.app.request(request), 400)).toMatchObject({
    code: 'MALFORMED_BODY',
    detail: 'the body broke off: aborted',
  })
  expect(rig.logged).toEqual([])
})

describe('a topic that is made when it is first used is not made by a request that is refused', () => {
  const value = '{"value":1,"partition":7}'
  test.each([
    ['/v1/topics/new/records', 'application/json', value, {}],
    ['/v1/topics/new/records', 'application/json', `[${value},${value}]`, {}],
    ['/v1/topics/new/records?partition=1', 'text/plain', 'x', {}],
    ['/v1/topics/new/records', 'application/json', '{"value":1}', { 'idempotency-key': '' }],
    ['/v1/topics/new/records', 'application/json', '{"value":1}', { 'varve-sequence': '1' }],
    ['/v1/topics/new/records', 'application/x-ndjson', `nonsense\n${value}\n`, {}],
    ['/topics/new', 'application/vnd.kafka.json.v2+json', `{"records":[${value}]}`, {}],
    ['/topics/new/partitions/7', 'application/vnd.kafka.json.v2+json', '{"records":[{"value":1}]}', {}],
    ['/v3/clusters/varve/topics/new/records', 'application/json', ' ', {}],
    ['/v3/clusters/varve/topics/new/records', 'application/json', 'nonsense', {}],
    ['/v3/clusters/varve/topics/new/records', 'application/json', '{"partition_id":7}{"value":1}', {}],
    ['/v3/clusters/varve/topics/new/records:batch', 'application/json', '{"entries":[{"id":"a","value":1}]}', {}],
  ])('%s %s %s', async (path, type, body, headers) => {
    const rig = openHttpRig()
    const answer = await rig.send('POST', path, body, { 'content-type': type, ...headers })
    expect(await answer.text()).toMatch(/"error|"code":"/)
    expect(await rig.log.topics.list()).toEqual([])
    expect(rig.logged).toEqual([])
  })

  test('and is made once by the first record of many that may go into it', async () => {
    const rig = openHttpRig()
    const lines = Array.from({ length: 2_000 }, (_, n) => `{"value":"${`${n}`.padEnd(2_000)}"}\n`)
    const all = ['nonsense\n', ...lines].join('')
    const answer = await rig.send('POST', '/v1/topics/new/records', all, { 'content-type': 'application/x-ndjson' })
    const offsets = linesOf(await answer.text()).slice(1) as { offset: number }[]
    expect(offsets.map(({ offset }) => offset)).toEqual(lines.map((_, n) => n))
    expect(await rig.log.topics.list()).toHaveLength(1)
  })
})

test('a live tail that cannot read any more ends between two events, and its reader comes again', async () => {
  let reads = 0
  const rig = openHttpRig({
    wrapLog: log =>
      wrapLog(log, {
        read: request => {
          if (reads++ > 0) throw new StoreError('STORE_UNAVAILABLE', 'no answer')
          return log.read(request)
        },
      }),
  })
  await rig.send('POST', '/v1/topics/t/records', { value: 1 })
  const text = await (await rig.send('GET', '/v1/topics/t/tail?from=earliest')).text()
  expect(text).toMatch(/"value":1}\n\n: STORE_UNAVAILABLE\n\n$/)
})

test('a record that is small when it is compressed, and too long as text, is shown as base64', {
  timeout: 60_000,
}, async () => {
  const rig = openHttpRig()
  const topic = await rig.log.topics.create({ name: 't', partitions: 1 })
  const long = Buffer.alloc(48 * 1_024 * 1_024)
  const record = { key: Buffer.from('k'), value: long, headers: [], timestamp: 1 }
  const batch = withCompression(viewBatch(buildBatch({ records: [record] })), 'gzip')
  await rig.log.append({ topic, partition: 0, batch, timeoutMs: 5_000 })
  for (const encoding of ['auto', 'text']) {
    const answer = await rig.send('GET', `/v1/topics/t/partitions/0/records?valueEncoding=${encoding}`)
    expect((await bodyOf(answer)).records).toMatchObject([{ key: 'k', valueEncoding: 'base64' }])
  }
  const place = { topic: 't', partition: 0 }
  expect(embeddedRecord({ ...record, offset: 0 }, place, 'json')).toContain(`"value":"${'A'.repeat(100)}`)
})

test('the document takes GET', async () => {
  const { send } = openHttpRig()
  for (const path of ['/', '/docs', '/openapi.json']) {
    const answer = await send('POST', path, '')
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET'])
  }
})

test('a page of another origin sees every header that an answer has of its own', async () => {
  const { send } = openHttpRig({ corsOrigins: ['https://page.example'] })
  const answer = await send('GET', '/v1/topics/none', undefined, { origin: 'https://page.example' })
  expect(answer.headers.get('access-control-expose-headers')?.split(',')).toContain('varve-aborted-transactions')
})
