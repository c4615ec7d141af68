import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildBatch } from '../../lib/records/index.ts'
import { bodyOf, eventsOf, type HttpRig, linesOf, openHttpRig, wrapLog } from './rig.ts'

interface Read {
  readonly partition: number
  readonly offset: number
  readonly value: unknown
}

async function fill(rig: HttpRig, counts: readonly number[]): Promise<void> {
  await rig.send('POST', '/v1/topics', { name: 't', partitions: counts.length })
  const records = counts.flatMap((count, partition) =>
    Array.from({ length: count }, (_, index) => ({
      partition,
      value: `${partition}/${index}`,
      timestamp: 1_000 + index,
    })),
  )
  await bodyOf(await rig.send('POST', '/v1/topics/t/records', records))
}

const read = async (rig: HttpRig, path: string) => bodyOf(await rig.send('GET', `/v1/topics/t/${path}`))

describe('one partition', () => {
  test('from an offset, a time, the earliest and the latest, within bounds', async () => {
    const rig = openHttpRig()
    await fill(rig, [10])
    const values = async (query: string) =>
      (await read(rig, `partitions/0/records?${query}`)).records.map(({ value }: Read) => value)
    expect(await values('maxRecords=2')).toEqual(['0/0', '0/1'])
    expect(await values('offset=8')).toEqual(['0/8', '0/9'])
    expect(await values('timestamp=1007')).toEqual(['0/7', '0/8', '0/9'])
    expect(await values('timestamp=1970-01-01T00:00:01.009Z')).toEqual(['0/9'])
    expect(await values('timestamp=9999')).toEqual([])
    expect(await values('from=latest')).toEqual([])
    expect(await values('maxBytes=1')).toEqual(['0/0'])
    expect(await read(rig, 'partitions/0/records?offset=3&maxRecords=2')).toMatchObject({
      nextOffset: 5,
      startOffset: 0,
      endOffset: 10,
    })
    const lines = await rig.send('GET', '/v1/topics/t/partitions/0/records?offset=9', undefined, {
      accept: 'application/jsonl',
    })
    expect(lines.headers.get('varve-next-offset')).toBe('10')
    expect(linesOf(await lines.text())).toEqual([
      { partition: 0, offset: 9, timestamp: 1_009, key: null, value: '0/9' },
    ])
  })

  test.each([
    ['partitions/0/records?offset=11', 416, 'OFFSET_OUT_OF_RANGE'],
    ['partitions/0/records?offset=-1', 400, 'BAD_REQUEST'],
    ['partitions/0/records?offset=', 400, 'BAD_REQUEST'],
    ['partitions/0/records?offset=1&from=latest', 400, 'BAD_REQUEST'],
    ['partitions/0/records?timestamp=1&from=latest', 400, 'BAD_REQUEST'],
    ['partitions/0/records?timestamp=yesterday', 400, 'BAD_REQUEST'],
    ['partitions/0/records?maxRecords=0', 400, 'BAD_REQUEST'],
    ['partitions/1/records', 404, 'UNKNOWN_PARTITION'],
    ['partitions/x/records', 400, 'BAD_REQUEST'],
    ['records?position=nonsense', 400, 'BAD_REQUEST'],
    ['records?position=AQ', 400, 'BAD_REQUEST'],
    ['tail?partitions=4', 404, 'UNKNOWN_PARTITION'],
    ['tail?lastEventId=nonsense', 400, 'BAD_REQUEST'],
  ])('%s is refused', async (path, status, code) => {
    const rig = openHttpRig()
    await fill(rig, [10])
    expect(await bodyOf(await rig.send('GET', `/v1/topics/t/${path}`), status)).toMatchObject({ code })
  })

  test('what cannot be accepted is told', async () => {
    const rig = openHttpRig()
    await fill(rig, [1])
    const answer = await rig.send('GET', '/v1/topics/t/partitions/0/records', undefined, { accept: 'image/png' })
    expect(await bodyOf(answer, 406)).toMatchObject({ code: 'NOT_ACCEPTABLE' })
  })

  test('a long poll is answered when a record comes', async () => {
    const waiting = Promise.withResolvers<void>()
    const rig = openHttpRig({
      wrapLog: log =>
        wrapLog(log, {
          waitForRecords: (...args) => {
            waiting.resolve()
            return log.waitForRecords(...args)
          },
        }),
    })
    await fill(rig, [1])
    const answer = read(rig, 'partitions/0/records?offset=1&waitMs=60000')
    await waiting.promise
    await rig.send('POST', '/v1/topics/t/records', { value: 'new' })
    expect((await answer).records).toMatchObject([{ offset: 1, value: 'new' }])
  })

  test('a long poll ends when the process stops', async () => {
    const rig = openHttpRig()
    await fill(rig, [1])
    const answer = read(rig, 'partitions/0/records?offset=1&waitMs=60000')
    rig.closing.abort()
    expect((await answer).records).toEqual([])
  })

  test.each(['application/json', 'application/vnd.varve.batches'])(
    'aborted records and markers are not shown (%s)',
    async accept => {
      const rig = openHttpRig()
      const topic = await rig.log.topics.create({ name: 't', partitions: 1 })
      const producer = { producerId: 5, producerEpoch: 0, isTransactional: true }
      const append = (value: string, more: object, transaction?: number) =>
        rig.log.append({
          topic,
          partition: 0,
          batch: buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from(value) }], ...more }),
          timeoutMs: 5_000,
          ...(transaction ? { transaction } : {}),
        })
      const end = { topic, partition: 0, producerId: 5, producerEpoch: 0, timeoutMs: 5_000 }
      await append('"aborted"', { ...producer, baseSequence: 0 }, 1)
      await append('"plain"', {})
      await rig.log.endTransaction({ ...end, transaction: 1, outcome: 'abort' })
      await append('"committed"', { ...producer, baseSequence: 1 }, 2)
      await rig.log.endTransaction({ ...end, transaction: 2, outcome: 'commit' })
      await append('"open"', { ...producer, baseSequence: 2 }, 3)
      const path = '/v1/topics/t/partitions/0/records'
      const committed = await rig.send('GET', path, undefined, { accept })
      if (accept === 'application/json') {
        const { records, nextOffset } = await bodyOf(committed)
        expect(records.map(({ value }: Read) => value)).toEqual(['plain', 'committed'])
        expect(nextOffset).toBe(5)
        const all = await read(rig, 'partitions/0/records?isolation=read_uncommitted')
        expect(all.records.map(({ value }: Read) => value)).toEqual(['aborted', 'plain', 'committed', 'open'])
      } else {
        expect(committed.headers.get('varve-aborted-transactions')).toBe('5@0')
      }
    },
  )
})

test('what is consumed can be produced again as it is', async () => {
  const bytes = fc.oneof(
    fc.constant(null),
    fc.uint8Array().map(array => Buffer.from(array)),
    fc.string({ unit: 'binary' }).map(text => Buffer.from(text)),
    fc.json({ noUnicodeString: false }).map(text => Buffer.from(text)),
    fc
      .constantFrom('null', ' null ', '1e999', '{"a":\n1}', '"\\u0000"', '12345678901234567890')
      .map(text => Buffer.from(text)),
  )
  const header = fc.record({ key: fc.string(), value: bytes })
  const records = fc.array(
    fc.record({
      key: bytes,
      value: bytes,
      timestamp: fc.integer({ min: 0, max: 2_000_000_000 }),
      headers: fc.array(header, { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 10 },
  )
  await fc.assert(
    fc.asyncProperty(records, fc.constantFrom('auto', 'base64', 'text'), async (written, encoding) => {
      const rig = openHttpRig()
      const topic = await rig.log.topics.create({ name: 'a', partitions: 1 })
      await rig.log.append({ topic, partition: 0, batch: buildBatch({ records: written }), timeoutMs: 5_000 })
      const query = `?valueEncoding=${encoding}${encoding === 'base64' ? '&keyEncoding=base64' : ''}`
      const lines = await rig.send('GET', `/v1/topics/a/partitions/0/records${query}`, undefined, {
        accept: 'application/x-ndjson',
      })
      const text = await lines.text()
      const again = await rig.send('POST', '/v1/topics/b/records', text, { 'content-type': 'application/x-ndjson' })
      expect(linesOf(await again.text())).toHaveLength(written.length)
      const exact = '/partitions/0/records?valueEncoding=base64&keyEncoding=base64'
      const [first, second] = [
        await rig.send('GET', `/v1/topics/a${exact}`),
        await rig.send('GET', `/v1/topics/b${exact}`),
      ]
      const [one, two] = [await bodyOf(first), await bodyOf(second)]
      if (encoding !== 'auto') {
        expect(two).toEqual(one)
        return
      }
      // White space between tokens of JSON is the one thing that may change.
      const squeeze = ({ value, ...rest }: { value: string | null }) => ({
        ...rest,
        value: value && squeezed(Buffer.from(value, 'base64')),
      })
      expect(two.records.map(squeeze)).toEqual(one.records.map(squeeze))
    }),
    { numRuns: 60 },
  )
})

function squeezed(value: Buffer): string {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value))
    return value.toString('latin1').replace(/[\r\n ]+/g, '')
  } catch {
    return value.toString('latin1')
  }
}

describe('all partitions', () => {
  test('page by page, each record once, in the order of each partition', async () => {
    const rig = openHttpRig()
    const counts = [7, 0, 25, 3]
    await fill(rig, counts)
    const seen: Read[] = []
    let position = ''
    for (;;) {
      const page = await read(rig, `records?maxRecords=4${position && `&position=${position}`}`)
      if (page.records.length === 0) break
      seen.push(...page.records)
      position = page.position
    }
    for (const [partition, count] of counts.entries()) {
      const offsets = seen.filter(one => one.partition === partition).map(({ offset }) => offset)
      expect(offsets).toEqual(Array.from({ length: count }, (_, index) => index))
    }
    await rig.send('POST', '/v1/topics/t/records', { partition: 1, value: 'late' })
    expect((await read(rig, `records?position=${position}`)).records).toMatchObject([{ partition: 1, value: 'late' }])
  })

  test('a position of a deleted topic is not one of its successor', async () => {
    const rig = openHttpRig()
    await fill(rig, [3])
    const { position } = await read(rig, 'records')
    await rig.send('DELETE', '/v1/topics/t')
    await fill(rig, [5])
    expect((await rig.send('GET', `/v1/topics/t/records?position=${position}`)).status).toBe(400)
  })
})

describe('a live tail', () => {
  /** The next `count` records, and the id of the last. */
  async function take(rig: HttpRig, path: string, count: number, headers: Record<string, string> = {}) {
    const response = await rig.send('GET', path, undefined, headers)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const records: Read[] = []
    let id = ''
    for await (const event of eventsOf(response)) {
      id = event.id ?? id
      if (event.data !== undefined && event.event === undefined) records.push(JSON.parse(event.data))
      if (records.length >= count) break
    }
    return { records, id }
  }

  test('goes on where it broke off, in every partition, by the id of the last event', async () => {
    const rig = openHttpRig()
    const counts = [30, 20, 0, 10]
    await fill(rig, counts)
    const seen: Read[] = []
    let id = ''
    for (let left = 60; left > 0; ) {
      const count = Math.min(left, 7)
      const part = await take(rig, '/v1/topics/t/tail?from=earliest', count, id ? { 'last-event-id': id } : {})
      seen.push(...part.records)
      id = part.id
      left -= count
    }
    for (const [partition, count] of counts.entries()) {
      expect(seen.filter(one => one.partition === partition).map(({ offset }) => offset)).toEqual(
        Array.from({ length: count }, (_, index) => index),
      )
    }
  })

  test('begins at the latest, and has an id before the first record', async () => {
    const rig = openHttpRig()
    await fill(rig, [5, 5])
    const { id } = await take(rig, '/v1/topics/t/tail', 0)
    expect(id).not.toBe('')
    await rig.send('POST', '/v1/topics/t/records', { partition: 1, value: 'missed' })
    const { records } = await take(rig, `/v1/topics/t/tail?lastEventId=${id}`, 1)
    expect(records).toMatchObject([{ partition: 1, offset: 5, value: 'missed' }])
  })

  test('a time and some partitions may be asked for', async () => {
    const rig = openHttpRig()
    await fill(rig, [5, 5, 5])
    const { records } = await take(rig, '/v1/topics/t/tail?partitions=1&timestamp=1003', 2)
    expect(records.map(({ value }) => value)).toEqual(['1/3', '1/4'])
  })

  test('ends with the topic, and with the process', async () => {
    const rig = openHttpRig()
    await fill(rig, [1])
    const events = eventsOf(await rig.send('GET', '/v1/topics/t/tail?from=earliest'))
    for await (const { data, event } of events) {
      if (event === 'end') {
        expect(JSON.parse(data!)).toMatchObject({ code: 'UNKNOWN_TOPIC' })
        break
      }
      if (data) await rig.send('DELETE', '/v1/topics/t')
    }
    await fill(rig, [1])
    const response = await rig.send('GET', '/v1/topics/t/tail')
    rig.closing.abort()
    await response.text()
  })

  test('many readers with a slow one among them: nobody waits for it', async () => {
    const rig = openHttpRig()
    await fill(rig, [100])
    const slow = await rig.send('GET', '/v1/topics/t/tail?from=earliest')
    const { records } = await take(rig, '/v1/topics/t/tail?from=earliest', 100)
    expect(records).toHaveLength(100)
    await slow.body!.cancel()
  })
})
