/** Answers that are not taken fill a memory that all requests share; what is refused for that loses nothing. */
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/base/index.ts'
import { AnswerHold, AnswerMemory } from '../../lib/http/answer-memory.ts'
import { defaultHttpLimits } from '../../lib/http/index.ts'
import { bodyOf, eventsOf, type HttpRig, openHttpRig } from './rig.ts'

const KIB = 1_024
const RECORDS = 20
const path = '/v1/topics/t/records?from=earliest&maxBytes=100000'

async function filled(answersBytesMax: number): Promise<HttpRig> {
  const rig = openHttpRig({ limits: { answersBytesMax, answerRoomMs: 100 } })
  const records = Array.from({ length: RECORDS }, (_, n) => ({ value: `${n}`.padEnd(10 * KIB) }))
  await bodyOf(await rig.send('POST', '/v1/topics/t/records', records))
  return rig
}

/** Until one is refused. */
async function untaken({ send }: HttpRig, path: string): Promise<{ answers: Response[]; refusal: Response }> {
  const answers: Response[] = []
  for (;;) {
    const answer = await send('GET', path)
    if (answer.status !== 200) return { answers, refusal: answer }
    answers.push(answer)
  }
}

describe.each([
  ['JSON', path, 'application/json', 16],
  ['NDJSON', path, 'application/x-ndjson', 16],
  // All records are in one.
  ['batches', '/v1/topics/t/partitions/0/records?maxBytes=100000', 'application/vnd.varve.batches', 4],
  ['a page', '/v1/topics/t/partitions/0/records?maxBytes=100000', 'application/json', 16],
])('%s', (_name, path, accept, some) => {
  test('is refused where others fill the memory, until they are taken or given up', async () => {
    const rig = await filled(1_000 * KIB)
    const send: HttpRig['send'] = (method, path, body, headers) => rig.send(method, path, body, { accept, ...headers })
    const { answers, refusal } = await untaken({ ...rig, send }, path)
    expect(refusal.headers.get('retry-after')).toBe('1')
    expect(await bodyOf(refusal, 503)).toMatchObject({ code: 'OVERLOADED' })
    // Less and less is read at once, so many get some.
    expect(answers.length).toBeGreaterThanOrEqual(some)
    const bodies = answers.splice(0, 3).map(answer => answer.arrayBuffer())
    const taken = (await Promise.all(bodies)).reduce((sum, { byteLength }) => sum + byteLength, 0)
    expect(taken).toBeGreaterThan(50 * KIB)
    await Promise.all((await untaken({ ...rig, send }, path)).answers.map(answer => answer.body!.cancel()))
    for (const answer of answers) await answer.body!.cancel()
    expect((await untaken({ ...rig, send }, path)).answers.length).toBeGreaterThanOrEqual(some)
  })
})

test('neither a long poll that waits, nor HEAD, nor what is refused holds any', async () => {
  const rig = await filled(100 * KIB)
  const waiting = Array.from({ length: 50 }, () => rig.send('GET', '/v1/topics/t/records?from=latest&waitMs=300'))
  for (let n = 0; n < 50; n++) {
    expect((await rig.send('HEAD', path)).status).toBe(200)
    expect((await rig.send('GET', '/v1/topics/t/partitions/0/records?offset=1000')).status).toBe(416)
  }
  expect((await bodyOf(await rig.send('GET', path))).records.length).toBeGreaterThan(0)
  for (const answer of await Promise.all(waiting)) expect((await bodyOf(answer)).records).toEqual([])
})

test('a group goes on where it was when it is refused', async () => {
  const rig = await filled(200 * KIB)
  const poll = (body: object) => rig.send('POST', '/v1/groups/g/poll', { maxBytes: 100_000, from: 'earliest', ...body })
  let { cursor } = await bodyOf(await poll({ topics: ['t'], maxRecords: 0 }))
  const { answers } = await untaken(rig, path)
  expect(await bodyOf(await poll({ cursor }), 503)).toMatchObject({ code: 'OVERLOADED' })
  for (const answer of answers) await answer.body!.cancel()
  const read: string[] = []
  while (read.length < RECORDS) {
    const answer = await bodyOf(await poll({ cursor, commit: true }))
    cursor = answer.cursor
    read.push(...answer.records.map(({ value }: { value: string }) => value.trim()))
  }
  expect(read).toEqual(Array.from({ length: RECORDS }, (_, n) => `${n}`))
})

test('a live tail waits for memory, and misses nothing', { timeout: 20_000 }, async () => {
  const rig = await filled(30 * KIB)
  await rig.send('POST', '/v1/topics/small/records', { value: 1 })
  const { answers } = await untaken(rig, '/v1/topics/small/records?from=earliest')
  const tail = eventsOf(await rig.send('GET', '/v1/topics/t/tail?from=earliest'))
  const read: string[] = []
  const done = (async () => {
    for await (const { data } of tail) {
      if (data !== undefined) read.push(JSON.parse(data).value.trim())
      if (read.length === RECORDS) return
    }
  })()
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(read).toEqual([])
  for (const answer of answers) await answer.body!.cancel()
  await done
  expect(read).toEqual(Array.from({ length: RECORDS }, (_, n) => `${n}`))
})

test('an answer that is done, or has no records, leaves nothing behind in what outlives it', async () => {
  const { signal } = new AbortController()
  const hold = new AnswerHold(new AnswerMemory({ clock: systemClock, limits: defaultHttpLimits }), signal)
  const listeners = () => getEventListeners(signal, 'abort').length
  expect(listeners()).toBe(0)
  await hold.read(KIB, async () => ({ bytes: KIB }))
  const response = hold.respond('taken', {})
  expect(listeners()).toBe(1)
  expect(await response.text()).toBe('taken')
  expect(listeners()).toBe(0)
})
