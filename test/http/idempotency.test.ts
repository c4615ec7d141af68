import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LogError } from '../../lib/log/index.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { bodyOf, type HttpRig, linesOf, openHttpRig, wrapLog } from './rig.ts'

const key = (text: string) => ({ 'idempotency-key': text })

async function values({ send }: HttpRig): Promise<unknown[]> {
  const { records } = await bodyOf(await send('GET', '/v1/topics/t/records?maxRecords=10000'))
  return records.map(({ value }: { value: unknown }) => value)
}

describe('an Idempotency-Key', () => {
  test('answers a repetition with the first offsets, in another process too', async () => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't', partitions: 4 })
    const records = ['a', 'b', null, 'c', null].map((name, index) => ({ key: name, value: index }))
    const first = await bodyOf(await rig.send('POST', '/v1/topics/t/records', records, key('k')))
    await rig.send('PATCH', '/v1/topics/t', { partitions: 7 })
    for (const { send } of [rig, rig.another()]) {
      const again = await bodyOf(await send('POST', '/v1/topics/t/records', records, key('k')))
      expect(again).toEqual({
        failed: 0,
        results: first.results.map((result: object) => ({ ...result, duplicate: true })),
      })
    }
    expect((await values(rig)).sort()).toEqual([0, 1, 2, 3, 4])
    await bodyOf(await rig.send('POST', '/v1/topics/t/records', records, key('another')))
    expect(await values(rig)).toHaveLength(10)
  })

  test('of one record, of text and of lines', async () => {
    const rig = openHttpRig()
    for (const [body, type] of [
      ['{"value":1}', 'application/json'],
      ['view', 'text/plain'],
      ['{"value":2}\n\n{"value":3}\n', 'application/x-ndjson'],
    ] as const) {
      const send = async () => {
        const answer = await rig.send('POST', '/v1/topics/t/records', body, { 'content-type': type, ...key(type) })
        return linesOf(await answer.text())
      }
      const first = await send()
      expect(await send()).toEqual(first.map(result => ({ ...(result as object), duplicate: true })))
    }
    expect(await values(rig)).toEqual([1, 'view', 2, 3])
  })

  test('with another request is refused', async () => {
    const rig = openHttpRig()
    await bodyOf(await rig.send('POST', '/v1/topics/t/records', { value: 1 }, key('k')))
    const other = await rig.send('POST', '/v1/topics/t/records', { value: 2 }, key('k'))
    expect(await bodyOf(other, 422)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(await values(rig)).toEqual([1])
  })

  test('with more than the log can know again is refused whole', async () => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't' })
    const records = Array.from({ length: 60 }, () => ({ value: 'x'.repeat(60_000) }))
    expect(await bodyOf(await rig.send('POST', '/v1/topics/t/records', records, key('k')), 413)).toMatchObject({
      code: 'BODY_TOO_LARGE',
    })
    expect(await values(rig)).toEqual([])
  })

  test('each record is there once, whatever was lost on the way and however often it was repeated', async () => {
    const record = fc.record({ key: fc.option(fc.constantFrom('a', 'b', 'c', 'd')), value: fc.nat() })
    const fate = fc.constantFrom('ok', 'lost', 'refused', 'no item', 'item lost')
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 8 }),
        fc.array(fc.array(fate, { minLength: 1, maxLength: 6 }), { maxLength: 4 }),
        async (records, tries) => {
          let fates: string[] = []
          const next = () => fates.shift() ?? 'ok'
          const rig = openHttpRig({
            wrapLog: log =>
              wrapLog(log, {
                append: async request => {
                  const fate = next()
                  if (fate === 'refused') throw new LogError('OVERLOADED', 'nothing happened')
                  const appended = await log.append(request)
                  if (fate === 'lost') throw new LogError('REQUEST_TIMED_OUT', 'nobody knows')
                  return appended
                },
              }),
          })
          const { write } = rig.items
          Object.assign(rig.items, {
            write: async (operations: Parameters<typeof write>[0]) => {
              if (!operations.some(({ key }) => key.pk.startsWith('idem#'))) return write(operations)
              const fate = next()
              if (fate === 'no item') throw new StoreError('STORE_UNAVAILABLE', 'nothing happened')
              const outcome = await write(operations)
              if (fate === 'item lost') throw new StoreError('STORE_OUTCOME_UNKNOWN', 'nobody knows')
              return outcome
            },
          })
          await rig.log.topics.create({ name: 't', partitions: 3 })
          for (const some of tries) {
            fates = [...some]
            await (await rig.another().send('POST', '/v1/topics/t/records', records, key('k'))).text()
          }
          fates = []
          const last = await bodyOf(await rig.send('POST', '/v1/topics/t/records', records, key('k')))
          expect(last.failed).toBe(0)
          const sorted = (numbers: unknown[]) => (numbers as number[]).sort((a, b) => a - b)
          expect(sorted(await values(rig))).toEqual(sorted(records.map(({ value }) => value)))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('many at once with one key are one', async () => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't', partitions: 3 })
    const rigs = Array.from({ length: 8 }, () => rig.another())
    const answers = await Promise.all(
      rigs.map(({ send }) => send('POST', '/v1/topics/t/records', [{ value: 1 }, { value: 2 }], key('k'))),
    )
    const places = await Promise.all(
      answers.map(async answer => (await bodyOf(answer)).results.map(({ offset }: { offset: number }) => offset)),
    )
    for (const place of places) expect(place).toEqual([0, 1])
    expect(await values(rig)).toEqual([1, 2])
  })
})

describe('a producer of its own', () => {
  const numbered = (producerId: number, sequence: number) => ({
    'varve-producer-id': String(producerId),
    'varve-sequence': String(sequence),
  })

  test('repeats exactly, and is told when it left something out', async () => {
    const rig = openHttpRig()
    const { producerId } = await bodyOf(await rig.send('POST', '/v1/producers'))
    const send = (sequence: number, ...sent: number[]) =>
      rig.send(
        'POST',
        '/v1/topics/t/records?partition=0',
        sent.map(value => ({ value })),
        numbered(producerId, sequence),
      )
    await bodyOf(await send(0, 1, 2))
    await bodyOf(await send(2, 3))
    expect((await bodyOf(await send(0, 1, 2))).results).toEqual([
      { partition: 0, offset: 0, duplicate: true },
      { partition: 0, offset: 1, duplicate: true },
    ])
    expect(await bodyOf(await send(9, 4), 409)).toMatchObject({ code: 'OUT_OF_ORDER_SEQUENCE' })
    expect(await values(rig)).toEqual([1, 2, 3])
  })

  test.each([
    ['', numbered(1, 0)],
    ['?partition=0', { 'varve-producer-id': '1' }],
    ['?partition=0', { 'varve-sequence': '1' }],
    ['?partition=0', { ...numbered(1, 0), 'varve-producer-epoch': '40000' }],
    ['?partition=0', { ...numbered(1, 0), 'idempotency-key': 'k' }],
    ['?partition=0', { ...numbered(1, -1) }],
    ['', { 'idempotency-key': '' }],
    ['', { 'idempotency-key': 'k'.repeat(1_001) }],
  ])('%s with %j is refused', async (query, headers) => {
    const rig = openHttpRig()
    await rig.send('POST', '/v1/topics', { name: 't' })
    expect((await rig.send('POST', `/v1/topics/t/records${query}`, { value: 1 }, headers)).status).toBe(400)
    expect(await values(rig)).toEqual([])
  })
})
