import { describe, expect, test } from 'vitest'
import { Loans } from '../../lib/base/index.ts'
import type { Log, LogOptions, Topic } from '../../lib/log/index.ts'
import { readRecords, viewBatch } from '../../lib/records/index.ts'
import type { WriteOperation } from '../../lib/storage/index.ts'
import { drain, gate, lost, openRig, send, spoilSegments, stateOf, throttled, touchesHead } from './rig.ts'

/** Everything is due at once, in small rounds. */
const EAGER: Partial<LogOptions> = {
  compaction: { dueBytes: 0, dueMs: -3_600_000, roundBytesMax: 2_000, bytesPerSecondMax: Number.POSITIVE_INFINITY },
  shardLimits: { headBytesMax: 400, headBytesKept: 100, chunkBytesMax: 300, snapshotIntervalCommits: 7 },
}

interface Found {
  readonly offset: number
  readonly value: string
}

/** As Kafka's clients read: on from the last offset of each batch, without what an aborted transaction left. */
async function readFrom(
  log: Log,
  topic: Topic,
  options: {
    from?: number
    partition?: number
    maxBytes?: number
    isolation?: 'read_committed' | 'read_uncommitted'
  } = {},
): Promise<Found[]> {
  const { from = 0, partition = 0, maxBytes = 100_000, isolation = 'read_uncommitted' } = options
  const found: Found[] = []
  for (let offset = from; ; ) {
    const { batches, abortedTransactions } = await log.read({
      topic,
      partition,
      offset,
      maxBytes,
      atLeastOneBatch: true,
      isolation,
    })
    if (batches.length === 0) return found
    const begun = abortedTransactions.toSorted((a, b) => a.firstOffset - b.firstOffset)
    const aborting = new Set<number>()
    for (const batch of batches.map(bytes => viewBatch(bytes))) {
      const last = batch.baseOffset + batch.lastOffsetDelta
      if (last < offset) throw new Error(`a batch that ends at ${last}, where ${offset} is next`)
      while (begun[0] && begun[0].firstOffset <= last) aborting.add(begun.shift()!.producerId)
      if (batch.isControl) aborting.delete(batch.producerId)
      else if (!batch.isTransactional || !aborting.has(batch.producerId))
        for (const record of readRecords(batch))
          if (record.offset >= offset) found.push({ offset: record.offset, value: String(record.value) })
      offset = last + 1
    }
  }
}

async function fill(log: Log, topic: Topic, count: number, name = ''): Promise<void> {
  for (let i = 0; i < count; i++)
    await send(log, topic, [`${name}${i}a`, `${name}${i}b`], {
      partition: i % topic.partitions,
      timestamp: 1_000 + ((i * 7) % 50),
    })
}

describe('compaction', () => {
  test('copies nothing that a bad read has brought into memory', async () => {
    const { open, hooks } = openRig({ ...EAGER, cacheBytesMax: 1_000 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await fill(log, topic, 2)
    const { get } = hooks
    spoilSegments(hooks, segment => segment.indexOf('0a'))
    await log.read({
      topic,
      partition: 0,
      offset: 0,
      maxBytes: 1,
      atLeastOneBatch: true,
      isolation: 'read_uncommitted',
      loans: new Loans(),
    })
    hooks.get = get
    expect(await log.compaction.compactShard(topic, 0)).toMatchObject({ commits: 2 })
    expect((await readFrom(open(), topic)).map(({ value }) => value)).toEqual(['0a', '0b', '1a', '1b'])
  })

  test('serves the same records from every offset, in pieces of every size, to processes old and new', async () => {
    const { open, items, objects } = openRig(EAGER)
    const [log, follower] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 2 })
    await fill(log, topic, 120)
    const before = [await readFrom(follower, topic), await readFrom(follower, topic, { partition: 1 })]
    const report = await log.compaction.compactShard(topic, 0)
    expect(report).toMatchObject({ commits: 120, lost: false })
    expect(report.extents).toBeGreaterThan(4)
    expect(report.chunksRemoved).toBeGreaterThan(10)
    expect([...items.items.values()].filter(({ key }) => key.sk.startsWith('c#'))).toEqual([])
    // What the commits referred to is not needed any more.
    for (const key of [...objects.blobs.keys()]) if (key.startsWith('segments/')) objects.blobs.delete(key)
    for (const [key, item] of items.items) if (item.key.pk.startsWith('g#')) items.items.delete(key)
    for (const reader of [log, follower, open({ cacheBytesMax: 1 })]) {
      expect(await readFrom(reader, topic)).toEqual(before[0])
      expect(await readFrom(reader, topic, { partition: 1 })).toEqual(before[1])
    }
    const reader = open({ coldCacheBytesMax: 1 })
    for (let from = 0; from < 120; from += 7)
      for (const maxBytes of [1, 200, 1_000])
        expect(await readFrom(reader, topic, { from, maxBytes })).toEqual(before[0]!.slice(from))
  })

  test('goes on beside appends: offsets, duplicates and chunks stay right, time after time', async () => {
    const { open, clock } = openRig(EAGER)
    const logs = [open(), open(), open()]
    const topic = await logs[0]!.topics.create({ name: 't', partitions: 1 })
    const sent: string[] = []
    for (let i = 0; i < 150; i++) {
      const log = logs[i % 2]!
      const identity = { producerId: 7, baseSequence: i }
      const { baseOffset } = await clock.passUntil(send(log, topic, [`${i}`], identity))
      expect(baseOffset).toBe(i)
      sent.push(`${i}`)
      if (i % 10 === 9)
        expect((await clock.passUntil(logs[Math.floor(i / 10) % 3]!.compaction.compactShard(topic, 0))).lost).toBe(
          false,
        )
      if (i % 3 === 2)
        expect(
          await clock.passUntil(send(logs[2]!, topic, [`${i - 2}`], { producerId: 7, baseSequence: i - 2 })),
        ).toMatchObject({
          baseOffset: i - 2,
          duplicate: true,
        })
    }
    for (const log of [...logs, open()]) expect((await readFrom(log, topic)).map(({ value }) => value)).toEqual(sent)
  })

  test('finds the same offsets by time', async () => {
    const { open } = openRig(EAGER)
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await fill(log, topic, 60)
    const specs = [
      ...Array.from({ length: 60 }, (_, i) => ({ at: 'timestamp', timestamp: 995 + i }) as const),
      { at: 'max-timestamp' } as const,
      { at: 'earliest' } as const,
      { at: 'latest', isolation: 'read_committed' } as const,
    ]
    const before = await Promise.all(specs.map(spec => log.findOffset(topic, 0, spec)))
    await log.compaction.compactShard(topic, 0)
    for (const reader of [log, open()])
      expect(await Promise.all(specs.map(spec => reader.findOffset(topic, 0, spec)))).toEqual(before)
    await fill(log, topic, 3)
    for (const reader of [log, open()])
      expect((await reader.findOffset(topic, 0, specs[10]!)).offset).toBe(before[10]!.offset)
  })

  test('keeps committed records, drops aborted ones and markers, and stops at an open transaction', async () => {
    const { open } = openRig(EAGER)
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const transact = async (producerId: number, n: number, values: string[], outcome?: 'commit' | 'abort') => {
      for (const [i, value] of values.entries())
        await send(log, topic, [value], { producerId, producerEpoch: n, baseSequence: i, transaction: n })
      if (outcome) await end(producerId, n, outcome)
    }
    const end = (producerId: number, n: number, outcome: 'commit' | 'abort') =>
      log.endTransaction({
        topic,
        partition: 0,
        producerId,
        producerEpoch: n,
        transaction: n,
        outcome,
        timeoutMs: 5_000,
      })
    await transact(1, 1, ['a', 'b'], 'commit')
    await transact(2, 1, ['x1'])
    await transact(1, 2, ['x2', 'x3'], 'abort')
    await send(log, topic, ['plain'])
    await transact(3, 1, ['open'])
    await end(2, 1, 'abort')
    await transact(1, 3, ['c', 'd'], 'commit')
    const committed = (from = 0) => readFrom(log, topic, { from, isolation: 'read_committed' })
    expect((await committed()).map(({ value }) => value)).toEqual(['a', 'b', 'plain'])
    await log.compaction.compactShard(topic, 0)
    for (let from = 0; from < 9; from++)
      expect(await committed(from)).toEqual((await committed()).filter(({ offset }) => offset >= from))
    expect((await committed()).map(({ value }) => value)).toEqual(['a', 'b', 'plain'])
    expect((await readFrom(log, topic)).map(({ value }) => value)).toEqual(['a', 'b', 'plain', 'open', 'c', 'd'])
    await end(3, 1, 'abort')
    for (let round = 0; round < 2; round++) {
      expect((await committed()).map(({ value }) => value)).toEqual(['a', 'b', 'plain', 'c', 'd'])
      await log.compaction.compactShard(topic, 0)
    }
    expect((await readFrom(open(), topic)).map(({ value }) => value)).toEqual(['a', 'b', 'plain', 'c', 'd'])
    await transact(4, 1, ['nothing of this stays'], 'abort')
    await log.compaction.compactShard(topic, 0)
    const { endOffset } = await log.read({
      topic,
      partition: 0,
      offset: 0,
      maxBytes: 1,
      atLeastOneBatch: true,
      isolation: 'read_committed',
    })
    const last = await log.read({
      topic,
      partition: 0,
      offset: endOffset - 2,
      maxBytes: 1,
      atLeastOneBatch: true,
      isolation: 'read_committed',
    })
    // A reader that comes to the end is told so, though nothing is there.
    expect(last.batches.map(bytes => viewBatch(bytes))).toMatchObject([{ baseOffset: endOffset - 1, recordCount: 0 }])
  })

  test('a reader whose head is older than the extents is not told that nothing is there', async () => {
    const { open } = openRig({ ...EAGER, compaction: { ...EAGER.compaction, mergeCountMin: 2 } })
    const [log, reader] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const transact = async (n: number, value: string, outcome: 'commit' | 'abort') => {
      const producer = { producerId: 1, producerEpoch: n, transaction: n }
      await send(log, topic, [value], { ...producer, baseSequence: 0 })
      await log.endTransaction({ topic, partition: 0, ...producer, outcome, timeoutMs: 5_000 })
    }
    await transact(1, 'aborted', 'abort')
    await log.compaction.compactShard(topic, 0)
    expect((await reader.findOffset(topic, 0, { at: 'latest', isolation: 'read_uncommitted' })).offset).toBe(2)
    await transact(2, 'aborted', 'abort')
    expect((await log.compaction.compactShard(topic, 0)).replaced).toBe(2)
    await transact(3, 'committed', 'commit')
    for (const isolation of ['read_uncommitted', 'read_committed'] as const) {
      const asked = { topic, partition: 0, offset: 0, maxBytes: 1_000, atLeastOneBatch: true, isolation }
      const { batches, endOffset } = await reader.read(asked)
      expect(batches.map(bytes => viewBatch(bytes).baseOffset)).toEqual([3, 4, 5])
      expect(endOffset).toBe(6)
    }
  })

  test('a reader in the middle of it is not told of an abort whose marker went away', async () => {
    const { open, hooks } = openRig({ ...EAGER, cacheBytesMax: 1, itemSegmentBytesMax: 0 })
    const [log, reader] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const transact = async (n: number, value: string, outcome: 'commit' | 'abort') => {
      await send(log, topic, [value], { producerId: 1, producerEpoch: n, baseSequence: 0, transaction: n })
      await log.endTransaction({
        topic,
        partition: 0,
        producerId: 1,
        producerEpoch: n,
        transaction: n,
        outcome,
        timeoutMs: 5_000,
      })
    }
    await send(log, topic, ['first'])
    await transact(1, 'aborted', 'abort')
    await transact(2, 'committed', 'commit')
    await send(log, topic, ['last'])
    await reader.findOffset(topic, 0, { at: 'earliest' })
    for (let skip = 0; skip < 12; skip++) {
      let reads = 0
      const compactor = open()
      hooks.get = async (key, next) => {
        if (reads++ === skip) {
          hooks.get = (other, onward) => onward(other)
          await compactor.compaction.compactShard(topic, 0)
        }
        return next(key)
      }
      const found = await readFrom(open(), topic, { isolation: 'read_committed' })
      expect(found.map(({ value }) => value)).toEqual(['first', 'committed', 'last'])
      await transact(skip + 3, 'aborted', 'abort')
      expect((await readFrom(reader, topic, { isolation: 'read_committed' })).map(({ value }) => value)).toEqual([
        'first',
        'committed',
        'last',
      ])
    }
  })
})

describe('compaction in a race', () => {
  test('of two compactors one wins, the other deletes nothing, and both logs are whole', async () => {
    const { open, hooks, objects } = openRig(EAGER)
    const logs = [open(), open()]
    const topic = await logs[0]!.topics.create({ name: 't', partitions: 1 })
    await fill(logs[0]!, topic, 40)
    const held = gate()
    let holds = true
    hooks.write = async (operations, next) => {
      if (holds && operations.some(({ key }) => key.pk.startsWith('x#'))) {
        holds = false
        await held.promise
      }
      return next(operations)
    }
    const slow = logs[0]!.compaction.compactShard(topic, 0)
    await drain()
    await logs[1]!.compaction.compactShard(topic, 0)
    const put = objects.blobs.size
    held.resolve()
    expect(await slow).toMatchObject({ lost: true, commits: 0 })
    expect(objects.blobs.size).toBe(put)
    for (const log of [...logs, open()]) expect(await readFrom(log, topic)).toHaveLength(80)
  })

  test('commits of other processes between its steps are kept, and it still gets through', async () => {
    const { open, hooks, clock } = openRig(EAGER)
    const [log, other] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await fill(log, topic, 30)
    let between = 0
    hooks.write = async (operations, next) => {
      if (operations.some(({ key }) => key.pk.startsWith('x#')) && between++ < 5)
        await send(other, topic, [`between ${between}`])
      return next(operations)
    }
    expect(await clock.passUntil(log.compaction.compactShard(topic, 0))).toMatchObject({ lost: false })
    expect(between).toBeGreaterThan(5)
    for (const reader of [log, other, open()]) {
      const values = (await readFrom(reader, topic)).map(({ value }) => value)
      expect(values).toHaveLength(65)
      expect(values.slice(-5)).toEqual([1, 2, 3, 4, 5].map(i => `between ${i}`))
    }
  })

  test.each(['lost', 'late', 'refused'])('writes whose answers are %s lead to the same log', async how => {
    const { open, hooks, clock, items } = openRig(EAGER)
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 2 })
    await fill(log, topic, 40)
    const before = await readFrom(log, topic)
    const late: (readonly WriteOperation[])[] = []
    let writes = 0
    hooks.write = async (operations, next) => {
      if (writes++ % 2 === 0) return next(operations)
      if (how === 'refused') throw throttled()
      if (how === 'late') late.push(operations)
      else await next(operations)
      throw lost()
    }
    for (let i = 0; i < 20; i++)
      await clock
        .passUntil(log.compaction.compactShard(topic, 0))
        .catch(error => expect(error.code).toMatch(/^STORE_|TIMED/))
    hooks.write = (operations, next) => next(operations)
    for (const operations of late) await items.write(operations)
    const after = await open().compaction.compactShard(topic, 0)
    expect(after).toMatchObject({ lost: false })
    for (const reader of [log, open()]) expect(await readFrom(reader, topic)).toEqual(before)
    expect([...items.items.values()].filter(({ key }) => key.sk.startsWith('c#'))).toEqual([])
  })

  test('a commit whose fate is looked for after compaction took it is answered REQUEST_TIMED_OUT, and made once', async () => {
    const { open, hooks } = openRig(EAGER)
    const [frozen, other] = [open(), open()]
    const topic = await frozen.topics.create({ name: 't', partitions: 1 })
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
    const late = send(frozen, topic, ['late'], { producerId: 7, baseSequence: 0 })
    await drain()
    await fill(other, topic, 30)
    await other.compaction.compactShard(topic, 0)
    thaw.resolve()
    expect(await stateOf(late)).toEqual({ refused: 'REQUEST_TIMED_OUT' })
    expect(await send(frozen, topic, ['late'], { producerId: 7, baseSequence: 0 })).toMatchObject({
      baseOffset: 1,
      duplicate: true,
    })
    expect((await readFrom(open(), topic)).filter(({ value }) => value === 'late')).toHaveLength(1)
  })

  test('a topic deleted meanwhile gets no extents', async () => {
    const { open, hooks, items } = openRig(EAGER)
    const [log, other] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await fill(log, topic, 30)
    let deletes = true
    hooks.put = async (key, parts, next) => {
      if (deletes && key.startsWith('topics/')) {
        deletes = false
        await other.topics.delete('t')
      }
      return next(key, parts)
    }
    expect(await log.compaction.compactShard(topic, 0)).toMatchObject({ extents: 0, lost: true })
    expect([...items.items.values()].filter(({ key }) => key.pk.includes(topic.id))).toEqual([])
  })

  test('partitions added meanwhile are kept', async () => {
    const { open, hooks } = openRig(EAGER)
    const [log, other] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await fill(log, topic, 30)
    let grown: Topic | undefined
    hooks.put = async (key, parts, next) => {
      if (!grown && key.startsWith('topics/')) {
        grown = await other.topics.addPartitions('t', 3)
        await send(other, grown, ['new'], { partition: 2 })
      }
      return next(key, parts)
    }
    await log.compaction.compactShard(topic, 0)
    await log.compaction.compactShard(grown!, 0)
    for (const reader of [log, other, open()]) {
      expect(await readFrom(reader, grown!)).toHaveLength(60)
      expect(await readFrom(reader, grown!, { partition: 2 })).toEqual([{ offset: 0, value: 'new' }])
    }
  })
})
