import { describe, expect, test } from 'vitest'
import { drain, gate, openRig, readAll, send, touchesHead } from './rig.ts'

describe('open shards', () => {
  test('more of them than are kept open may have appends under way', async () => {
    const { open, hooks } = openRig({ shardSize: 1 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 4_100 })
    const held = gate()
    hooks.write = async (operations, next) => {
      if (touchesHead(operations)) await held.promise
      return next(operations)
    }
    const sent = Array.from({ length: 4_096 }, (_, partition) => send(log, topic, ['a'], { partition }))
    await drain()
    for (let partition = 4_096; partition < 4_100; partition++) sent.push(send(log, topic, ['a'], { partition }))
    await drain()
    // Each goes behind its elder, so it may not meet a second committer of the shard.
    for (let partition = 0; partition < 4_100; partition++) sent.push(send(log, topic, ['b'], { partition }))
    await drain()
    held.resolve()
    const offsets = (await Promise.all(sent)).map(({ baseOffset }) => baseOffset)
    expect(offsets).toEqual(Array.from({ length: 8_200 }, (_, i) => (i < 4_100 ? 0 : 1)))
    for (const partition of [0, 1, 4_095, 4_099]) expect(await readAll(log, topic, partition)).toEqual(['a', 'b'])
  })

  test('appends that open as many at once keep their order', async () => {
    const { open } = openRig({ shardSize: 1 })
    const [maker, log] = [open(), open()]
    const topic = await maker.topics.create({ name: 't', partitions: 4_100 })
    const sent = ['a', 'b'].flatMap(value =>
      Array.from({ length: 4_100 }, (_, partition) => send(log, topic, [value], { partition })),
    )
    const offsets = (await Promise.all(sent)).map(({ baseOffset }) => baseOffset)
    expect(offsets).toEqual(Array.from({ length: 8_200 }, (_, i) => (i < 4_100 ? 0 : 1)))
  })
})
