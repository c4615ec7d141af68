import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LogError } from '../../lib/log/index.ts'
import { buildBatch, readRecords, viewBatch } from '../../lib/records/index.ts'
import { bodyOf, type HttpRig, linesOf, openHttpRig, wrapLog } from './rig.ts'

const NDJSON = { 'content-type': 'application/x-ndjson' }
const BATCHES = { 'content-type': 'application/vnd.varve.batches' }

/** Keys, values and headers as they are stored. */
async function stored({ log }: HttpRig, name = 't', partition = 0) {
  const topic = (await log.topics.find({ name }))!
  const place = { topic, partition, offset: 0, maxBytes: 1e9, atLeastOneBatch: true }
  const { batches } = await log.read({ ...place, isolation: 'read_uncommitted' })
  return batches
    .flatMap(bytes => [...readRecords(viewBatch(bytes))])
    .map(({ key, value, headers, timestamp }) => ({
      key: key && String(key),
      value: value?.toString('latin1') ?? null,
      headers: headers.map(header => `${header.key}=${header.value}`),
      timestamp,
    }))
}

async function count(rig: HttpRig): Promise<number> {
  const { partitions } = await bodyOf(await rig.send('GET', '/v1/topics/t/partitions'))
  return partitions.reduce((sum: number, { endOffset }: { endOffset: number }) => sum + endOffset, 0)
}

describe('one record', () => {
  test('with all its parts', async () => {
    const rig = openHttpRig()
    const record = { key: 'k', value: { a: [1, 'x'] }, headers: { h: 'v' }, timestamp: 1_700_000_000_000, partition: 0 }
    expect(await bodyOf(await rig.send('POST', '/v1/topics/t/records', record))).toEqual({ partition: 0, offset: 0 })
    expect(await stored(rig)).toEqual([
      { key: 'k', value: '{"a":[1,"x"]}', headers: ['h=v'], timestamp: 1_700_000_000_000 },
    ])
  })

  test.each([
    [{ value: 'text' }, { key: null, value: '"text"' }],
    [{ value: 'text', valueEncoding: 'text' }, { value: 'text' }],
    [{ value: '/wA=', valueEncoding: 'base64' }, { value: '\u00ff\u0000' }],
    [{ value: '_wA', valueEncoding: 'base64' }, { value: '\u00ff\u0000' }],
    [{ value: null }, { value: null }],
    [{}, { value: null }],
    [{ key: { id: 1 } }, { key: '{"id":1}' }],
    [{ key: 7 }, { key: '7' }],
    [{ key: 'a', keyEncoding: 'json' }, { key: '"a"' }],
    [
      {
        headers: [
          { key: 'h', value: 'YQ==', encoding: 'base64' },
          { key: 'h', value: null },
        ],
      },
      { headers: ['h=a', 'h=null'] },
    ],
    [{ timestamp: '2024-01-01T00:00:00+01:00' }, { timestamp: Date.UTC(2023, 11, 31, 23) }],
  ])('%j is stored as %j', async (record, expected) => {
    const rig = openHttpRig()
    await bodyOf(await rig.send('POST', '/v1/topics/t/records', record))
    expect(await stored(rig)).toEqual([expect.objectContaining(expected)])
  })

  test.each(['123456789012345678901234567890', '0.1234567890123456789', '1e400', '-0e0', '1E5'])(
    'the number %s keeps its digits',
    async number => {
      const rig = openHttpRig()
      const json = { 'content-type': 'application/json' }
      await bodyOf(await rig.send('POST', '/v1/topics/t/records', `{"value":{"n":${number}}}`, json))
      expect(await stored(rig)).toEqual([expect.objectContaining({ value: `{"n":${number}}` })])
      const read = await rig.send('GET', '/v1/topics/t/partitions/0/records')
      expect(await read.text()).toContain(`"value":{"n":${number}}`)
    },
  )

  test('of any other content type is its bytes', async () => {
    const rig = openHttpRig()
    await bodyOf(
      await rig.send('POST', '/v1/topics/t/records?key=k&timestamp=5', 'page view', {
        'content-type': 'text/plain;charset=UTF-8',
      }),
    )
    await bodyOf(
      await rig.send('POST', '/v1/topics/t/records', new Uint8Array([255, 0]), { 'content-type': 'image/png' }),
    )
    expect(await stored(rig)).toEqual([
      { key: 'k', value: 'page view', headers: [], timestamp: 5 },
      expect.objectContaining({ key: null, value: '\u00ff\u0000' }),
    ])
  })

  test.each([
    [{ value: 1, partition: -1 }, 400, 'BAD_REQUEST'],
    [{ value: 1, partition: 1 }, 404, 'UNKNOWN_PARTITION'],
    [{ value: 1, valueEncoding: 'text' }, 400, 'BAD_REQUEST'],
    [{ value: 'a', valueEncoding: 'base64' }, 400, 'BAD_REQUEST'],
    [{ value: 'ü', valueEncoding: 'base64' }, 400, 'BAD_REQUEST'],
    [{ vaule: 1 }, 400, 'BAD_REQUEST'],
    [{ value: 1, timestamp: 4_000_000_000_000 }, 400, 'INVALID_TIMESTAMP'],
    ['x', 400, 'MALFORMED_BODY'],
    [new Uint8Array([0x22, 0xff, 0x22]), 400, 'MALFORMED_BODY'],
  ])('%j is refused', async (record, status, code) => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't' })
    const type = { 'content-type': 'application/json' }
    expect(await bodyOf(await rig.send('POST', '/v1/topics/t/records', record, type), status)).toMatchObject({ code })
    expect(await count(rig)).toBe(0)
  })
})

test('a record larger than the topic takes is refused', async () => {
  const rig = openHttpRig()
  const answer = await rig.send('POST', '/v1/topics/t/records', { value: 'x'.repeat(1_100_000) })
  expect(await bodyOf(answer, 413)).toMatchObject({ code: 'BATCH_TOO_LARGE' })
})

describe('an array', () => {
  test('is answered in its order, keys where Kafka puts them', async () => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't', partitions: 5 })
    const keys = ['21', 'foobar', 'abc', '21']
    const answer = await bodyOf(
      await rig.send(
        'POST',
        '/v1/topics/t/records',
        keys.map(key => ({ key, value: key })),
      ),
    )
    const partitions = [-973932308, -790332482, 479470107, -973932308].map(hash => (hash & 0x7fffffff) % 5)
    expect(answer.failed).toBe(0)
    expect(answer.results.map((result: { partition: number }) => result.partition)).toEqual(partitions)
    expect(answer.results[3].offset).toBe(answer.results[0].offset + 1)
  })

  test('with a malformed record is refused whole', async () => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't' })
    const answer = await rig.send('POST', '/v1/topics/t/records', [{ value: 1 }, { value: 2, partition: 'x' }])
    expect(await bodyOf(answer, 400)).toMatchObject({ detail: expect.stringContaining('body.1.partition') })
    expect(await count(rig)).toBe(0)
  })

  test('answers for each record where the log refuses some', async () => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't', configs: { 'cleanup.policy': 'compact' } })
    const records = [{ key: 'a', value: 1 }, { value: 2 }, { key: 'c', value: 3 }, { key: 'd', partition: 9 }]
    const { failed, results } = await bodyOf(await rig.send('POST', '/v1/topics/t/records', records), 207)
    expect(failed).toBe(2)
    expect(results).toEqual([
      { partition: 0, offset: 0 },
      { error: expect.objectContaining({ code: 'MISSING_KEY', status: 400 }) },
      { partition: 0, offset: 1 },
      { error: expect.objectContaining({ code: 'UNKNOWN_PARTITION', status: 404 }) },
    ])
    const all = await rig.send('POST', '/v1/topics/t/records', [{ value: 2 }, { value: 3 }])
    expect(await bodyOf(all, 400)).toMatchObject({ code: 'MISSING_KEY', failed: 2 })
    expect(await count(rig)).toBe(2)
  })

  test('larger than a batch is appended in several', async () => {
    const rig = openHttpRig()
    const records = Array.from({ length: 40 }, (_, index) => ({ value: `${index}`.padEnd(50_000, 'x') }))
    const { results } = await bodyOf(await rig.send('POST', '/v1/topics/t/records', records))
    expect(results.map((result: { offset: number }) => result.offset)).toEqual(records.map((_, index) => index))
  })
})

describe('NDJSON', () => {
  test('is answered line by line, whatever the pieces it comes in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.string(), value: fc.jsonValue() }), { minLength: 1, maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.boolean(),
        async (records, sizes, ends) => {
          const rig = openHttpRig()
          await rig.send('POST', '/v1/topics', { name: 't', partitions: 3 })
          const body = Buffer.from(records.map(record => JSON.stringify(record)).join('\n') + (ends ? '\n' : ''))
          const request = new Request('http://localhost/v1/topics/t/records', {
            method: 'POST',
            headers: NDJSON,
            body: new ReadableStream({
              start: controller => {
                for (let at = 0, turn = 0; at < body.length; turn++) {
                  const size = sizes[turn % sizes.length]!
                  controller.enqueue(body.subarray(at, at + size))
                  at += size
                }
                controller.close()
              },
            }),
            duplex: 'half',
          })
          const results = linesOf(await (await rig.app.request(request)).text()) as {
            partition: number
            offset: number
          }[]
          expect(results).toHaveLength(records.length)
          for (const [index, { partition, offset }] of results.entries()) {
            const path = `/v1/topics/t/partitions/${partition}/records?offset=${offset}&maxRecords=1`
            const { records: read } = await bodyOf(await rig.send('GET', path))
            expect(read[0].key).toBe(records[index]!.key)
            expect(read[0].value ?? null).toEqual(JSON.parse(JSON.stringify(records[index]!.value)))
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  test('a wrong line has its own answer, and the others are appended', async () => {
    const rig = openHttpRig({ limits: { lineBytesMax: 100 } })
    const body = [
      '{"value":1}',
      'x',
      '',
      '  ',
      `{"value":"${'y'.repeat(200)}"}`,
      '{"value":1,"partition":7}',
      '[]',
      '{"value":2}',
    ]
    const response = await rig.send('POST', '/v1/topics/t/records', body.join('\r\n'), NDJSON)
    expect(linesOf(await response.text())).toEqual([
      { partition: 0, offset: 0 },
      { error: expect.objectContaining({ code: 'MALFORMED_BODY', detail: expect.stringContaining('line 2') }) },
      { error: expect.objectContaining({ code: 'LINE_TOO_LONG', detail: expect.stringContaining('line 5') }) },
      { error: expect.objectContaining({ code: 'UNKNOWN_PARTITION' }) },
      { error: expect.objectContaining({ code: 'BAD_REQUEST', detail: expect.stringContaining('line 7') }) },
      { partition: 0, offset: 1 },
    ])
  })

  test('a summary counts', async () => {
    const rig = openHttpRig()
    const body = '{"value":1}\nx\n{"value":2}'
    const response = await rig.send('POST', '/v1/topics/t/records?results=summary', body, NDJSON)
    expect(await bodyOf(response, 207)).toMatchObject({
      appended: 2,
      failed: 1,
      partitions: [{ partition: 0, records: 2, firstOffset: 0, lastOffset: 1 }],
      errors: [{ record: 2, error: { code: 'MALFORMED_BODY' } }],
    })
  })

  test('a log that does not answer stops the reading, so memory is bounded', async () => {
    const hold = Promise.withResolvers<void>()
    let begun = 0
    const rig = openHttpRig({
      wrapLog: log =>
        wrapLog(log, {
          append: async request => {
            begun++
            await hold.promise
            return log.append(request)
          },
        }),
    })
    await rig.send('POST', '/v1/topics', { name: 't' })
    const line = Buffer.from(`{"value":"${'x'.repeat(1_000)}"}\n`.repeat(1_000))
    const pieces = 40
    let pulled = 0
    const body = new ReadableStream({
      pull: controller => {
        if (pulled++ < pieces) controller.enqueue(line)
        else controller.close()
      },
    })
    const request = new Request('http://localhost/v1/topics/t/records', {
      method: 'POST',
      headers: NDJSON,
      body,
      duplex: 'half',
    })
    const answer = (await rig.app.request(request)).text()
    while (begun < 4) await new Promise(setImmediate)
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect(pulled).toBeLessThan(12)
    hold.resolve()
    expect(linesOf(await answer)).toHaveLength(pieces * 1_000)
    expect(await count(rig)).toBe(pieces * 1_000)
  })

  test('a sender that goes silent is given up, what came before it is there', async () => {
    const rig = openHttpRig({ limits: { bodyIdleMs: 50 } })
    const body = new ReadableStream({ start: controller => controller.enqueue(Buffer.from('{"value":1}\n{"val')) })
    const request = new Request('http://localhost/v1/topics/t/records', {
      method: 'POST',
      headers: NDJSON,
      body,
      duplex: 'half',
    })
    expect(linesOf(await (await rig.app.request(request)).text())).toEqual([
      { partition: 0, offset: 0 },
      { error: expect.objectContaining({ code: 'BODY_TIMED_OUT', status: 408 }) },
    ])
  })
})

describe('batches', () => {
  const batch = (values: string[], more = {}) =>
    buildBatch({ records: values.map(value => ({ timestamp: 1, key: null, value: Buffer.from(value) })), ...more })

  test('go in as they are, and come out as they went in', async () => {
    const rig = openHttpRig()
    const body = Buffer.concat([batch(['a', 'b'], { compression: 'gzip' }), batch(['c'])])
    const answer = await rig.send('POST', '/v1/topics/t/records?partition=0', body, BATCHES)
    expect((await bodyOf(answer)).results).toEqual([
      { partition: 0, offset: 0 },
      { partition: 0, offset: 2 },
    ])
    const read = await rig.send('GET', '/v1/topics/t/partitions/0/records?offset=1', undefined, {
      accept: BATCHES['content-type'],
    })
    expect(read.headers.get('varve-next-offset')).toBe('3')
    const bytes = Buffer.from(await read.arrayBuffer())
    expect(bytes.length).toBe(body.length)
    expect(viewBatch(bytes).compression).toBe('gzip')
  })

  test.each([
    ['without a partition', '', batch(['a']), 400],
    ['of a partition that is not there', '?partition=3', batch(['a']), 404],
    ['that are none', '?partition=0', Buffer.from('nonsense'), 400],
    ['none at all', '?partition=0', Buffer.alloc(0), 400],
    [
      'of a transaction',
      '?partition=0',
      batch(['a'], { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
      400,
    ],
    ['with a wrong checksum', '?partition=0', Buffer.concat([batch(['a']).subarray(0, -1), Buffer.from([1])]), 400],
  ])('%s are refused', async (_name, query, body, status) => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't' })
    expect((await rig.send('POST', `/v1/topics/t/records${query}`, new Uint8Array(body), BATCHES)).status).toBe(status)
    expect(await count(rig)).toBe(0)
  })
})

describe('bodies', () => {
  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('come compressed with %s, and leave so', async (encoding, compress) => {
    const rig = openHttpRig()
    const records = Array.from({ length: 200 }, (_, index) => ({ value: `record ${index}` }))
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
    const body = new Uint8Array(compress(Buffer.from(JSON.stringify(records))))
    expect((await bodyOf(await rig.send('POST', '/v1/topics/t/records', body, headers))).results).toHaveLength(200)
    const read = await rig.send('GET', '/v1/topics/t/partitions/0/records', undefined, { 'accept-encoding': encoding })
    expect(read.headers.get('content-encoding')).toBe(encoding)
  })

  test('too large, compressed or not, in parts or not, is refused', async () => {
    const rig = openHttpRig({ limits: { bodyBytesMax: 1_000 } })
    const body = JSON.stringify({ value: 'x'.repeat(2_000) })
    for (const [bytes, more] of [
      [body, {}],
      [new Uint8Array(gzipSync(body)), { 'content-encoding': 'gzip' }],
    ] as const) {
      const answer = await rig.send('POST', '/v1/topics/t/records', bytes, {
        'content-type': 'application/json',
        ...more,
      })
      expect(await bodyOf(answer, 413)).toMatchObject({ code: 'BODY_TOO_LARGE' })
    }
  })

  test('of many requests at once share a bound, and leave it when they are answered', async () => {
    const hold = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const rig = openHttpRig({
      limits: { bodiesBytesMax: 3_000 },
      wrapLog: log =>
        wrapLog(log, {
          append: async request => {
            begun.resolve()
            await hold.promise
            return log.append(request)
          },
        }),
    })
    const text = { 'content-type': 'text/plain' }
    const send = () => rig.send('POST', '/v1/topics/t/records', 'x'.repeat(2_000), text)
    const first = send()
    await begun.promise
    const second = await send()
    expect(second.headers.get('retry-after')).toBe('1')
    expect(await bodyOf(second, 503)).toMatchObject({ code: 'OVERLOADED' })
    hold.resolve()
    expect((await first).status).toBe(200)
    for (let again = 0; again < 3; again++) expect((await send()).status).toBe(200)
  })

  test.each([
    ['lzma', 415, 'UNSUPPORTED_CONTENT_ENCODING'],
    ['gzip, gzip, gzip', 415, 'UNSUPPORTED_CONTENT_ENCODING'],
    ['gzip', 400, 'MALFORMED_BODY'],
  ])('encoded as %s without being so are refused', async (encoding, status, code) => {
    const rig = openHttpRig()
    const answer = await rig.send('POST', '/v1/topics/t/records', 'plain', { 'content-encoding': encoding })
    expect(await bodyOf(answer, status)).toMatchObject({ code })
  })
})

test('what the log cannot do now is 503, what nobody knows is 504', async () => {
  let refusal = new LogError('OVERLOADED', 'too much')
  const rig = openHttpRig({
    wrapLog: log => wrapLog(log, { append: () => Promise.reject(refusal) }),
  })
  const busy = await rig.send('POST', '/v1/topics/t/records', { value: 1 })
  expect(busy.headers.get('retry-after')).toBe('1')
  expect(await bodyOf(busy, 503)).toMatchObject({ code: 'OVERLOADED' })
  refusal = new LogError('REQUEST_TIMED_OUT', 'nobody knows')
  expect(await bodyOf(await rig.send('POST', '/v1/topics/t/records', [{ value: 1 }]), 504)).toMatchObject({
    code: 'REQUEST_TIMED_OUT',
    results: [{ error: { status: 504 } }],
  })
})
