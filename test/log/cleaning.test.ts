/** cleanup.policy=compact, and the merging of extents. */
import { describe, expect, test } from 'vitest'
import type { Log, LogOptions, Topic } from '../../lib/log/index.ts'
import { buildBatch, COMPRESSIONS, type Compression, readRecords, viewBatch } from '../../lib/records/index.ts'
import { drain, openRig } from './rig.ts'

const EAGER: Partial<LogOptions> = {
  compaction: {
    dueBytes: 0,
    dueMs: -3_600_000,
    roundBytesMax: 700,
    bytesPerSecondMax: Number.POSITIVE_INFINITY,
    mergeCountMin: 3,
  },
  shardLimits: { headBytesMax: 400, headBytesKept: 100, chunkBytesMax: 300, snapshotIntervalCommits: 7 },
}

interface Entry {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp?: number
}

async function put(log: Log, topic: Topic, entries: readonly Entry[], compression: Compression = 'none') {
  const records = entries.map(({ key, value, timestamp = 1_000 }) => ({
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    timestamp,
    headers: [{ key: 'about', value: Buffer.from(`${key}`) }],
  }))
  return log.append({ topic, partition: 0, batch: buildBatch({ records, compression }), timeoutMs: 3_000_000 })
}

interface Kept {
  readonly offset: number
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}

async function contents(log: Log, topic: Topic): Promise<Kept[]> {
  const kept: Kept[] = []
  for (let offset = 0; ; ) {
    const asked = { offset, maxBytes: 1_000, atLeastOneBatch: true, isolation: 'read_committed' } as const
    const { batches } = await log.read({ topic, partition: 0, ...asked })
    if (batches.length === 0) return kept
    for (const batch of batches.map(bytes => viewBatch(bytes))) {
      for (const { offset: at, key, value, timestamp, headers } of readRecords(batch)) {
        expect(headers).toEqual([{ key: 'about', value: key }])
        if (at >= offset)
          kept.push({ offset: at, key: String(key), value: value === null ? null : String(value), timestamp })
      }
      offset = batch.baseOffset + batch.lastOffsetDelta + 1
    }
  }
}

/** The last of each key, as the policy promises. */
function lastOfEach(all: readonly Kept[]): Kept[] {
  const last = new Map(all.map(record => [record.key, record.offset]))
  return all.filter(({ key, offset }) => last.get(key) === offset)
}

async function compactedTopic(log: Log, configs: Record<string, string> = {}): Promise<Topic> {
  return log.topics.create({
    name: 't',
    partitions: 1,
    configs: { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0', ...configs },
  })
}

describe('cleanup.policy=compact', () => {
  test.each([
    { keysMax: 100_000, extentBytesMax: 1_000_000 },
    { keysMax: 3, extentBytesMax: 1_000_000 },
    { keysMax: 7, extentBytesMax: 900 },
    { keysMax: 2, extentBytesMax: 1 },
  ])('keeps the last record of each key at its offset, whatever memory there is (%o)', async limits => {
    const { open } = openRig({ ...EAGER, compaction: { ...EAGER.compaction, ...limits } })
    const log = open()
    const topic = await compactedTopic(log)
    let seed = 7
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 20; i++) {
        seed = (seed * 48_271) % 0x7fffffff
        const entries = Array.from({ length: 1 + (seed % 4) }, (_, at) => ({
          key: `k${(seed >> (at + 2)) % 17}`,
          value: `v${round}-${i}-${at}`,
          timestamp: 1_000 + i,
        }))
        await put(log, topic, entries, COMPRESSIONS[i % COMPRESSIONS.length])
      }
      const before = await contents(log, topic)
      await log.compaction.compactShard(topic, 0)
      const after = await contents(log, topic)
      for (const reader of [log, open()]) expect(await contents(reader, topic)).toEqual(after)
      expect(after).toEqual(lastOfEach(before))
    }
  })

  test('a tombstone stays for delete.retention.ms after it was met, then goes', async () => {
    const { open, clock } = openRig(EAGER)
    const log = open()
    const topic = await compactedTopic(log, { 'delete.retention.ms': '60000' })
    const keep = async (more: readonly Entry[]) => {
      for (const entry of more) await put(log, topic, [entry])
      await log.compaction.compactShard(topic, 0)
      return (await contents(open(), topic)).map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`)
    }
    expect(
      await keep([
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
        { key: 'a', value: null, timestamp: 1_500 },
      ]),
    ).toEqual(['b=2@1000', 'a=null@1500'])
    await clock.advance(30_000)
    expect(await keep([{ key: 'c', value: '3' }])).toEqual(['b=2@1000', 'a=null@1500', 'c=3@1000'])
    await clock.advance(31_000)
    expect(await keep([{ key: 'd', value: '4' }])).toEqual(['b=2@1000', 'c=3@1000', 'd=4@1000'])
  })

  test('a deleted key stays deleted for a process that has read its extents before', async () => {
    const { open, clock } = openRig(EAGER)
    const log = open()
    const reader = open()
    const topic = await compactedTopic(log, { 'delete.retention.ms': '60000' })
    const compact = async (entry: Entry) => {
      await put(log, topic, [entry])
      await log.compaction.compactShard(topic, 0)
    }
    const read = async () => (await contents(reader, topic)).map(({ key, value }) => `${key}=${value}`)
    await compact({ key: 'a', value: '1' })
    expect(await read()).toEqual(['a=1'])
    await compact({ key: 'a', value: null })
    await clock.advance(61_000)
    await compact({ key: 'b', value: '2' })
    expect(await read()).toEqual(['b=2'])
  })

  test('records younger than min.compaction.lag.ms stay', async () => {
    const { open, clock } = openRig(EAGER)
    const log = open()
    const topic = await compactedTopic(log, { 'min.compaction.lag.ms': '60000' })
    for (let i = 0; i < 4; i++) await put(log, topic, [{ key: 'a', value: `${i}`, timestamp: clock.now() }])
    await log.compaction.compactShard(topic, 0)
    expect(await contents(log, topic)).toHaveLength(4)
    await clock.advance(61_000)
    await put(log, topic, [{ key: 'b', value: 'new', timestamp: clock.now() }])
    await log.compaction.compactShard(topic, 0)
    expect((await contents(log, topic)).map(({ value }) => value)).toEqual(['3', 'new'])
  })

  test('waits until min.cleanable.dirty.ratio of the topic is dirty, or max.compaction.lag.ms has passed', async () => {
    const { open, clock } = openRig(EAGER)
    const log = open()
    const topic = await compactedTopic(log, { 'min.cleanable.dirty.ratio': '0.5', 'max.compaction.lag.ms': '600000' })
    for (let i = 0; i < 20; i++) await put(log, topic, [{ key: `k${i}`, value: 'first', timestamp: clock.now() }])
    await log.compaction.compactShard(topic, 0)
    await put(log, topic, [{ key: 'k3', value: 'second', timestamp: clock.now() }])
    await log.compaction.compactShard(topic, 0)
    expect(await contents(log, topic)).toHaveLength(21)
    await clock.advance(700_000)
    await put(log, topic, [{ key: 'k4', value: 'third', timestamp: clock.now() }])
    await log.compaction.compactShard(topic, 0)
    expect(await contents(log, topic)).toHaveLength(20)
  })

  test('refuses records without a key', async () => {
    const { open } = openRig(EAGER)
    const log = open()
    const topic = await compactedTopic(log)
    await expect(put(log, topic, [{ key: null, value: 'x' }])).rejects.toMatchObject({
      code: expect.stringMatching(/MISSING_KEY|INVALID_RECORD/),
    })
  })

  test('a run that is stopped at any write leaves the same records', async () => {
    for (let stop = 0; stop < 12; stop++) {
      const { open, hooks, clock } = openRig(EAGER)
      const log = open()
      const topic = await compactedTopic(log)
      for (let i = 0; i < 40; i++) await put(log, topic, [{ key: `k${i % 7}`, value: `${i}` }])
      const before = await contents(log, topic)
      let writes = 0
      hooks.write = (operations, next) => (writes++ >= stop ? new Promise(() => undefined) : next(operations))
      void log.compaction.compactShard(topic, 0)
      await clock.advance(1_000, 100)
      hooks.write = (operations, next) => next(operations)
      const other = open()
      const between = await contents(other, topic)
      expect(lastOfEach(between)).toEqual(lastOfEach(before))
      await put(other, topic, [{ key: 'k0', value: 'last' }])
      await other.compaction.compactShard(topic, 0)
      expect((await contents(open(), topic)).map(({ value }) => value)).toEqual([
        '33',
        '34',
        '36',
        '37',
        '38',
        '39',
        'last',
      ])
    }
  })

  test.each([1, 2, 3, 4, 5, 6])('three processes append, compact and clean at once (%i)', async seed => {
    const { open, hooks, clock } = openRig({ ...EAGER, compaction: { ...EAGER.compaction, keysMax: 5 } })
    let drawn = seed
    const draw = (below: number) => {
      drawn = (drawn * 48_271) % 0x7fffffff
      return drawn % below
    }
    const slowly = async <T>(work: () => Promise<T>): Promise<T> => {
      for (let turns = draw(6); turns > 0; turns--) await drain()
      return work()
    }
    hooks.write = (operations, next) => slowly(() => next(operations))
    hooks.put = (key, parts, next) => slowly(() => next(key, parts))
    hooks.get = (key, next) => slowly(() => next(key))
    const logs = [open(), open(), open()]
    const topic = await compactedTopic(logs[0]!)
    const sent: Kept[] = []
    const produce = async (log: Log, name: string) => {
      for (let i = 0; i < 25; i++) {
        const [key, value] = [`k${draw(7)}`, `${name}-${i}`]
        const { baseOffset } = await put(log, topic, [{ key, value }])
        sent.push({ offset: baseOffset, key, value, timestamp: 1_000 })
      }
    }
    const compact = async (log: Log) => {
      for (let i = 0; i < 8; i++) await log.compaction.compactShard(topic, 0)
    }
    await clock.passUntil(
      Promise.all([...logs.map((log, i) => produce(log, `p${i}`)), ...logs.map(log => compact(log).catch(failIfBug))]),
    )
    await clock.passUntil(logs[0]!.compaction.compactShard(topic, 0))
    const expected = lastOfEach(sent.toSorted((a, b) => a.offset - b.offset))
    for (const log of [...logs, open()]) expect(await clock.passUntil(contents(log, topic))).toEqual(expected)
  })
})

/** An extent may be replaced while it is read. */
function failIfBug(error: unknown): void {
  expect(error).toMatchObject({ code: 'REQUEST_TIMED_OUT' })
}

describe('merging', () => {
  test('small extents become large ones with the same records, and few stay', async () => {
    const { open, items, objects } = openRig(EAGER)
    const [log, reader] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    for (let round = 0; round < 30; round++) {
      for (let i = 0; i < 10; i++) await put(log, topic, [{ key: `k${i}`, value: `${round}` }])
      await log.compaction.compactShard(topic, 0)
      if (round % 10 === 0) await contents(reader, topic)
    }
    const extents = () => [...items.items.values()].filter(({ key }) => key.pk.startsWith('x#'))
    expect(extents().length).toBeLessThan(12)
    const kept = await contents(log, topic)
    expect(kept).toHaveLength(300)
    for (const one of [reader, open()]) expect(await contents(one, topic)).toEqual(kept)
    // Whoever knew a replaced extent finds its object gone, and asks again.
    const named = new Set(extents().map(({ value }) => Buffer.from(value).toString('latin1')))
    for (const key of [...objects.blobs.keys()])
      if (key.startsWith('topics/') && ![...named].some(text => text.includes(key))) objects.blobs.delete(key)
    for (const one of [reader, open()]) expect(await contents(one, topic)).toEqual(kept)
  })
})
