import { describe, expect, test } from 'vitest'
import type { Log, Topic } from '../../lib/log/index.ts'
import type { WriteOperation } from '../../lib/storage/index.ts'
import { drain, gate, lost, openRig, readAll, type Sent, send, stateOf, throttled, touchesHead } from './rig.ts'

describe.each([{ carriesItems: false }, { carriesItems: true }])('appends in a race (%o)', options => {
  test('a commit whose answer was lost is found, and made once', async () => {
    const { open, hooks, clock } = openRig(options)
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    loseEveryOther(hooks, touchesHead)
    const all = sendAll(log, topic, 40)
    for (let i = 0; i < 100; i++) await clock.advance(50)
    const sent = await all
    expect(sent).toEqual(Array.from({ length: 40 }, (_, i) => i))
    expect(await readAll(open(), topic)).toEqual(sent.map(i => `${i}`))
  })

  test('a commit that arrives late, after its second try, changes nothing', async () => {
    const { open, hooks, items, clock } = openRig(options)
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const delayed: (readonly WriteOperation[])[] = []
    let writes = 0
    hooks.write = (operations, next) => {
      if (!touchesHead(operations) || writes++ % 2 === 1) return next(operations)
      delayed.push(operations)
      return Promise.reject(lost())
    }
    const all = sendAll(log, topic, 20)
    for (let i = 0; i < 100; i++) await clock.advance(50)
    await all
    for (const operations of delayed) expect((await items.write(operations)).written).toBe(false)
    expect(await readAll(open(), topic)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`))
  })

  test('every write delivered again minutes later changes nothing', async () => {
    const { open, hooks, items } = openRig(options)
    const logs = [open(), open()]
    const topic = await logs[0]!.topics.create({ name: 't', partitions: 2 })
    const writes: (readonly WriteOperation[])[] = []
    hooks.write = (operations, next) => {
      writes.push(operations)
      return next(operations)
    }
    for (let i = 0; i < 60; i++) await send(logs[i % 2]!, topic, [`${i}`], { producerId: 7, baseSequence: i })
    const before = new Map(items.items)
    for (const operations of writes) await items.write(operations)
    expect(items.items).toEqual(before)
    expect(await readAll(open(), topic)).toEqual(Array.from({ length: 60 }, (_, i) => `${i}`))
  })

  test('a caller who stopped waiting while the fate was unknown and sends again gets the first offset', async () => {
    const { open, hooks, clock } = openRig(options)
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const identity = { producerId: 7, baseSequence: 0 }
    let storm = true
    hooks.write = async (operations, next) => {
      const outcome = await next(operations)
      if (storm && touchesHead(operations)) throw lost()
      return outcome
    }
    hooks.get = (key, next) => (storm && key.sk === 'head' ? Promise.reject(throttled()) : next(key))
    storm = false
    await send(log, topic, ['opens the shard'])
    storm = true
    const first = send(log, topic, ['a', 'b'], { ...identity, timeoutMs: 100 })
    await drain()
    await clock.advance(5_000, 20)
    storm = false
    await clock.advance(5_000, 20)
    const second = send(log, topic, ['a', 'b'], identity)
    await clock.advance(5_000, 20)
    // The conflict may have told the fate before the time was over.
    expect([{ refused: 'REQUEST_TIMED_OUT' }, expect.objectContaining({ baseOffset: 1 })]).toContainEqual(
      await stateOf(first),
    )
    expect(await stateOf(second)).toMatchObject({ baseOffset: 1, duplicate: true })
    expect(await readAll(open(), topic)).toEqual(['opens the shard', 'a', 'b'])
  })

  test('batches of one producer keep their order across segments whose puts end in any order', async () => {
    const { open, hooks } = openRig({ ...options, itemSegmentBytesMax: 0, segmentBytesMax: 1 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, ['first'])
    const puts: (() => void)[] = []
    hooks.put = async (key, parts, next) => {
      const held = gate()
      puts.push(held.resolve)
      await held.promise
      return next(key, parts)
    }
    const plain = Array.from({ length: 3 }, (_, i) => send(log, topic, [`p${i}`]))
    const idempotent = Array.from({ length: 3 }, (_, i) =>
      send(log, topic, [`i${i}`], { producerId: 7, baseSequence: i }),
    )
    await drain()
    expect(puts).toHaveLength(6)
    for (const release of puts.toReversed()) {
      release()
      await drain()
    }
    const answers = await Promise.all([...plain, ...idempotent])
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([1, 2, 3, 4, 5, 6])
    expect(await readAll(open(), topic)).toEqual(['first', 'p0', 'p1', 'p2', 'i0', 'i1', 'i2'])
  })

  test('a process frozen in a commit finds it through the chunks that others wrote meanwhile', async () => {
    const { open, hooks } = openRig(options)
    const [frozen, other] = [open(), open()]
    const topic = await frozen.topics.create({ name: 't', partitions: 3 })
    await send(frozen, topic, ['opens the shard'])
    const thaw = gate()
    let freezes = true
    hooks.write = async (operations, next) => {
      const outcome = await next(operations)
      if (!freezes || !touchesHead(operations)) return outcome
      freezes = false
      await thaw.promise
      throw lost()
    }
    const late = [send(frozen, topic, ['late']), send(frozen, topic, ['late too'], { partition: 2 })]
    await drain()
    for (let i = 0; i < 300; i++) await send(other, topic, [`${i}`], { partition: i % 2 })
    thaw.resolve()
    expect(await Promise.all(late)).toMatchObject([{ baseOffset: 1 }, { baseOffset: 0 }])
    expect((await readAll(open(), topic)).slice(0, 3)).toEqual(['opens the shard', 'late', '0'])
    expect(await readAll(frozen, topic)).toEqual(await readAll(open(), topic))
  })

  test('a put that fails for good takes only its own batches with it', async () => {
    const { open, hooks, clock } = openRig({ ...options, itemSegmentBytesMax: 0, segmentBytesMax: 1 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const broken = new Set<string>()
    hooks.put = (key, parts, next) => {
      if (broken.size === 0) broken.add(key)
      return broken.has(key) ? Promise.reject(throttled()) : next(key, parts)
    }
    const sent = ['a', 'b', 'c'].map((value, i) =>
      send(
        log,
        topic,
        [value],
        i === 0 ? { timeoutMs: 60_000 } : { timeoutMs: 60_000, producerId: i, baseSequence: 0 },
      ),
    )
    await drain()
    await clock.advance(30_000, 50)
    expect(await stateOf(sent[0]!)).toEqual({ refused: 'STORE_THROTTLED' })
    expect(await stateOf(Promise.all(sent.slice(1)))).toMatchObject([{ baseOffset: 0 }, { baseOffset: 1 }])
  })

  test('a refusal is given though the head changes at every look', async () => {
    const { open, hooks } = openRig(options)
    const [log, other] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, ['a'], { producerId: 7, baseSequence: 0 })
    await send(other, topic, ['b'])
    let looks = 0
    hooks.get = async (key, next) => {
      if (key.sk === 'head' && looks++ < 200) await send(other, topic, ['b'])
      return next(key)
    }
    await expect(send(log, topic, ['gap'], { producerId: 7, baseSequence: 5 })).rejects.toThrow(
      expect.objectContaining({ code: 'OUT_OF_ORDER_SEQUENCE' }),
    )
    expect(looks).toBeLessThan(100)
  })
})

function loseEveryOther(
  hooks: ReturnType<typeof openRig>['hooks'],
  isOurs: (operations: readonly WriteOperation[]) => boolean,
): void {
  let count = 0
  hooks.write = async (operations, next) => {
    const outcome = await next(operations)
    if (isOurs(operations) && count++ % 2 === 0) throw lost()
    return outcome
  }
}

/** Their base offsets. */
async function sendAll(log: Log, topic: Topic, count: number, sent: Sent = {}): Promise<number[]> {
  const answers = Array.from({ length: count }, async (_, i) => {
    for (let turn = 0; turn < i; turn++) await Promise.resolve()
    return (await send(log, topic, [`${i}`], { timeoutMs: 60_000, ...sent })).baseOffset
  })
  return Promise.all(answers)
}
