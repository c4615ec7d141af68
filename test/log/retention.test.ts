import { describe, expect, test } from 'vitest'
import type { Log, Topic } from '../../lib/log/index.ts'
import { retentionLimits } from '../../lib/log/upkeep/retention-rule.ts'
import { readAll, send } from './rig.ts'
import { HOUR, openUpkeepRig } from './upkeep-rig.ts'

async function startOf(log: Log, topic: Topic, partition = 0): Promise<number> {
  return (await log.findOffset(topic, partition, { at: 'earliest' })).offset
}

async function filled(configs: Record<string, string>, count = 30) {
  const rig = openUpkeepRig()
  const log = rig.open()
  const topic = await log.topics.create({ name: 't', partitions: 2, configs })
  for (let i = 0; i < count; i++) {
    await send(log, topic, [`${i}`], { timestamp: rig.clock.now() })
    await send(log, topic, [`other ${i}`], { timestamp: rig.clock.now(), partition: 1 })
    await rig.clock.advance(HOUR)
  }
  return { ...rig, log, topic }
}

describe('retention', () => {
  test('by time takes the records that are older, of each partition, and no others', async () => {
    const { log, topic, runOnce, open } = await filled({ 'retention.ms': String(10 * HOUR) })
    const { findings } = await runOnce()
    expect(findings.filter(({ job }) => job === 'retain')).toHaveLength(2)
    expect(await startOf(log, topic)).toBe(20)
    expect(await startOf(log, topic, 1)).toBe(20)
    expect(await readAll(open(), topic, 0, 20)).toEqual(Array.from({ length: 10 }, (_, i) => `${20 + i}`))
  })

  test('by time does not go past a record that stays', async () => {
    const { log, topic, runOnce, clock } = await filled({ 'retention.ms': String(10 * HOUR) }, 5)
    await send(log, topic, ['from the future'], { timestamp: clock.now() + HOUR / 2 })
    await send(log, topic, ['old'], { timestamp: 1 })
    await clock.advance(6 * HOUR)
    await runOnce()
    expect(await startOf(log, topic)).toBe(1)
    await clock.advance(5 * HOUR)
    await runOnce()
    expect(await startOf(log, topic)).toBe(7)
  })

  test('by size keeps no less than the limit', async () => {
    const { log, topic, runOnce, items } = await filled({ 'retention.ms': '-1', 'retention.bytes': '400' })
    await runOnce()
    const start = await startOf(log, topic)
    const asked = {
      topic,
      partition: 0,
      maxBytes: 100_000,
      atLeastOneBatch: true,
      isolation: 'read_uncommitted',
    } as const
    const kept = (await log.read({ ...asked, offset: start })).batches
    const bytes = kept.reduce((sum, batch) => sum + batch.length, 0)
    expect(bytes).toBeGreaterThanOrEqual(400)
    expect(bytes - kept[0]!.length).toBeLessThan(400)
    expect(items.items.size).toBeGreaterThan(0)
  })

  test('goes by the stored head where this process knows an older one', async () => {
    const { log, topic, runOnce, open, clock } = await filled({ 'retention.ms': String(10 * HOUR) }, 3)
    const other = open()
    await send(other, topic, ['elsewhere'], { timestamp: clock.now() })
    await clock.advance(11 * HOUR)
    const result = await runOnce({}, { log })
    expect(result.failed).toEqual([])
    expect(await startOf(log, topic)).toBe(4)
  })

  test('by size counts what was compacted once, where the compaction ended inside a chunk', async () => {
    const rig = openUpkeepRig({
      compaction: { dueBytes: 0, dueMs: 0, roundBytesMax: 1_000_000 },
      shardLimits: { headBytesMax: 2_000, headBytesKept: 50, chunkBytesMax: 10_000, snapshotIntervalCommits: 4 },
    })
    const log = rig.open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: { 'retention.ms': '-1' } })
    // Compaction stops at the open transaction, which is in one chunk with what lies before it.
    for (let i = 0; i < 12; i++) await send(log, topic, [`${i}`])
    await send(log, topic, ['open'], { producerId: 5, transaction: 1, baseSequence: 0 })
    for (let i = 13; i < 80; i++) await send(log, topic, [`${i}`])
    expect(await log.compaction.compactShard(topic, 0)).toMatchObject({ commits: 12, chunksRemoved: 0 })
    const bytes = await log.sizeOf(topic, 0)
    await log.topics.changeConfigs('t', configs => ({ ...configs, 'retention.bytes': String(bytes) }))
    await rig.runOnce()
    expect(await startOf(log, topic)).toBe(0)
  })

  test('by size counts nothing twice that is compacted while it looks', async () => {
    const rig = openUpkeepRig({ compaction: { dueBytes: 0, dueMs: -HOUR }, shardLimits: { headBytesMax: 10_000 } })
    const log = rig.open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: { 'retention.ms': '-1' } })
    for (let i = 0; i < 6; i++) await send(log, topic, [`${i}`])
    await log.compaction.compactShard(topic, 0)
    for (let i = 6; i < 12; i++) await send(log, topic, [`${i}`])
    const bytes = await log.sizeOf(topic, 0)
    await log.topics.changeConfigs('t', configs => ({ ...configs, 'retention.bytes': String(bytes) }))
    let looks = 0
    const headReadThenCompacted: typeof rig.hooks.get = async (key, next) => {
      const item = await next(key)
      if (key.sk !== 'head' || looks++ > 0) return item
      expect(await log.compaction.compactShard(topic, 0)).toMatchObject({ commits: 6 })
      return item
    }
    const upkeep = rig.open()
    rig.hooks.get = headReadThenCompacted
    await rig.runOnce({}, { log: upkeep, only: ['retain'] })
    expect(looks).toBeGreaterThan(1)
    expect(await startOf(log, topic)).toBe(0)
  })

  test('takes nothing where the policy is to compact, or nothing is limited', async () => {
    for (const configs of [
      { 'cleanup.policy': 'compact', 'retention.ms': '1' },
      { 'retention.ms': '-1' },
      { 'cleanup.policy': '', 'retention.ms': '1' },
    ])
      expect(retentionLimits(configs)).toBeUndefined()
    expect(retentionLimits({ 'cleanup.policy': 'compact,delete', 'retention.ms': '5' })).toEqual({ ms: 5, bytes: -1 })
    const { log, topic, runOnce } = await filled({ 'retention.ms': '-1' }, 5)
    expect((await runOnce()).findings.filter(({ job }) => job === 'retain')).toEqual([])
    expect(await startOf(log, topic)).toBe(0)
  })

  test('waits for an open transaction', async () => {
    const { log, topic, runOnce, clock } = await filled({ 'retention.ms': String(HOUR) }, 3)
    const producer = { producerId: 5, transaction: 1, timestamp: clock.now() }
    await send(log, topic, ['t'], { ...producer, baseSequence: 0 })
    await clock.advance(5 * HOUR)
    await runOnce()
    expect(await startOf(log, topic)).toBe(3)
    const marker = { producerId: 5, producerEpoch: 0, transaction: 1, outcome: 'commit' } as const
    await log.endTransaction({ topic, partition: 0, timeoutMs: 1_000, ...marker })
    await runOnce()
    expect(await startOf(log, topic)).toBe(4)
    await clock.advance(2 * HOUR)
    await runOnce()
    expect(await startOf(log, topic)).toBe(5)
  })

  test('dry tells what would go and why, and moves nothing', async () => {
    const { log, topic, runOnce } = await filled({ 'retention.ms': String(HOUR) }, 5)
    const { findings } = await runOnce({}, { dry: true })
    expect(findings[0]).toMatchObject({ job: 'retain', what: 't/0: records 0 to 3', why: /retention.ms=3600000/ })
    expect(await startOf(log, topic)).toBe(0)
  })

  test('through the process that writes goes with its commits', async () => {
    const { log, topic, runOnce } = await filled({ 'retention.ms': String(10 * HOUR) })
    await runOnce({}, { log })
    expect(await startOf(log, topic)).toBe(20)
    expect((await send(log, topic, ['next'])).logStartOffset).toBe(20)
  })
})

describe('records in extents', () => {
  test('go by time, their objects with them, and with their topic', async () => {
    const { log, topic, runOnce, open, items, objects, clock } = await filled({ 'retention.ms': String(10 * HOUR) })
    const extents = () => [...items.items.values()].filter(({ key }) => key.pk.startsWith('x#')).length
    const extentObjects = () => [...objects.blobs.keys()].filter(key => key.startsWith('topics/')).length
    await runOnce({}, { only: ['compact'] })
    await clock.advance(HOUR)
    for (let i = 0; i < 5; i++) await send(log, topic, [`late ${i}`], { timestamp: clock.now() })
    await clock.advance(3 * HOUR)
    await runOnce({}, { only: ['compact'] })
    expect(extents()).toBeGreaterThan(2)
    expect(extentObjects()).toBe(extents())
    await runOnce({}, { only: ['retain'] })
    const start = await startOf(log, topic)
    expect(start).toBeLessThanOrEqual(30)
    await clock.advance(8 * HOUR)
    await runOnce({}, { only: ['retain'] })
    expect(await startOf(log, topic)).toBe(35)
    expect(await startOf(log, topic, 1)).toBe(30)
    expect([extents(), extentObjects()]).toEqual([0, 0])
    await send(log, topic, ['more'], { timestamp: clock.now() })
    expect(await readAll(open(), topic, 0, 35)).toEqual(['more'])
    await clock.advance(2 * HOUR)
    await runOnce({}, { only: ['compact'] })
    expect(extents()).toBe(1)
    await log.topics.delete('t')
    expect([extents(), extentObjects()]).toEqual([0, 0])
  })

  test('are left where no item names them to the sweep', async () => {
    const { topic, runOnce, objects, clock, open } = await filled({ 'retention.ms': '-1' }, 5)
    await clock.advance(3 * HOUR)
    await runOnce({}, { only: ['compact'] })
    const key = [...objects.blobs.keys()].find(one => one.startsWith(`topics/${topic.id}/0/`))!
    const orphan = key.replace(/.{5}$/, 'AAAAA')
    objects.blobs.set(orphan, new Uint8Array(9))
    objects.blobs.set('topics/some other file', new Uint8Array(9))
    await clock.advance(3 * HOUR)
    const { findings } = await runOnce({}, { only: ['sweep'] })
    expect(findings.map(({ what }) => what)).toContain(orphan)
    expect([objects.blobs.has(orphan), objects.blobs.has(key)]).toEqual([false, true])
    expect(objects.blobs.has('topics/some other file')).toBe(true)
    expect(await readAll(open(), topic)).toHaveLength(5)
  })
})
