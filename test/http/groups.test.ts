import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyOf, type HttpRig, openHttpRig } from './rig.ts'

interface Answer {
  readonly records: { topic: string; partition: number; offset: number; value: unknown }[]
  readonly cursor: string
  readonly memberId: string
  readonly memberEpoch: number
  readonly assignment: { topic: string; partitions: number[] }[]
}

const poll = async ({ send }: HttpRig, body: object, status = 200): Promise<Answer> =>
  bodyOf(await send('POST', '/v1/groups/g/poll', body), status)
const join = (rig: HttpRig, more: object = {}) => poll(rig, { topics: ['t'], from: 'earliest', ...more })

async function fill(rig: HttpRig, partitions: number, count: number): Promise<void> {
  await rig.send('POST', '/v1/topics', { name: 't', partitions })
  const records = Array.from({ length: count }, (_, index) => ({ partition: index % partitions, value: index }))
  await bodyOf(await rig.send('POST', '/v1/topics/t/records', records))
}

const valuesOf = ({ records }: Answer) => records.map(({ value }) => value as number)
const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b)

describe('one call', () => {
  test('joins, and answers the assignment and records; the next one commits and reads on, in any process', async () => {
    const rig = openHttpRig()
    await fill(rig, 2, 6)
    const first = await join(rig, { maxRecords: 4 })
    expect(first.assignment).toEqual([{ topic: 't', partitions: [0, 1] }])
    expect(first.records).toHaveLength(4)
    const second = await poll(rig.another(), { cursor: first.cursor, commit: true })
    expect(sorted([...valuesOf(first), ...valuesOf(second)])).toEqual([0, 1, 2, 3, 4, 5])
    const before = await bodyOf(await rig.send('GET', '/v1/groups/g/offsets'))
    expect(before.offsets.reduce((sum: number, { offset }: { offset: number }) => sum + offset, 0)).toBe(4)
    await poll(rig, { cursor: second.cursor, commit: true, leave: true })
    const { offsets } = await bodyOf(await rig.send('GET', '/v1/groups/g/offsets?topic=t'))
    expect(offsets).toMatchObject([
      { topic: 't', partition: 0, offset: 3, endOffset: 3, lag: 0 },
      { topic: 't', partition: 1, offset: 3, endOffset: 3, lag: 0 },
    ])
    expect((await join(rig)).records).toEqual([])
  })

  test('what was not committed comes again to whoever is next', async () => {
    const rig = openHttpRig()
    await fill(rig, 1, 3)
    const first = await join(rig)
    expect(valuesOf(first)).toEqual([0, 1, 2])
    await poll(rig, { cursor: first.cursor, leave: true })
    expect(valuesOf(await join(rig))).toEqual([0, 1, 2])
  })

  test('begins at the latest unless told, and waits for what comes', async () => {
    const rig = openHttpRig()
    await fill(rig, 1, 3)
    const first = await poll(rig, { topics: ['t'] })
    expect(first.records).toEqual([])
    const waiting = poll(rig, { cursor: first.cursor, waitMs: 60_000 })
    await rig.send('POST', '/v1/topics/t/records', { value: 'new' })
    expect((await waiting).records).toMatchObject([{ topic: 't', partition: 0, offset: 3, value: 'new' }])
  })

  test.each([
    [{}, 400, 'BAD_REQUEST'],
    [{ cursor: 'nonsense' }, 400, 'MALFORMED_BODY'],
    [{ cursor: Buffer.from('{"id":"x"}').toString('base64url') }, 400, 'BAD_REQUEST'],
    [
      { cursor: Buffer.from('{"id":"x","epoch":3,"topics":["t"],"places":{},"manual":false}').toString('base64url') },
      404,
      'UNKNOWN_MEMBER_ID',
    ],
    [{ topics: ['t'], maxRecords: -1 }, 400, 'BAD_REQUEST'],
  ])('%j is refused', async (body, status, code) => {
    const rig = openHttpRig()
    await fill(rig, 1, 1)
    await poll(rig, { topics: ['t'] })
    expect(await poll(rig, body, status)).toMatchObject({ code })
  })
})

test('members share the partitions, one leaves, and each record is done by one of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 2 }), fc.constantFrom('poll', 'poll', 'poll', 'leave')), { maxLength: 25 }),
      async steps => {
        const rig = openHttpRig()
        await fill(rig, 4, 40)
        const cursors: (string | undefined)[] = [undefined, undefined, undefined]
        /** What a member got and has not committed yet. */
        const pending: number[][] = [[], [], []]
        const done: number[] = []
        const step = async (member: number, leave: boolean) => {
          const cursor = cursors[member]
          if (cursor === undefined && leave) return
          const body = cursor === undefined ? { topics: ['t'], from: 'earliest' } : { cursor, commit: true, leave }
          const answer = await poll(rig, { ...body, maxRecords: 3 })
          done.push(...pending[member]!)
          pending[member] = valuesOf(answer)
          cursors[member] = leave ? undefined : answer.cursor
        }
        for (const [member, what] of steps) await step(member, what === 'leave')
        for (const member of [1, 2]) await step(member, true)
        for (let round = 0; round < 40 && done.length < 40; round++) await step(0, false)
        expect(sorted(done)).toEqual(Array.from({ length: 40 }, (_, index) => index))
      },
    ),
    { numRuns: 25 },
  )
})

describe('from outside', () => {
  async function used(): Promise<HttpRig> {
    const rig = openHttpRig()
    await fill(rig, 2, 10)
    const { cursor } = await join(rig)
    await poll(rig, { cursor, commit: true, leave: true })
    return rig
  }

  test('a group is listed and described, with and without members', async () => {
    const rig = await used()
    await join(rig)
    expect((await bodyOf(await rig.send('GET', '/v1/groups'))).groups).toMatchObject([{ group: 'g', type: 'consumer' }])
    expect(await bodyOf(await rig.send('GET', '/v1/groups/g'))).toMatchObject({
      group: 'g',
      state: 'Stable',
      members: [{ topics: ['t'], assignment: [{ topic: 't', partitions: [0, 1] }] }],
    })
    expect(await bodyOf(await rig.send('GET', '/v1/groups/none'), 404)).toMatchObject({ code: 'GROUP_ID_NOT_FOUND' })
  })

  test.each([
    ['earliest', [0, 0]],
    ['latest', [5, 5]],
    [{ offset: 2 }, [2, 2]],
    [{ offset: 99 }, [5, 5]],
    [{ shiftBy: -2 }, [3, 3]],
    [{ shiftBy: -200 }, [0, 0]],
    [{ timestamp: 0 }, [0, 0]],
    [{ timestamp: '2200-01-01T00:00:00Z' }, [5, 5]],
  ])('it is moved to %j', async (to, expected) => {
    const rig = await used()
    const dry = await bodyOf(await rig.send('POST', '/v1/groups/g/offsets/reset', { topic: 't', to, dryRun: true }))
    expect(dry.offsets.map(({ offset }: { offset: number }) => offset)).toEqual(expected)
    const offsets = async () => (await bodyOf(await rig.send('GET', '/v1/groups/g/offsets'))).offsets
    expect((await offsets()).map(({ offset }: { offset: number }) => offset)).toEqual([5, 5])
    await bodyOf(await rig.send('POST', '/v1/groups/g/offsets/reset', { topic: 't', to }))
    expect((await offsets()).map(({ offset }: { offset: number }) => offset)).toEqual(expected)
  })

  test('offsets are set, and a group is deleted, while it has no members', async () => {
    const rig = await used()
    const set = { offsets: [{ topic: 't', partition: 1, offset: 4, metadata: 'by hand' }] }
    await bodyOf(await rig.send('PUT', '/v1/groups/g/offsets', set))
    const { cursor } = await join(rig)
    for (const [method, path, body] of [
      ['PUT', '/v1/groups/g/offsets', set],
      ['POST', '/v1/groups/g/offsets/reset', { topic: 't', to: 'latest' }],
      ['DELETE', '/v1/groups/g', undefined],
    ] as const) {
      expect(await bodyOf(await rig.send(method, path, body), 409)).toMatchObject({ code: 'NON_EMPTY_GROUP' })
    }
    await poll(rig, { cursor, leave: true })
    const { offsets } = await bodyOf(await rig.send('GET', '/v1/groups/g/offsets'))
    expect(offsets[1]).toMatchObject({ offset: 4, metadata: 'by hand' })
    expect((await rig.send('DELETE', '/v1/groups/g')).status).toBe(204)
    expect((await bodyOf(await rig.send('GET', '/v1/groups/g/offsets'))).offsets).toEqual([])
  })

  test.each([
    ['PUT', '/v1/groups/g/offsets', { offsets: [{ topic: 'none', partition: 0, offset: 0 }] }, 404],
    ['PUT', '/v1/groups/g/offsets', { offsets: [{ topic: 't', partition: 9, offset: 0 }] }, 404],
    ['PUT', '/v1/groups/g/offsets', { offsets: [] }, 400],
    ['POST', '/v1/groups/g/offsets/reset', { topic: 't', to: 'middle' }, 400],
    ['POST', '/v1/groups/new/offsets/reset', { topic: 't', to: { shiftBy: 1 } }, 400],
    ['POST', '/v1/groups/g/offsets/reset', { topic: 't', partitions: [7], to: 'latest' }, 404],
  ])('%s %s %j is refused', async (method, path, body, status) => {
    const rig = await used()
    expect((await rig.send(method, path, body)).status).toBe(status)
  })
})
