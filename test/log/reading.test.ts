import { describe, expect, test } from 'vitest'
import { Loans } from '../../lib/base/index.ts'
import { readRecords, viewBatch } from '../../lib/records/index.ts'
import { PoisoningPool } from '../support/poisoning-pool.ts'
import { gate, openRig, readAll, send, spoilSegments, stateOf } from './rig.ts'

describe('reading', () => {
  test('from every offset, in pieces of every size, gives every record once', async () => {
    const { open } = openRig()
    const logs = [open(), open()]
    const topic = await logs[0]!.topics.create({ name: 't', partitions: 2 })
    const values: string[] = []
    for (let i = 0; i < 150; i++) {
      const batch = Array.from({ length: 1 + (i % 3) }, (_, j) => `${i}.${j}`)
      if (i % 5 === 4) await send(logs[i % 2]!, topic, batch, { partition: 1 })
      else values.push(...batch)
      if (i % 5 !== 4) await send(logs[i % 2]!, topic, batch)
    }
    const fresh = open()
    for (const log of [...logs, fresh]) {
      for (let from = 0; from <= values.length; from += 7) {
        for (const maxBytes of [1, 500, 1_000_000]) {
          expect(await readAll(log, topic, 0, from, maxBytes)).toEqual(values.slice(from))
        }
      }
    }
    for (const offset of [-1, values.length + 1]) {
      expect(await stateOf(readAll(fresh, topic, 0, offset))).toEqual({ refused: 'OFFSET_OUT_OF_RANGE' })
    }
  })

  test('the first batch is given where nothing else would fit', async () => {
    const { open } = openRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, ['a'])
    const asked = { topic, partition: 0, offset: 0, maxBytes: 0, isolation: 'read_uncommitted' } as const
    expect((await log.read({ ...asked, atLeastOneBatch: true })).batches).toHaveLength(1)
    expect((await log.read({ ...asked, atLeastOneBatch: false })).batches).toHaveLength(0)
  })

  test('what was lent stays as it is until it is given back; what was given, for good', async () => {
    const { open } = openRig({ readMemory: new PoisoningPool(), cacheBytesMax: 1, itemSegmentBytesMax: 0 })
    const writer = open()
    const topic = await writer.topics.create({ name: 't', partitions: 1 })
    for (const value of ['a', 'b']) await send(writer, topic, [value])
    const reader = open()
    const asked = { topic, partition: 0, maxBytes: 1, atLeastOneBatch: true, isolation: 'read_uncommitted' } as const
    const read = async (offset: number, more = {}) => (await reader.read({ ...asked, offset, ...more })).batches[0]!
    const textOf = (batch: Uint8Array) => String([...readRecords(viewBatch(batch))][0]!.value)
    const loans = new Loans()
    const [given, lent] = [await read(0), await read(0, { loans })]
    const others = await Promise.all([read(1, { loans: new Loans() }), read(1, { loans: new Loans() }), read(1)])
    expect([given, lent, ...others].map(textOf)).toEqual(['a', 'a', 'b', 'b', 'b'])
    const memory = lent.buffer
    loans.giveBack()
    const again = await read(1, { loans })
    expect(again.buffer).toBe(memory)
    expect([given, again, ...others].map(textOf)).toEqual(['a', 'b', 'b', 'b', 'b'])
  })

  test('bytes that changed in the store are refused by who did not write them', async () => {
    const { open, hooks } = openRig()
    const topic = await open().topics.create({ name: 't', partitions: 1 })
    await send(open(), topic, ['a'])
    spoilSegments(hooks, () => 30)
    expect(await stateOf(readAll(open(), topic, 0, 0))).toMatchObject({ refused: 'BAD_CRC' })
  })

  test('who has enough does not wait for what has no room, and finds it in memory next time', async () => {
    const { open, hooks } = openRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    for (const value of ['a', 'b', 'c']) await send(log, topic, [value])
    const reader = open()
    const held = gate()
    const segments: string[] = []
    hooks.get = async (key, next) => {
      if (key.pk.startsWith('g#') && segments.push(key.sk) > 1) await held.promise
      return next(key)
    }
    const bounds = { atLeastOneBatch: true, isolation: 'read_uncommitted' } as const
    const read = (offset: number, enoughBytes: number) =>
      reader.read({ topic, partition: 0, offset, maxBytes: 100, enoughBytes, ...bounds })
    const { batches } = await read(0, 1)
    expect(batches).toHaveLength(1)
    expect(batches[0]!.length).toBeGreaterThan(50)
    const patient = read(0, 100)
    held.resolve()
    expect((await patient).batches).toHaveLength(1)
    expect((await read(1, 1)).batches).toHaveLength(1)
    expect((await read(2, 1)).batches).toHaveLength(1)
    expect(new Set(segments).size).toBe(3)
    expect(segments).toHaveLength(3)
  })

  test('readers far behind push nothing out of memory that is read at the tail', async () => {
    const { open, hooks } = openRig({ cacheBytesMax: 4_096, coldCacheBytesMax: 2_048 })
    const log = open({ shardLimits: { headBytesMax: 1_200, headBytesKept: 600 } })
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const values = Array.from({ length: 200 }, (_, i) => `${i}`)
    for (const value of values) await send(log, topic, [value])
    let gets = 0
    hooks.get = (key, next) => {
      if (key.pk.startsWith('g#')) gets++
      return next(key)
    }
    expect(await readAll(log, topic, 0, 198)).toEqual(values.slice(198))
    expect(gets).toBe(0)
    const asked = { topic, partition: 0, maxBytes: 1, atLeastOneBatch: true, isolation: 'read_uncommitted' } as const
    for (let offset = 0; offset < 100; offset++) expect((await log.read({ ...asked, offset })).batches).toHaveLength(1)
    expect(gets).toBeGreaterThanOrEqual(100)
    gets = 0
    expect(await readAll(log, topic, 0, 198)).toEqual(values.slice(198))
    expect(gets).toBe(0)
  })

  test('finds offsets by times that go up and down, through chunks, as a walk over all records does', async () => {
    const { open } = openRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 2 })
    const timestamps: number[] = []
    for (let i = 0; i < 200; i++) {
      const timestamp = 1_000 + ((i * 7_919) % 613) + i
      timestamps.push(timestamp)
      await send(log, topic, ['x'], { timestamp })
      await send(log, topic, ['y'], { timestamp: 9_999_999, partition: 1 })
    }
    for (const reader of [log, open()]) {
      for (let timestamp = 990; timestamp < 1_900; timestamp += 13) {
        const offset = timestamps.findIndex(one => one >= timestamp)
        const expected = offset < 0 ? { offset: -1, timestamp: -1 } : { offset, timestamp: timestamps[offset] }
        expect(await reader.findOffset(topic, 0, { at: 'timestamp', timestamp })).toEqual(expected)
      }
      const largest = Math.max(...timestamps)
      const found = await reader.findOffset(topic, 0, { at: 'max-timestamp' })
      expect(found).toEqual({ offset: timestamps.indexOf(largest), timestamp: largest })
    }
  })

  test('a deleted topic is unknown to a reader in the middle of it, once its bytes are gone', async () => {
    const { open, items, objects } = openRig({ itemSegmentBytesMax: 0 })
    const [log, reader] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, ['a'])
    await send(log, topic, ['b'])
    expect(await stateOf(reader.findOffset(topic, 0, { at: 'earliest' }))).toMatchObject({ offset: 0 })
    await log.topics.delete('t')
    objects.blobs.clear()
    expect([...items.items.keys()].filter(key => key.includes(topic.id))).toEqual([])
    expect(await stateOf(readAll(reader, topic))).toEqual({ refused: 'UNKNOWN_TOPIC' })
  })

  test('a compressed batch read from the middle is given whole', async () => {
    const { open } = openRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, ['a', 'b', 'c'], { compression: 'zstd' })
    const asked = { topic, partition: 0, maxBytes: 1, atLeastOneBatch: true, isolation: 'read_committed' } as const
    const { batches } = await open().read({ ...asked, offset: 2 })
    expect([...readRecords(viewBatch(batches[0]!))].map(({ offset }) => offset)).toEqual([0, 1, 2])
  })
})
