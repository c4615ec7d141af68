import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import {
  type CheckFinding,
  checkLog,
  type ForkPoint,
  type Log,
  type LogOptions,
  type Topic,
} from '../../lib/log/index.ts'
import { buildBatch, readRecords, viewBatch } from '../../lib/records/index.ts'
import type { ItemKey } from '../../lib/storage/index.ts'
import { readAll, send, stateOf } from './rig.ts'
import { ALL_JOBS, HOUR, openUpkeepRig } from './upkeep-rig.ts'

const KEPT = { 'retention.ms': '-1' }
const LATEST: ForkPoint = { at: 'latest' }

function openForkRig(more: Partial<LogOptions> = {}) {
  const rig = openUpkeepRig(more)
  const check = async () => {
    const findings: CheckFinding[] = []
    const { objects, items, clock } = rig
    // What nobody needs is there until a sweep.
    const onFinding = (finding: CheckFinding) => finding.kind !== 'orphan' && findings.push(finding)
    await checkLog({
      objects,
      items,
      clock,
      random: systemRandom,
      quick: false,
      onFinding,
      onProgress: () => undefined,
    })
    return findings
  }
  /** Compacts all that lies in commits. */
  const compact = async () => {
    await rig.clock.advance(3 * HOUR)
    await rig.runOnce({}, { only: ['compact'] })
  }
  /** All of upkeep until it finds nothing. */
  const upkeep = async () => {
    for (let pass = 0; pass < 10; pass++) {
      await rig.clock.advance(3 * HOUR)
      const { findings } = await rig.runOnce({ graceMs: HOUR }, { only: ALL_JOBS })
      if (findings.length === 0) return
    }
    throw new Error('upkeep comes to no end')
  }
  const leftovers = () => ({
    items: [...rig.items.items.values()].map(({ key }) => key).filter(({ pk }) => /^[sxgt]#|^lease#/.test(pk)),
    objects: [...rig.objects.blobs.keys()],
  })
  const fork = async (log: Log, name: string, from: string, at = LATEST) =>
    rig.clock.passUntil(log.fork({ name, from, at }))
  return { ...rig, check, compact, upkeep, leftovers, fork }
}

/** Batches as they are served, with their offsets. */
async function bytesOf(log: Log, topic: Topic, partition = 0, from = 0): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for (let offset = from; ; ) {
    const asked = { topic, partition, offset, maxBytes: 1_000, atLeastOneBatch: true } as const
    const { batches } = await log.read({ ...asked, isolation: 'read_uncommitted' })
    if (batches.length === 0) return found
    for (const bytes of batches) {
      const batch = viewBatch(bytes)
      if (batch.recordCount > 0) found.set(batch.baseOffset, Buffer.from(bytes).toString('hex'))
      offset = batch.baseOffset + batch.lastOffsetDelta + 1
    }
  }
}

async function fill(log: Log, topic: Topic, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    const value = `${i}`.padEnd(i % 3 === 0 ? 300 : 1, '.')
    await send(log, topic, [`${value}a`, `${value}b`], { partition: i % topic.partitions, timestamp: 1_000 + i })
  }
}

function isHeadOfAnother({ pk, sk }: ItemKey, { id }: Topic): boolean {
  return pk.startsWith('s#') && sk === 'head' && !pk.includes(id)
}

async function endOf(log: Log, topic: Topic, partition = 0): Promise<number> {
  return (await log.findOffset(topic, partition, { at: 'latest', isolation: 'read_uncommitted' })).offset
}

describe('a fork', () => {
  test('has the same bytes at the same offsets, without a byte copied, and both live on alone', async () => {
    const { open, fork, objects, segments, check } = openForkRig()
    const log = open()
    const source = await log.topics.create({ name: 'orders', partitions: 3, configs: { ...KEPT, 'segment.ms': '7' } })
    await fill(log, source, 0, 60)
    const before = segments()
    const copy = await fork(log, 'orders-test', 'orders')
    expect(segments()).toEqual(before)
    expect(copy.id).not.toBe(source.id)
    expect(copy).toMatchObject({
      partitions: 3,
      configs: { ...KEPT, 'segment.ms': '7', 'varve.fork.from': 'orders', 'varve.fork.at': 'latest' },
    })
    for (const reader of [log, open()]) {
      for (const partition of [0, 1, 2])
        expect(await bytesOf(reader, copy, partition)).toEqual(await bytesOf(reader, source, partition))
    }
    expect((await send(log, source, ['source'])).baseOffset).toBe(40)
    expect((await send(open(), copy, ['one', 'two'])).baseOffset).toBe(40)
    expect((await send(log, copy, ['three'])).baseOffset).toBe(42)
    expect(await readAll(open(), copy, 0, 40)).toEqual(['one', 'two', 'three'])
    expect(await readAll(open(), source, 0, 40)).toEqual(['source'])
    expect(objects.blobs.size).toBeGreaterThan(10)
    expect(await check()).toEqual([])
  })

  test('takes a few writes a shard and one for some dozen extents, and no request to the object store', async () => {
    const { open, fork, compact, hooks, objects, items } = openForkRig({ compaction: { mergeCountMin: 1_000 } })
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 2, configs: KEPT })
    for (let round = 0; round < 10; round++) {
      await fill(log, source, 10 * round, 10 * round + 10)
      await compact()
    }
    await fill(log, source, 100, 110)
    const extents = () => [...items.items.values()].filter(({ key }) => key.pk.startsWith('x#')).length
    expect(extents()).toBe(20)
    const kinds: string[] = []
    hooks.write = (operations, next) => {
      kinds.push(operations.map(({ kind, key }) => `${kind} ${key.pk.slice(0, 1)}`).join())
      return next(operations)
    }
    const { get } = objects
    objects.get = () => Promise.reject(new Error('nothing is read'))
    const copy = await fork(log, 'f', 's')
    objects.get = get
    // Name, topic and head; the extents of each partition; the chunks; the head; name and topic.
    expect(kinds).toHaveLength(6)
    expect(extents()).toBe(40)
    expect(await bytesOf(open(), copy, 1)).toEqual(await bytesOf(open(), source, 1))
  })

  test.each([
    ['commits', async () => {}],
    ['extents', async (rig: ReturnType<typeof openForkRig>) => rig.compact()],
  ])('ends at any offset, before the batch that has it, where the source lies in %s', async (_name, prepare) => {
    const rig = openForkRig()
    const { open, fork, clock, check } = rig
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 1, configs: KEPT })
    await fill(log, source, 0, 12)
    await prepare(rig)
    await fill(log, source, 12, 15)
    const all = await bytesOf(log, source)
    for (let end = 0; end <= 30; end++) {
      const copy = await fork(log, `f${end}`, 's', { at: 'offsets', offsets: new Map([[0, end]]) })
      const to = end - (end % 2)
      for (const reader of [log, open()]) {
        expect(await bytesOf(reader, copy), `up to ${end}`).toEqual(new Map([...all].filter(([base]) => base < to)))
        expect(await endOf(reader, copy)).toBe(to)
      }
      expect(await log.findOffset(copy, 0, { at: 'max-timestamp' })).toMatchObject({ offset: to === 0 ? -1 : to - 2 })
      expect((await send(log, copy, ['on'])).baseOffset).toBe(to)
      expect(await readAll(open(), copy, 0, to)).toEqual(['on'])
    }
    expect(await check()).toEqual([])
    await clock.advance(3 * HOUR)
    await rig.runOnce({}, { only: ['compact'] })
    expect(await bytesOf(open(), source)).toEqual(all)
    for (let end = 0; end <= 30; end++) {
      const copy = (await log.topics.find({ name: `f${end}` }))!
      expect((await readAll(open(), copy)).length).toBe(end - (end % 2) + 1)
    }
    expect(await check()).toEqual([])
  })

  test('ends at a time, and refuses offsets that the source has not', async () => {
    const { open, fork } = openForkRig()
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 2, configs: KEPT })
    await fill(log, source, 0, 20)
    const copy = await fork(log, 'f', 's', { at: 'timestamp', timestamp: 1_010 })
    expect([await endOf(log, copy, 0), await endOf(log, copy, 1)]).toEqual([10, 10])
    const late = await fork(log, 'g', 's', { at: 'timestamp', timestamp: 9_999 })
    expect([await endOf(log, late, 0), await endOf(log, late, 1)]).toEqual([20, 20])
    await log.deleteRecords({ topic: source, partition: 0, before: 6, timeoutMs: 1_000 })
    const at = (partition: number, offset: number): ForkPoint => ({
      at: 'offsets',
      offsets: new Map([[partition, offset]]),
    })
    await expect(fork(log, 'h', 's', at(0, 5))).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    await expect(fork(log, 'h', 's', at(0, 21))).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    await expect(fork(log, 'h', 's', at(2, 0))).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
    await expect(fork(log, 'h', 'no', LATEST)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' })
    await expect(fork(log, 'f', 's', LATEST)).rejects.toMatchObject({ code: 'TOPIC_EXISTS' })
    await expect(log.fork({ name: 'h', from: 's', at: LATEST, partitions: 3 })).rejects.toMatchObject({
      code: 'INVALID_PARTITIONS',
    })
    const kept = await fork(log, 'h', 's', at(0, 7))
    expect(await log.findOffset(kept, 0, { at: 'earliest' })).toMatchObject({ offset: 6 })
    expect(await bytesOf(log, kept, 0, 6)).toEqual(new Map())
    await expect(log.topics.changeConfigs('f', () => ({ 'varve.fork.from': 'other' }))).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
    })
    await log.topics.changeConfigs('f', () => ({ 'retention.ms': '5' }))
    expect((await log.topics.find({ name: 'f' }))?.configs['varve.fork.from']).toBe('s')
  })

  test.each(['source', 'fork', 'both'])(
    'what is deleted (%s) takes nothing of the other, and all goes that nobody needs',
    async gone => {
      const { open, fork, compact, upkeep, leftovers, check } = openForkRig()
      const log = open()
      const source = await log.topics.create({ name: 's', partitions: 2, configs: KEPT })
      await fill(log, source, 0, 30)
      await compact()
      await fill(log, source, 30, 60)
      const copy = await fork(log, 'f', 's')
      const second = await fork(log, 'g', 'f', { at: 'offsets', offsets: new Map([[0, 12]]) })
      await fill(log, source, 60, 70)
      await fill(log, copy, 100, 110)
      const kept = gone === 'source' ? [copy, second] : gone === 'fork' ? [source, second] : [second]
      const before = await Promise.all(kept.map(topic => bytesOf(open(), topic)))
      if (gone !== 'fork') await log.topics.delete('s')
      if (gone !== 'source') await log.topics.delete('f')
      await upkeep()
      expect(await Promise.all(kept.map(topic => bytesOf(open(), topic)))).toEqual(before)
      expect(await check()).toEqual([])
      for (const { name } of kept) await log.topics.delete(name)
      await upkeep()
      expect(leftovers()).toEqual({ items: [], objects: [] })
    },
  )

  test('what retention and DeleteRecords take of one stays in the other', async () => {
    const { open, fork, compact, upkeep, check } = openForkRig()
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 1, configs: KEPT })
    await fill(log, source, 0, 30)
    await compact()
    await fill(log, source, 30, 60)
    const copy = await fork(log, 'f', 's')
    const all = await bytesOf(log, source)
    await log.deleteRecords({ topic: source, partition: 0, before: 100, timeoutMs: 1_000 })
    await upkeep()
    expect(await bytesOf(open(), copy)).toEqual(all)
    await log.deleteRecords({ topic: copy, partition: 0, before: 'end', timeoutMs: 1_000 })
    await upkeep()
    expect([...(await bytesOf(open(), source, 0, 100)).keys()]).toEqual([...all.keys()].filter(base => base >= 100))
    expect(await check()).toEqual([])
  })

  test('takes no batch for a repetition of one that its producer sent to the source', async () => {
    const { open, fork } = openForkRig()
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 1, configs: KEPT })
    for (let i = 0; i < 9; i++) await send(log, source, [`${i}`], { producerId: 7, baseSequence: i })
    const copy = await fork(log, 'f', 's')
    for (const process of [log, open()]) {
      expect(await process.activeProducers(copy, 0)).toEqual([])
      expect((await process.activeProducers(source, 0)).length).toBe(1)
    }
    expect(await send(log, copy, ['to the fork'], { producerId: 7, baseSequence: 0 })).toMatchObject({
      baseOffset: 9,
      duplicate: false,
    })
    expect(await send(open(), copy, ['to the fork'], { producerId: 7, baseSequence: 0 })).toMatchObject({
      baseOffset: 9,
      duplicate: true,
    })
    expect(await send(open(), source, ['8'], { producerId: 7, baseSequence: 8 })).toMatchObject({ duplicate: true })
    for (let i = 1; i < 20; i++) await send(log, copy, [`${i}`], { producerId: 7, baseSequence: i })
    expect(await readAll(open(), copy)).toHaveLength(29)
  })

  test('aborts what is undecided, keeps what was decided, and its last stable offset is its end', async () => {
    const { open, fork, clock, runOnce, check } = openForkRig()
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 1, configs: KEPT })
    const sendIn = (value: string, producerId: number, baseSequence = 0) =>
      send(log, source, [value], { producerId, baseSequence, transaction: 1 })
    const end = (producerId: number, outcome: 'commit' | 'abort') =>
      log.endTransaction({
        topic: source,
        partition: 0,
        producerId,
        producerEpoch: 0,
        transaction: 1,
        outcome,
        timeoutMs: 5_000,
      })
    await sendIn('committed', 1) // 0
    await sendIn('aborted', 2) // 1
    await end(1, 'commit') // 2
    await sendIn('open', 3) // 3
    await sendIn('late commit', 4) // 4
    await sendIn('late abort', 5) // 5
    await end(2, 'abort') // 6
    await send(log, source, ['plain']) // 7
    await end(4, 'commit') // 8
    await end(5, 'abort') // 9
    const committed = async (topic: Topic, reader = open()) => {
      const values: string[] = []
      for (let offset = 0; ; ) {
        const asked = { topic, partition: 0, offset, maxBytes: 1_000_000, atLeastOneBatch: true } as const
        const { batches, abortedTransactions, ...ends } = await reader.read({ ...asked, isolation: 'read_committed' })
        if (batches.length === 0) return { values, stable: ends.lastStableOffset, end: ends.endOffset, offset }
        const begun = abortedTransactions.toSorted((a, b) => a.firstOffset - b.firstOffset)
        const aborting = new Set<number>()
        for (const batch of batches.map(bytes => viewBatch(bytes))) {
          const last = batch.baseOffset + batch.lastOffsetDelta
          while (begun[0] && begun[0].firstOffset <= last) aborting.add(begun.shift()!.producerId)
          if (batch.isControl) aborting.delete(batch.producerId)
          else if (!batch.isTransactional || !aborting.has(batch.producerId))
            values.push(...[...readRecords(batch)].map(({ value }) => String(value)))
          offset = last + 1
        }
      }
    }
    const latest = await fork(log, 'latest', 's')
    const early = await fork(log, 'early', 's', { at: 'offsets', offsets: new Map([[0, 6]]) })
    await end(3, 'commit')
    const expected = {
      latest: { values: ['committed', 'late commit', 'plain'], stable: 11, end: 11, offset: 11 },
      // 2, 3 and 5 are aborted behind the cut.
      early: { values: ['committed', 'late commit'], stable: 9, end: 9, offset: 9 },
    }
    expect(await committed(latest)).toEqual(expected.latest)
    expect(await committed(early)).toEqual(expected.early)
    expect(await committed(source)).toMatchObject({ values: ['committed', 'open', 'late commit', 'plain'], stable: 11 })
    expect(await check()).toEqual([])
    await clock.advance(3 * HOUR)
    await runOnce({}, { only: ['compact'] })
    expect(await committed(latest)).toEqual(expected.latest)
    expect(await committed(early)).toEqual(expected.early)
    expect(await check()).toEqual([])
    // The same transactional producer goes on in the fork.
    await send(log, early, ['next'], { producerId: 5, baseSequence: 0, transaction: 2 })
    expect(await committed(early)).toMatchObject({ values: expected.early.values, stable: 9, end: 10 })
  })

  test('of a fork, of a compacted topic, and of a topic with nothing in it', async () => {
    const { open, fork, compact, check } = openForkRig()
    const log = open()
    await log.topics.create({ name: 'empty', partitions: 2 })
    const none = await fork(log, 'none', 'empty')
    expect((await send(log, none, ['first'])).baseOffset).toBe(0)
    const again = await fork(log, 'again', 'none')
    expect(await readAll(open(), again)).toEqual(['first'])
    const compacted = await log.topics.create({ name: 'c', partitions: 1, configs: { 'cleanup.policy': 'compact' } })
    for (let i = 0; i < 20; i++) {
      const records = [{ timestamp: 1, key: Buffer.from(`${i % 3}`), value: Buffer.from(`${i}`), headers: [] }]
      await log.append({ topic: compacted, partition: 0, batch: buildBatch({ records }), timeoutMs: 5_000 })
    }
    await compact()
    const all = await bytesOf(log, compacted)
    expect(all.size).toBe(3)
    const ends = [16, 17, 18, 19, 20]
    for (const end of ends) {
      const copy = await fork(log, `c${end}`, 'c', { at: 'offsets', offsets: new Map([[0, end]]) })
      expect(await bytesOf(open(), copy)).toEqual(new Map([...all].filter(([base]) => base < end)))
      expect(await endOf(open(), copy)).toBe(end)
      const { batches } = await open().read({
        ...{ topic: copy, partition: 0, offset: 0, maxBytes: 1_000_000, atLeastOneBatch: true },
        isolation: 'read_uncommitted',
      })
      // A reader gets to the end, though no record is there.
      const last = viewBatch(batches.at(-1)!)
      expect(last.baseOffset + last.lastOffsetDelta + 1).toBe(end)
    }
    expect(await check()).toEqual([])
  })
})

describe('while a fork is made', () => {
  test('nobody finds it, its name is taken, and the source is appended to', async () => {
    const { open, clock, hooks, fork } = openForkRig()
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 1, configs: KEPT })
    await fill(log, source, 0, 20)
    let appended = 0
    hooks.write = async (operations, next) => {
      const isHead = operations.length === 1 && isHeadOfAnother(operations[0]!.key, source)
      if (isHead && appended === 0) {
        expect(await open().topics.find({ name: 'f' })).toBeUndefined()
        expect((await open().topics.list()).map(({ name }) => name)).toEqual(['s'])
        await expect(open().topics.create({ name: 'f', partitions: 1 })).rejects.toMatchObject({ code: 'TOPIC_EXISTS' })
        while (appended < 3) await send(open(), source, [`more ${appended++}`])
      }
      return next(operations)
    }
    const copy = await fork(log, 'f', 's')
    expect(appended).toBe(3)
    expect(await readAll(open(), copy)).toHaveLength(40)
    expect(await clock.passUntil(readAll(open(), source))).toHaveLength(43)
  })

  test('a sweep that comes in between makes it begin anew', async () => {
    const { open, clock, hooks, fork, runOnce, compact, check, upkeep, leftovers } = openForkRig()
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 1, configs: KEPT })
    await fill(log, source, 0, 40)
    await compact()
    await fill(log, source, 40, 60)
    const all = await bytesOf(log, source)
    await clock.advance(3 * HOUR)
    let swept = false
    hooks.write = async (operations, next) => {
      const isHead = operations.length === 1 && isHeadOfAnother(operations[0]!.key, source)
      if (isHead && !swept) {
        swept = true
        expect((await runOnce({ graceMs: HOUR })).findings.length).toBeGreaterThan(0)
      }
      return next(operations)
    }
    const copy = await fork(log, 'f', 's')
    expect(swept).toBe(true)
    expect(await bytesOf(open(), copy)).toEqual(all)
    expect(await check()).toEqual([])
    await log.topics.delete('s')
    await upkeep()
    expect(await bytesOf(open(), copy)).toEqual(all)
    await log.topics.delete('f')
    await upkeep()
    expect(leftovers()).toEqual({ items: [], objects: [] })
  })

  test.each([0, 1, 2, 3, 4, 5])('its maker dies after %i writes: upkeep takes away all that it left', async writes => {
    const { open, clock, items, compact, upkeep: upkeepAll, upkeepOf, leftovers, check, fork } = openForkRig()
    const log = open()
    const source = await log.topics.create({ name: 's', partitions: 1, configs: KEPT })
    await fill(log, source, 0, 20)
    await compact()
    await fill(log, source, 20, 40)
    const all = await bytesOf(log, source)
    let left = writes
    const write: typeof items.write = operations =>
      left-- > 0 ? items.write(operations) : new Promise(() => undefined)
    const made = open({ items: { ...items, write } }).fork({ name: 'f', from: 's', at: LATEST })
    for (let i = 0; i < 200; i++) await stateOf(made)
    const state = await stateOf(made)
    await clock.advance(HOUR, 1_000)
    if (state === 'pending') {
      // One process looks again and again; a second look sees that the lease is as it was.
      const upkeep = upkeepOf(open())
      for (let look = 0; look < 3; look++) {
        await clock.passUntil(upkeep.runOnce({ withinMs: 600_000, only: ['delete-topics'] }))
        await clock.advance(60_000, 1_000)
      }
    }
    const isMade = (await open().topics.find({ name: 'f' })) !== undefined
    expect(isMade).toBe(writes >= 5)
    if (isMade) expect(await bytesOf(open(), (await open().topics.find({ name: 'f' }))!)).toEqual(all)
    expect(await check()).toEqual([])
    expect(await bytesOf(open(), source)).toEqual(all)
    if (!isMade) await fork(open(), 'f', 's')
    await log.topics.delete('f')
    await log.topics.delete('s')
    await upkeepAll()
    expect(leftovers()).toEqual({ items: [], objects: [] })
  })
})
