import { describe, expect, test } from 'vitest'
import { decodeExtent } from '../../lib/log/extent/extent-item.ts'
import type { LogOptions } from '../../lib/log/index.ts'
import { readAll, send } from './rig.ts'
import { HOUR, openUpkeepRig } from './upkeep-rig.ts'

const DAY = 24 * HOUR
const KEPT = { 'retention.ms': '-1', 'varve.storage.class.after.ms': String(30 * DAY) }

/** Commits are due after an hour, extents of any size are worth a storage class. */
function openAged(compaction: LogOptions['compaction'] = {}) {
  const rig = openUpkeepRig({ compaction: { dueMs: HOUR, classBytesMin: 1, mergeCountMin: 1_000, ...compaction } })
  const extents = () =>
    [...rig.items.items.values()].filter(({ key }) => key.pk.startsWith('x#')).map(({ value }) => decodeExtent(value))
  const upkeep = () => rig.runOnce({ graceMs: 0 }, { only: ['compact', 'sweep'] })
  const writes = { count: 0 }
  rig.hooks.write = (operations, next) => {
    writes.count++
    return next(operations)
  }
  rig.hooks.put = (key, parts, next) => {
    writes.count++
    return next(key, parts)
  }
  return { ...rig, extents, upkeep, writes }
}

describe('storage classes', () => {
  test('old extents are moved once, read as before, and then nothing is written', async () => {
    const { open, clock, extents, upkeep, objects, writes } = openAged()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    const sent: string[] = []
    for (let day = 0; day < 3; day++) {
      sent.push(`${day}`)
      await clock.passUntil(send(log, topic, [`${day}`], { timestamp: clock.now() }))
      clock.jump(2 * HOUR)
      await upkeep()
      clock.jump(DAY)
    }
    const young = extents()
    expect(young.map(({ storageClass }) => storageClass)).toEqual([undefined, undefined, undefined])
    clock.jump(27 * DAY)
    expect(await clock.passUntil(readAll(open(), topic))).toEqual(sent)

    await upkeep()
    clock.jump(HOUR)
    await upkeep()
    const [moved, ...rest] = extents()
    expect(moved).toMatchObject({ from: 0, to: 1, storageClass: 'STANDARD_IA' })
    expect(rest).toEqual(young.slice(1))
    expect(objects.classes).toEqual(new Map([[moved!.object, 'STANDARD_IA']]))
    expect(objects.blobs.has(young[0]!.object)).toBe(false)
    for (const reader of [log, open()]) expect(await clock.passUntil(readAll(reader, topic))).toEqual(sent)

    clock.jump(5 * DAY)
    await upkeep()
    clock.jump(HOUR)
    await upkeep()
    // The two that were left have become one.
    expect(extents()).toMatchObject([moved, { from: 1, to: 3, storageClass: 'STANDARD_IA' }])
    for (const reader of [log, open()]) expect(await clock.passUntil(readAll(reader, topic))).toEqual(sent)

    const settled = extents()
    writes.count = 0
    for (let day = 0; day < 3; day++) {
      clock.jump(100 * DAY)
      await upkeep()
    }
    expect(extents()).toEqual(settled)
    // The sweep keeps where it looked from once a day.
    const { findings } = await upkeep()
    expect(findings).toEqual([])
    writes.count = 0
    await upkeep()
    expect(writes.count).toBe(0)
  })

  test('records that are old when they are compacted go into the class at once', async () => {
    const { open, clock, extents, upkeep, objects } = openAged()
    const log = open()
    const configs = { ...KEPT, 'varve.storage.class': 'GLACIER_IR' }
    const topic = await log.topics.create({ name: 't', partitions: 1, configs })
    await clock.passUntil(send(log, topic, ['old'], { timestamp: 1_000 }))
    clock.jump(2 * HOUR)
    await upkeep()
    expect(extents()).toMatchObject([{ from: 0, to: 1, storageClass: 'GLACIER_IR' }])
    expect([...objects.classes.values()]).toEqual(['GLACIER_IR'])
    expect(await clock.passUntil(readAll(open(), topic))).toEqual(['old'])
  })

  test('what is too small stays until its neighbours are as old, and a newer record keeps its extent', async () => {
    const { open, clock, extents, upkeep } = openAged({ classBytesMin: 100 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    for (const timestamp of [1_000, 2_000]) {
      await clock.passUntil(send(log, topic, ['a record'], { timestamp }))
      clock.jump(2 * HOUR)
      await upkeep()
      if (timestamp === 1_000) expect(extents()).toMatchObject([{ from: 0, to: 1 }])
      if (timestamp === 1_000) expect(extents()[0]).not.toHaveProperty('storageClass')
    }
    expect(extents()).toMatchObject([{ from: 0, to: 2, storageClass: 'STANDARD_IA' }])
    await clock.passUntil(send(log, topic, ['x'.repeat(200)], { timestamp: clock.now() }))
    clock.jump(2 * HOUR)
    await upkeep()
    expect(extents()[1]).not.toHaveProperty('storageClass')
  })

  test('what a fork shares stays where it lies', async () => {
    const { open, clock, extents, upkeep } = openAged()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    await clock.passUntil(send(log, topic, ['shared'], { timestamp: clock.now() }))
    clock.jump(2 * HOUR)
    await upkeep()
    const fork = await clock.passUntil(log.fork({ from: 't', name: 'f', at: { at: 'latest' } }))
    clock.jump(40 * DAY)
    await upkeep()
    expect(extents().map(({ shared, storageClass }) => ({ shared, storageClass }))).toEqual([
      { shared: true, storageClass: undefined },
      { shared: true, storageClass: undefined },
    ])
    expect(await clock.passUntil(readAll(open(), fork))).toEqual(['shared'])
  })

  test('a fork of what lies in a class is read like its source', async () => {
    const { open, clock, extents, upkeep } = openAged()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    for (const value of ['a', 'b']) await clock.passUntil(send(log, topic, [value], { timestamp: 1_000 }))
    clock.jump(2 * HOUR)
    await upkeep()
    const fork = await clock.passUntil(
      log.fork({ from: 't', name: 'f', at: { at: 'offsets', offsets: new Map([[0, 1]]) } }),
    )
    expect(extents().map(({ to, storageClass }) => ({ to, storageClass }))).toEqual([
      { to: 2, storageClass: 'STANDARD_IA' },
      { to: 1, storageClass: 'STANDARD_IA' },
    ])
    expect(await clock.passUntil(readAll(open(), fork))).toEqual(['a'])
  })

  test('a dry run says what is due', async () => {
    const { open, clock, extents, upkeep, runOnce } = openAged()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1, configs: KEPT })
    await clock.passUntil(send(log, topic, ['a'], { timestamp: clock.now() }))
    clock.jump(2 * HOUR)
    await upkeep()
    clock.jump(31 * DAY)
    const before = extents()
    const { findings } = await runOnce({}, { only: ['compact'], dry: true })
    expect(findings).toMatchObject([{ what: 't, shard 0', why: 'old extents are due in another storage class' }])
    expect(extents()).toEqual(before)
  })

  test('compacted topics have none', async () => {
    const { open } = openAged()
    const { topics } = open()
    const configs = { ...KEPT, 'cleanup.policy': 'compact' }
    await expect(topics.create({ name: 't', partitions: 1, configs })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('cleanup.policy=compact'),
    })
  })
})
