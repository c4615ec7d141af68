import { describe, expect, test } from 'vitest'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type Log, LogError, openLog, type Topic } from '../../lib/log/index.ts'
import { buildBatch, readRecords, viewBatch } from '../../lib/records/index.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'

function openStores() {
  const objects = memoryObjects()
  const items = memoryItems()
  const open = () =>
    openLog({
      objects,
      items,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      flushBudget: Number.POSITIVE_INFINITY,
    })
  return { objects, items, open }
}

interface Sent {
  partition?: number
  producerId?: number
  baseSequence?: number
  producerEpoch?: number
  timestamp?: number
}

function send(log: Log, topic: Topic, values: string[], sent: Sent = {}) {
  const { partition = 0, timestamp = 1_000, ...producer } = sent
  const records = values.map(value => ({ timestamp, key: null, value: Buffer.from(value), headers: [] }))
  const identity = producer.producerId === undefined ? {} : { producerEpoch: 0, ...producer }
  const batch = buildBatch({ records, compression: 'none', ...identity })
  return log.append({ topic, partition, batch, timeoutMs: 5_000 })
}

async function readAll(log: Log, topic: Topic, partition = 0, from = 0): Promise<string[]> {
  const found: string[] = []
  for (let offset = from; ; ) {
    const { batches } = await log.read({
      topic,
      partition,
      offset,
      maxBytes: 100_000,
      atLeastOneBatch: true,
      isolation: 'read_uncommitted',
    })
    if (batches.length === 0) return found
    for (const bytes of batches) {
      for (const record of readRecords(viewBatch(bytes))) {
        if (record.offset < offset) continue
        expect(record.offset).toBe(offset)
        found.push(String(record.value))
        offset++
      }
    }
  }
}

describe('the log', () => {
  test('gives back what was appended, at the offsets told', async () => {
    const log = openStores().open()
    const topic = await log.topics.create({ name: 'flights', partitions: 20 })
    expect(await send(log, topic, ['a', 'b'])).toMatchObject({ baseOffset: 0, duplicate: false })
    expect(await send(log, topic, ['c'])).toMatchObject({ baseOffset: 2 })
    expect(await send(log, topic, ['other'], { partition: 19 })).toMatchObject({ baseOffset: 0 })
    expect(await readAll(log, topic)).toEqual(['a', 'b', 'c'])
    expect(await readAll(log, topic, 19)).toEqual(['other'])
  })

  test('is the same for another process, through chunks and a snapshot', async () => {
    const { open, items } = openStores()
    const first = open()
    const topic = await first.topics.create({ name: 't', partitions: 2 })
    const values = Array.from({ length: 1_500 }, (_, i) => `value ${i}`)
    for (const [baseSequence, value] of values.entries()) {
      await send(first, topic, [value], { producerId: 7, baseSequence })
    }
    const second = open()
    expect(await readAll(second, topic)).toEqual(values)
    expect(await readAll(second, topic, 0, 700)).toEqual(values.slice(700))
    const retried = await send(second, topic, ['value 1499'], { producerId: 7, baseSequence: 1_499 })
    expect(retried).toMatchObject({ baseOffset: 1_499, duplicate: true })
    const sizes = [...items.items.values()].filter(({ key }) => key.sk === 'head').map(({ value }) => value.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2_048)
    expect([...items.items.values()].some(({ key }) => key.sk.startsWith('c#'))).toBe(true)
  })

  test('two processes that append to one partition share its offsets', async () => {
    const { open } = openStores()
    const logs = [open(), open()]
    const topic = await logs[0]!.topics.create({ name: 't', partitions: 1 })
    const offsets = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => (await send(logs[i % 2]!, topic, [`${i}`])).baseOffset),
    )
    expect(offsets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 300 }, (_, i) => i))
    const values = await readAll(logs[0]!, topic)
    for (const [i, offset] of offsets.entries()) expect(values[offset]).toBe(`${i}`)
  })

  test('answers a repeated batch with its first offset and refuses gaps and old epochs', async () => {
    const log = openStores().open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const sent = { producerId: 1, baseSequence: 0 }
    const both = await Promise.all([send(log, topic, ['a', 'b'], sent), send(log, topic, ['a', 'b'], sent)])
    expect(both).toMatchObject([
      { baseOffset: 0, duplicate: false },
      { baseOffset: 0, duplicate: true },
    ])
    await expect(send(log, topic, ['d'], { ...sent, baseSequence: 3 })).rejects.toThrow(
      expect.objectContaining({ code: 'OUT_OF_ORDER_SEQUENCE' }),
    )
    await send(log, topic, ['c'], { ...sent, producerEpoch: 1 })
    await expect(send(log, topic, ['d'], { ...sent, baseSequence: 2 })).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_PRODUCER_EPOCH' }),
    )
    expect(await readAll(log, topic)).toEqual(['a', 'b', 'c'])
  })

  test('finds offsets by time, to the record', async () => {
    const log = openStores().open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    for (let i = 0; i < 200; i++) await send(log, topic, ['x', 'y'], { timestamp: 1_000 + i * 10 })
    const at = (timestamp: number) => log.findOffset(topic, 0, { at: 'timestamp', timestamp })
    expect(await at(0)).toEqual({ offset: 0, timestamp: 1_000 })
    expect(await at(1_995)).toEqual({ offset: 200, timestamp: 2_000 })
    expect(await at(2_990)).toEqual({ offset: 398, timestamp: 2_990 })
    expect(await at(2_991)).toEqual({ offset: -1, timestamp: -1 })
    expect(await log.findOffset(topic, 0, { at: 'max-timestamp' })).toEqual({ offset: 398, timestamp: 2_990 })
    expect(await log.findOffset(topic, 0, { at: 'latest', isolation: 'read_uncommitted' })).toMatchObject({
      offset: 400,
    })
  })

  test('wakes a waiting reader of another process', async () => {
    const { open } = openStores()
    const [writer, reader] = [open(), open()]
    const topic = await writer.topics.create({ name: 't', partitions: 1 })
    expect(await readAll(reader, topic)).toEqual([])
    const woken = reader.waitForRecords([{ topic, partition: 0, offset: 0 }], 20_000)
    await send(writer, topic, ['a'])
    await woken
    expect(await readAll(reader, topic)).toEqual(['a'])
  })

  test('refuses what is not there', async () => {
    const log = openStores().open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const read = (partition: number, offset: number) =>
      log.read({ topic, partition, offset, maxBytes: 1, atLeastOneBatch: true, isolation: 'read_uncommitted' })
    await expect(read(0, 1)).rejects.toThrow(expect.objectContaining({ code: 'OFFSET_OUT_OF_RANGE' }))
    await expect(read(1, 0)).rejects.toThrow(expect.objectContaining({ code: 'UNKNOWN_TOPIC' }))
    await expect(read(99, 0)).rejects.toThrow(expect.objectContaining({ code: 'UNKNOWN_TOPIC' }))
    await expect(send(log, topic, ['a'], { partition: 1 })).rejects.toThrow(LogError)
    await expect(log.topics.create({ name: 't', partitions: 1 })).rejects.toThrow(/exists/)
    await expect(log.topics.create({ name: 'a b', partitions: 1 })).rejects.toThrow(/character/)
  })

  test('a topic deleted and made anew starts clean', async () => {
    const { open } = openStores()
    const [log, other] = [open(), open()]
    const old = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, old, ['old'])
    await send(other, old, ['old too'])
    await log.topics.delete('t')
    expect(await log.topics.find({ name: 't' })).toBeUndefined()
    expect(await log.topics.list()).toEqual([])
    await expect(send(other, old, ['late'])).rejects.toThrow(expect.objectContaining({ code: 'UNKNOWN_TOPIC' }))
    const young = await log.topics.create({ name: 't', partitions: 1 })
    expect(young.id).not.toBe(old.id)
    expect(await readAll(log, young)).toEqual([])
  })

  test('partitions can be added, within a shard and beyond', async () => {
    const log = openStores().open()
    const topic = await log.topics.create({ name: 't', partitions: 2 })
    await send(log, topic, ['before'])
    const grown = await log.topics.addPartitions('t', 40)
    expect(grown.partitions).toBe(40)
    await send(log, topic, ['after'])
    for (const partition of [2, 15, 16, 39]) await send(log, grown, ['new'], { partition })
    expect(await readAll(log, grown)).toEqual(['before', 'after'])
    expect(await readAll(log, grown, 39)).toEqual(['new'])
    await expect(log.topics.addPartitions('t', 40)).rejects.toThrow(/already/)
  })

  test('hands out producer ids once', async () => {
    const { open } = openStores()
    const logs = [open(), open()]
    const ids = await Promise.all(Array.from({ length: 50 }, (_, i) => logs[i % 2]!.producerIds.next()))
    expect(new Set(ids).size).toBe(50)
  })

  test('writes nothing when nothing happens', async () => {
    const { open, items, objects } = openStores()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, ['a'])
    const before = [...items.items.values()].map(item => item.version)
    await readAll(log, topic)
    await log.findOffset(topic, 0, { at: 'earliest' })
    await log.waitForRecords([{ topic, partition: 0, offset: 1 }], 1)
    await log.close()
    expect([...items.items.values()].map(item => item.version)).toEqual(before)
    expect(objects.blobs.size).toBe(0)
  })
})
