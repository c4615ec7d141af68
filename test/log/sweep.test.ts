import { describe, expect, test } from 'vitest'
import { decodeHead } from '../../lib/log/head/head.ts'
import { gate, lost, readAll, send, stateOf, throttled } from './rig.ts'
import { HOUR, openUpkeepRig } from './upkeep-rig.ts'

const KEPT = { 'retention.ms': '-1' }
const values = (count: number) => Array.from({ length: count }, (_, i) => `${i}`.repeat(i % 3 === 0 ? 200 : 1))

describe('the sweep', () => {
  test('leaves what heads, chunks and snapshots refer to, and takes replaced snapshots', async () => {
    const { open, clock, runOnce, segments } = openUpkeepRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 2, configs: KEPT })
    for (const [baseSequence, value] of values(30).entries())
      await send(log, topic, [value], { producerId: 1, baseSequence })
    await clock.advance(3 * HOUR)
    const before = segments()
    const { complete, findings } = await runOnce()
    expect(complete).toBe(true)
    expect(findings.length).toBeGreaterThan(3)
    expect(segments().items + segments().objects).toBe(before.items + before.objects - findings.length)
    expect(await readAll(open(), topic)).toEqual(values(30))
    expect((await runOnce()).findings).toEqual([])
    expect((await send(open(), topic, ['more'], { producerId: 1, baseSequence: 30 })).baseOffset).toBe(30)
  })

  test('takes what a crashed writer put and never committed, in both media, and only after the grace', async () => {
    const { open, clock, hooks, runOnce, segments } = openUpkeepRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    hooks.write = (operations, next) =>
      operations.some(({ key }) => key.sk === 'head') ? new Promise(() => undefined) : next(operations)
    void send(log, topic, ['small'])
    void send(log, topic, ['large'.repeat(100)])
    await clock.advance(60_000, 1_000)
    hooks.write = (operations, next) => next(operations)
    expect(segments().items + segments().objects).toBe(2)
    expect((await runOnce()).findings).toEqual([])
    await clock.advance(3 * HOUR)
    expect((await runOnce({}, { dry: true })).findings).toHaveLength(2)
    expect(segments().items + segments().objects).toBe(2)
    expect((await runOnce()).findings).toHaveLength(2)
    expect(segments()).toEqual({ items: 0, objects: 0 })
  })

  test('writes nothing where there is nothing to sweep but, once a day, where it looked; leaves no lease', async () => {
    const { open, clock, hooks, runOnce, items } = openUpkeepRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    await send(log, topic, ['a'])
    await clock.advance(3 * HOUR)
    let writes = 0
    hooks.write = (operations, next) => {
      writes++
      return next(operations)
    }
    expect((await runOnce()).complete).toBe(true)
    expect(writes).toBe(2)
    for (let i = 0; i < 20; i++) {
      expect((await runOnce()).complete).toBe(true)
      await clock.advance(HOUR, HOUR)
    }
    expect(writes).toBe(2)
    await clock.advance(10 * HOUR, HOUR)
    await runOnce()
    await runOnce()
    expect(writes).toBe(3)
    expect([...items.items.keys()].filter(key => key.startsWith('lease#'))).toEqual([])
  })

  test.each([false, true])(
    'a writer that slept through it is refused, puts its segment again, and removes its own (large: %s)',
    async large => {
      const { open, clock, hooks, runOnce, segments, items } = openUpkeepRig()
      const log = open()
      const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
      const value = large ? 'x'.repeat(500) : 'x'
      const asleep = gate()
      hooks.write = async (operations, next) => {
        if (operations.some(({ key }) => key.sk === 'head')) await asleep.promise
        return next(operations)
      }
      const sent = send(log, topic, [value], { timeoutMs: 24 * HOUR })
      await stateOf(sent)
      hooks.write = (operations, next) => next(operations)
      await clock.advance(5 * HOUR)
      // Another orphan, so that the sweep has work whatever it makes of the sleeper's.
      expect((await runOnce()).findings).toHaveLength(1)
      asleep.resolve()
      expect((await clock.passUntil(sent)).baseOffset).toBe(0)
      expect(await readAll(open(), topic)).toEqual([value])
      expect(segments().items + segments().objects).toBe(1)
      const head = [...items.items.values()].find(({ key }) => key.sk === 'head')!
      expect(decodeHead(head.value).fence).toBeGreaterThan(0)
    },
  )

  test('deletes nothing where a head cannot be read or fenced', async () => {
    const { open, clock, hooks, runOnce, segments } = openUpkeepRig()
    const log = open()
    const topics = [
      await log.topics.create({ name: 'a', partitions: 1, configs: KEPT }),
      await log.topics.create({ name: 'b', partitions: 1, configs: KEPT }),
    ]
    for (const topic of topics) for (const value of values(12)) await send(log, topic, [value])
    await clock.advance(3 * HOUR)
    const before = segments()
    for (const failure of [throttled, lost]) {
      hooks.write = (operations, next) =>
        operations.some(({ key }) => key.pk.includes(topics[1]!.id)) ? Promise.reject(failure()) : next(operations)
      const { complete, failed } = await runOnce()
      expect([complete, failed.length]).toEqual([false, 1])
      expect(segments()).toEqual(before)
    }
    hooks.write = (operations, next) => next(operations)
    const { complete } = await runOnce()
    expect(complete).toBe(true)
    expect(segments().items + segments().objects).toBeLessThan(before.items + before.objects)
  })

  test('goes on after a store that refuses some of the deletes', async () => {
    const { open, clock, runOnce, segments, objects } = openUpkeepRig({ itemSegmentBytesMax: 0 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    for (const value of values(12)) await send(log, topic, [value])
    await clock.advance(3 * HOUR)
    const before = segments()
    const { delete: remove } = objects
    objects.delete = () => Promise.reject(throttled())
    expect((await runOnce()).findings.length).toBeGreaterThan(0)
    expect(segments()).toEqual(before)
    objects.delete = remove
    await runOnce()
    expect(segments().objects).toBeLessThan(before.objects)
  })

  test('takes the segments of records that were deleted, and of deleted topics', async () => {
    const { open, clock, runOnce, segments } = openUpkeepRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    const other = await log.topics.create({ name: 'u', partitions: 1, configs: KEPT })
    for (const value of values(20)) await send(log, topic, [value])
    await send(log, other, ['kept'])
    await log.deleteRecords({ topic, partition: 0, before: 15, timeoutMs: 1_000 })
    await clock.advance(3 * HOUR)
    await runOnce()
    expect(segments().items + segments().objects).toBeLessThanOrEqual(5 + 1 + 2)
    expect(await readAll(open(), topic, 0, 15)).toEqual(values(20).slice(15))
    await log.topics.delete('t')
    await runOnce()
    expect(segments()).toEqual({ items: 1, objects: 0 })
    expect(await readAll(open(), other)).toEqual(['kept'])
  })

  test('finds small segments that are older than its window, if a sweep has seen that there are some', async () => {
    const { open, clock, runOnce, segments } = openUpkeepRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    for (let i = 0; i < 3; i++) await send(log, topic, [`${i}`])
    await clock.advance(4 * HOUR)
    await log.deleteRecords({ topic, partition: 0, before: 1, timeoutMs: 1_000 })
    await runOnce({ windowHours: 1 })
    expect(segments().items).toBe(2)
    await clock.advance(300 * HOUR)
    await log.deleteRecords({ topic, partition: 0, before: 'end', timeoutMs: 1_000 })
    await runOnce({ windowHours: 1 })
    expect(segments().items).toBe(0)
  })

  test('without a grace does not take what a compaction that reads slowly is about to refer to', async () => {
    const compaction = { dueBytes: 0, dueMs: -HOUR, readsMax: 1, bytesPerSecondMax: 100 }
    const { open, clock, hooks, runOnce } = openUpkeepRig({ compaction, cacheBytesMax: 1 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    for (const [baseSequence, value] of values(6).entries())
      await send(log, topic, [value], { producerId: 1, baseSequence })
    const compacting = log.compaction.compactShard(topic, 0)
    // It waits for its throttle. A writer crashes, so the sweep has something to take.
    await clock.advance(1_000, 100)
    expect(await stateOf(compacting)).toBe('pending')
    hooks.write = (operations, next) =>
      operations.some(({ key }) => key.sk === 'head') ? new Promise(() => undefined) : next(operations)
    void send(open(), topic, ['never committed'])
    await clock.advance(100)
    hooks.write = (operations, next) => next(operations)
    await clock.advance(100)
    expect((await runOnce({ graceMs: 0 })).findings).toHaveLength(1)
    expect(await stateOf(compacting)).toBe('pending')
    expect(await clock.passUntil(compacting)).toMatchObject({ commits: 6, lost: false })
    await runOnce({ graceMs: 0 })
    expect(await readAll(open(), topic)).toEqual(values(6))
  })

  test('asks for few items where nothing happens: for those of every hour of a week once a day', async () => {
    const { open, clock, hooks, items, runOnce } = openUpkeepRig()
    let queries = 0
    const { query } = items
    items.query = (pk, range) => {
      if (pk.startsWith('g#')) queries++
      return query(pk, range)
    }
    await open().topics.create({ name: 't', partitions: 1, configs: KEPT })
    let writes = 0
    hooks.write = (operations, next) => {
      writes++
      return next(operations)
    }
    const asked: number[] = []
    for (let hour = 0; hour < 10 * 24; hour++) {
      queries = 0
      await runOnce()
      asked.push(queries)
      await clock.advance(HOUR, HOUR)
    }
    const [hourly, weekly] = [27 * 8, (7 * 24 + 1) * 8]
    expect(asked.filter(count => count > hourly).length).toBeLessThanOrEqual(11)
    // Before anything was appended there is nothing older than a week.
    expect(Math.max(...asked)).toBeLessThanOrEqual(weekly)
    expect(writes).toBeLessThanOrEqual(2 * 11)
  })

  test('finds what a writer that slept put into an hour which was looked at, within a day', async () => {
    const { open, clock, hooks, runOnce, segments } = openUpkeepRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    const asleep = gate()
    hooks.write = async (operations, next) => {
      if (!operations.some(({ key }) => key.pk.startsWith('g#'))) return new Promise(() => undefined)
      await asleep.promise
      return next(operations)
    }
    void send(log, topic, ['small'])
    await clock.advance(1_000)
    const others = { ...hooks }
    hooks.write = (operations, next) => next(operations)
    for (let hour = 0; hour < 30; hour++) {
      await clock.advance(HOUR, HOUR)
      await runOnce()
    }
    hooks.write = others.write
    asleep.resolve()
    await clock.advance(1_000)
    expect(segments().items).toBe(1)
    hooks.write = (operations, next) => next(operations)
    await clock.advance(25 * HOUR, HOUR)
    await runOnce()
    expect(segments().items).toBe(0)
  })
})
