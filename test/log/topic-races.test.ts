import { describe, expect, test } from 'vitest'
import { drain, gate, lost, openRig, readAll, send, stateOf, throttled } from './rig.ts'

const UNKNOWN = { refused: 'UNKNOWN_TOPIC' }

describe('topics in a race', () => {
  test('a deletion whose last step is refused once leaves nothing behind', async () => {
    const { open, items, hooks, clock } = openRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, ['a'])
    let refused = 0
    hooks.write = (operations, next) => {
      const removesTopic = operations.some(({ kind, key }) => kind === 'delete' && key.sk === 'topic')
      return removesTopic && refused++ === 0 ? Promise.reject(throttled()) : next(operations)
    }
    await clock.passUntil(log.topics.delete('t').catch(() => log.topics.create({ name: 't', partitions: 1 })))
    expect(refused).toBeGreaterThan(0)
    expect(await open().topics.find({ id: topic.id })).toBeUndefined()
    expect([...items.items.keys()].filter(key => key.includes(topic.id))).toEqual([])
  })

  test('partitions added while the topic is deleted do not bring it back', async () => {
    for (const partitions of [2, 40]) {
      const { open, items, hooks } = openRig()
      const [adder, deleter] = [open(), open()]
      const topic = await adder.topics.create({ name: 't', partitions: 1 })
      await send(adder, topic, ['a'])
      const held = gate()
      let holds = true
      hooks.write = async (operations, next) => {
        if (holds && operations.some(({ key }) => key.sk === 'head' && key.pk.includes(topic.id))) {
          holds = false
          await held.promise
        }
        return next(operations)
      }
      const added = adder.topics.addPartitions('t', partitions)
      added.catch(() => undefined)
      await drain()
      await deleter.topics.delete('t')
      held.resolve()
      expect(await stateOf(added)).toEqual(UNKNOWN)
      expect(await stateOf(send(open(), topic, ['ghost']))).toEqual(UNKNOWN)
      expect([...items.items.keys()].filter(key => key.includes(topic.id))).toEqual([])
    }
  })

  test('partitions added between the seals and the end of a deletion do not keep the topic', async () => {
    const { open, items, hooks } = openRig()
    const [adder, deleter] = [open(), open()]
    const topic = await adder.topics.create({ name: 't', partitions: 1 })
    const held = gate()
    hooks.write = async (operations, next) => {
      if (operations.some(({ kind, key }) => kind === 'delete' && key.sk === 'topic')) await held.promise
      return next(operations)
    }
    const atNames = gate()
    let reads = 0
    hooks.get = async (key, next) => {
      const item = await next(key)
      if (key.sk === 'topic' && reads++ === 0) await atNames.promise
      return item
    }
    const added = adder.topics.addPartitions('t', 40)
    added.catch(() => undefined)
    await drain()
    const deleted = deleter.topics.delete('t')
    await drain()
    atNames.resolve()
    await drain()
    held.resolve()
    await deleted
    expect(await stateOf(added)).toEqual(UNKNOWN)
    expect(await open().topics.find({ id: topic.id })).toBeUndefined()
    expect([...items.items.keys()].filter(key => key.includes(topic.id))).toEqual([])
  })

  test('a deletion takes the heads of an addition that stopped half way', async () => {
    const { open, items, hooks } = openRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    let writes = 0
    hooks.write = (operations, next) => (++writes > 3 ? new Promise<never>(() => {}) : next(operations))
    void log.topics.addPartitions('t', 100)
    await drain()
    hooks.write = (operations, next) => next(operations)
    await open().topics.delete('t')
    expect([...items.items.keys()].filter(key => key.includes(topic.id))).toEqual([])
  })

  test('a deletion whose answer was lost does not delete the next topic of that name', async () => {
    const { open, hooks, clock } = openRig()
    const [deleter, other] = [open(), open()]
    await deleter.topics.create({ name: 't', partitions: 1 })
    let first = true
    hooks.write = async (operations, next) => {
      if (!first) return next(operations)
      first = false
      await next(operations)
      // Another process finishes the deletion, and makes the name anew, before ours hears of anything.
      await other.topics.create({ name: 't', partitions: 1 })
      throw lost()
    }
    await clock.passUntil(deleter.topics.delete('t'))
    expect(await open().topics.find({ name: 't' })).toBeDefined()
  })

  test('a creation that arrives again later does not bring the topic back', async () => {
    const { open, items, hooks } = openRig()
    const log = open()
    const writes: Parameters<typeof items.write>[0][] = []
    hooks.write = (operations, next) => {
      writes.push(operations)
      return next(operations)
    }
    const topic = await log.topics.create({ name: 't', partitions: 300 })
    await log.topics.addPartitions('t', 400)
    await log.topics.delete('t')
    for (const operations of writes) await items.write(operations)
    expect(await open().topics.list()).toEqual([])
    expect(await stateOf(send(open(), topic, ['ghost']))).toEqual(UNKNOWN)
  })

  test('the list of topics is read strongly', async () => {
    const { open } = openRig()
    const [one, other] = [open(), open()]
    await one.topics.create({ name: 't', partitions: 1 })
    expect(await other.topics.list()).toMatchObject([{ partitions: 1 }])
    await one.topics.addPartitions('t', 3)
    expect(await other.topics.list()).toMatchObject([{ partitions: 3 }])
  })

  test('an answer that was long under way is not believed as if it were new', async () => {
    const { open, hooks, clock } = openRig()
    const [one, other] = [open(), open()]
    await one.topics.create({ name: 't', partitions: 1 })
    const held = gate()
    hooks.get = async (key, next) => {
      const item = await next(key)
      if (key.sk === 'topic') await held.promise
      return item
    }
    const late = other.topics.find({ name: 't' })
    await drain()
    hooks.get = (key, next) => next(key)
    await one.topics.addPartitions('t', 3)
    await clock.advance(60_000)
    held.resolve()
    await late
    expect(await other.topics.find({ name: 't' })).toMatchObject({ partitions: 3 })
  })

  test('a store that refuses every delete ends the deletion with an error', async () => {
    const { open, hooks, clock } = openRig()
    const log = open()
    await log.topics.create({ name: 't', partitions: 1 })
    let tries = 0
    hooks.write = async (operations, next) => {
      if (!operations.some(({ kind }) => kind === 'delete')) return next(operations)
      if (++tries > 1_000) throw new Error('it never ends')
      throw throttled()
    }
    const deleted = clock.passUntil(log.topics.delete('t'))
    await expect(deleted).rejects.toThrow(expect.objectContaining({ code: 'STORE_THROTTLED' }))
  })

  test('a partition that was added is not refused because somebody asked too early', async () => {
    const { open, hooks } = openRig()
    const [log, other] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const held = gate()
    hooks.get = async (key, next) => {
      hooks.get = (later, get) => get(later)
      const item = await next(key)
      await held.promise
      return item
    }
    const early = readAll(log, topic, 16).catch(() => [])
    await drain()
    const grown = await other.topics.addPartitions('t', 17)
    const sent = send(log, grown, ['a'], { partition: 16 })
    await drain()
    held.resolve()
    await early
    expect(await stateOf(sent)).toMatchObject({ baseOffset: 0 })
  })

  test('a writer whose topic is deleted under it is told so, once and for all', async () => {
    const { open, hooks } = openRig()
    const [writer, deleter] = [open(), open()]
    const topic = await writer.topics.create({ name: 't', partitions: 1 })
    await send(writer, topic, ['a'])
    const held = gate()
    hooks.write = async (operations, next) => {
      if (operations[0]?.key.sk === 'head' && operations[0].kind === 'put') {
        hooks.write = (more, write) => write(more)
        await held.promise
      }
      return next(operations)
    }
    const late = send(writer, topic, ['late'])
    await drain()
    await deleter.topics.delete('t')
    held.resolve()
    expect(await stateOf(late)).toEqual(UNKNOWN)
    expect(await stateOf(readAll(writer, topic, 0, 1))).toEqual(UNKNOWN)
  })
})

describe('a topic under load', () => {
  test('grows and goes though its heads change at every look', async () => {
    const { open, hooks, clock } = openRig()
    const [writer, admin] = [open(), open()]
    const topic = await writer.topics.create({ name: 't', partitions: 1 })
    await send(writer, topic, ['a'])
    let looks = 0
    let writing = false
    hooks.get = async (key, next) => {
      const item = await next(key)
      if (key.sk !== 'head' || writing || ++looks % 31 === 0) return item
      // Between the look and the change comes somebody's commit: 30 times in a row is nothing at a hot topic.
      writing = true
      await send(writer, topic, ['b']).catch(() => undefined)
      writing = false
      return item
    }
    await clock.passUntil(admin.topics.addPartitions('t', 2))
    await clock.passUntil(admin.topics.delete('t'))
    expect(await admin.topics.list()).toEqual([])
  })
})
