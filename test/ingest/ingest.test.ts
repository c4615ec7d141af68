/** What is promised of event sources: each of their records is in the topic once, whoever dies and however often it comes. */
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/base/index.ts'
import { buildBatch, partitionOfKey } from '../../lib/records/index.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { delivery, numbered, openWorld, record, type Sandbox, TOPIC } from './sandboxes.ts'

const PATIENCE_MS = 20_000

describe('a delivery', () => {
  test('becomes records, those of a key in their order and in one partition', async () => {
    const { sandbox, contents } = await openWorld()
    const { ingest } = sandbox()
    expect(await ingest.take(delivery(numbered(50)), PATIENCE_MS)).toEqual([])
    expect(await ingest.take(delivery(numbered(50, 50)), PATIENCE_MS)).toEqual([])
    const records = await contents()
    expect(records.map(({ value }) => value).toSorted()).toEqual(
      numbered(100)
        .map(({ receipt }) => receipt)
        .toSorted(),
    )
    for (let key = 0; key < 5; key++) {
      const ours = records.filter(each => each.key === `k${key}`)
      expect(new Set(ours.map(({ partition }) => partition)).size).toBe(1)
      const numbers = ours.map(({ value }) => Number(value.slice(1)))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  })

  test('of 1,000 records of 1 KiB is one object and at most four item writes', async () => {
    const { sandbox, contents } = await openWorld({ partitions: 16, shardSize: 16 })
    const { ingest, meter } = sandbox()
    const before = meter.usage()
    const records = Array.from({ length: 1_000 }, (_, i) => record(`r${i}`.padEnd(1_024, '.'), { key: `k${i}` }))
    expect(await ingest.take(delivery(records), PATIENCE_MS)).toEqual([])
    const first = meter.usage()
    expect(first.objects.put - before.objects.put).toBe(1)
    expect(first.items.write - before.items.write).toBeLessThanOrEqual(4)
    const more = records.map((each, i) => ({ ...each, id: `again ${i}` }))
    expect(await ingest.take(delivery(more), PATIENCE_MS)).toEqual([])
    const second = meter.usage()
    // Warm: the claim, the object, the head.
    expect(second.objects.put - first.objects.put).toBe(1)
    expect(second.items.write - first.items.write).toBe(2)
    expect(second.items.get + second.items.query - first.items.get - first.items.query).toBe(0)
    expect(await contents()).toHaveLength(2_000)
  })

  test('that holds a record twice stores it once', async () => {
    const { sandbox, contents } = await openWorld()
    expect(await sandbox().ingest.take(delivery([record('a'), record('b'), record('a')]), PATIENCE_MS)).toEqual([])
    expect((await contents()).map(({ value }) => value)).toEqual(['a', 'b'])
  })

  test('to a process that has run for days loses nothing where its first batch in a partition is refused', async () => {
    const { sandbox } = await openWorld({ partitions: 2 })
    let passedMs = 0
    const { ingest } = sandbox({ clock: { ...systemClock, now: () => systemClock.now() + passedMs } })
    const [here, there] = [0, 1].map(partition => {
      const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
      return keys.find(key => partitionOfKey(Buffer.from(key), 2) === partition)!
    }) as [string, string]
    expect(await ingest.take(delivery([record('a', { key: here })]), PATIENCE_MS)).toEqual([])
    passedMs = 48 * 3_600_000
    const ahead = (systemClock.now() + 2 * passedMs) / 60_000
    const refused = record('of a time to come'.padEnd(700_000), { key: there, minute: Math.ceil(ahead) })
    const records = [refused, record('b'.padEnd(700_000), { key: there })]
    expect(await ingest.take(delivery(records), PATIENCE_MS)).toContain(0)
    expect(await ingest.take(delivery(records), PATIENCE_MS)).toContain(0)
  })

  test('to a process that has run for half a day is of another producer', async () => {
    const { sandbox, topic } = await openWorld({ partitions: 1 })
    let passedMs = 0
    const { ingest, log } = sandbox({ clock: { ...systemClock, now: () => systemClock.now() + passedMs } })
    const producersAfter = async (value: string) => {
      expect(await ingest.take(delivery([record(value)]), PATIENCE_MS)).toEqual([])
      return (await log.activeProducers(topic, 0)).length
    }
    expect(await producersAfter('a')).toBe(1)
    passedMs = 11 * 3_600_000
    expect(await producersAfter('b')).toBe(1)
    passedMs = 13 * 3_600_000
    expect(await producersAfter('c')).toBe(2)
  })

  test('with a record larger than the topic takes fails for that one only', async () => {
    const { sandbox, contents } = await openWorld()
    const records = [record('a'), record('x'.repeat(2_000_000)), record('b')]
    expect(await sandbox().ingest.take(delivery(records), PATIENCE_MS)).toEqual([1])
    expect((await contents()).map(({ value }) => value)).toEqual(['a', 'b'])
  })

  test('larger than a batch may be is several batches', async () => {
    const { sandbox, contents } = await openWorld()
    const records = Array.from({ length: 30 }, (_, i) => record(`${i}`.padEnd(100_000), { key: 'one' }))
    expect(await sandbox().ingest.take(delivery(records), PATIENCE_MS)).toEqual([])
    expect((await contents()).map(({ value }) => value.trim())).toEqual(records.map((_, i) => `${i}`))
  })

  test('of records of many minutes is stored whole', async () => {
    const { sandbox, contents } = await openWorld()
    const records = Array.from({ length: 200 }, (_, i) => record(`r${i}`, { minute: i }))
    expect(await sandbox().ingest.take(delivery(records), PATIENCE_MS)).toEqual([])
    expect(await sandbox().ingest.take(delivery(records), PATIENCE_MS)).toEqual([])
    expect(await contents()).toHaveLength(200)
  })

  test('that is the first of its source, and has records of several hours, is stored', async () => {
    const { sandbox, contents } = await openWorld()
    const records = Array.from({ length: 5 }, (_, i) => record(`r${i}`, { minute: i * 45 }))
    expect(await sandbox().ingest.take(delivery(records), PATIENCE_MS)).toEqual([])
    expect(await contents()).toHaveLength(5)
  })

  test('whose first records cannot be stored stores none that come after them', async () => {
    const { sandbox, contents } = await openWorld()
    const records = Array.from({ length: 100 }, (_, i) => record(`r${i}`, { minute: i, key: 'one' }))
    const process = sandbox()
    let writes = 0
    process.write = (operations, next) => {
      if (++writes === 1) throw new StoreError('STORE_REFUSED', 'not now')
      return next(operations)
    }
    expect(await process.ingest.take(delivery(records), PATIENCE_MS)).toEqual([...records.keys()])
    expect(await contents()).toEqual([])
    expect(await process.ingest.take(delivery(records), PATIENCE_MS)).toEqual([])
    expect((await contents()).map(({ value }) => value)).toEqual(records.map((_, i) => `r${i}`))
  })

  test('that meets another at the claim of the same minute is stored at once all the same', async () => {
    const { sandbox, contents } = await openWorld({ partitions: 1 })
    const processes = Array.from({ length: 4 }, () => sandbox())
    for (const process of processes) await process.ingest.take(delivery([record(`warm ${Math.random()}`)]), PATIENCE_MS)
    const together = Promise.withResolvers<void>()
    for (const process of processes) {
      process.write = async (operations, next) => {
        await together.promise
        return next(operations)
      }
    }
    const takes = processes.map(({ ingest }, i) => ingest.take(delivery([record(`r${i}`)]), PATIENCE_MS))
    await idle()
    together.resolve()
    expect(await Promise.all(takes)).toEqual([[], [], [], []])
    expect(await contents()).toHaveLength(8)
  })

  test('without a topic to go to says so', async () => {
    const { sandbox } = await openWorld()
    const { ingest, log } = sandbox()
    await log.topics.delete(TOPIC)
    await expect(ingest.take(delivery([record('a')]), PATIENCE_MS)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' })
  })
})

describe('a redelivery', () => {
  test('to the same process adds nothing', async () => {
    const { sandbox, contents } = await openWorld()
    const { ingest } = sandbox()
    for (let i = 0; i < 3; i++) expect(await ingest.take(delivery(numbered(20)), PATIENCE_MS)).toEqual([])
    expect(await contents()).toHaveLength(20)
  })

  test('to another process, in other company, adds what is new', async () => {
    const { sandbox, contents } = await openWorld()
    await sandbox().ingest.take(delivery(numbered(20)), PATIENCE_MS)
    const mixed = [...numbered(5, 30), ...numbered(20).filter((_, i) => i % 3 === 0), ...numbered(5, 40)]
    expect(await sandbox().ingest.take(delivery(mixed), PATIENCE_MS)).toEqual([])
    expect(await contents()).toHaveLength(30)
  })

  test('from another source with the same ids is another record', async () => {
    const { sandbox, contents } = await openWorld()
    await sandbox().ingest.take(delivery(numbered(3)), PATIENCE_MS)
    await sandbox().ingest.take({ ...delivery(numbered(3)), source: 'another' }, PATIENCE_MS)
    expect(await contents()).toHaveLength(6)
  })

  test('to many processes at once is stored once', async () => {
    const { sandbox, contents } = await openWorld()
    const takes = Array.from({ length: 6 }, () => sandbox().ingest.take(delivery(numbered(30)), PATIENCE_MS))
    const failed = await Promise.all(takes)
    // Whoever was fenced out says so, and what it says is delivered again.
    if (failed.every(indices => indices.length > 0)) await sandbox().ingest.take(delivery(numbered(30)), PATIENCE_MS)
    await expectOnce(contents, 30)
  })

  /**
   * A process that stops for good, or for a while, at its nth write; another gets the same records, or some of them, or all one by one;
   * then the first goes on where it was.
   */
  describe.each(['whole', 'in part', 'one by one'] as const)('%s, after the first process stopped', how => {
    test.each(Array.from({ length: 8 }, (_, n) => n))('at write %i', async nth => {
      const { sandbox, contents } = await openWorld()
      const first = sandbox()
      const thaw = stopAt(first, nth)
      const records = numbered(12)
      const firstTake = first.ingest.take(delivery(records), PATIENCE_MS).catch(() => undefined)
      await idle()
      for (const part of partsOf(records, how)) {
        expect(await sandbox().ingest.take(delivery(part), PATIENCE_MS)).toEqual([])
      }
      thaw()
      await firstTake
      await sandbox().ingest.take(delivery(records), PATIENCE_MS)
      expect(await first.ingest.take(delivery(records), PATIENCE_MS)).toEqual([])
      await expectOnce(contents, 12)
    })
  })

  test.each(Array.from({ length: 6 }, (_, n) => n))('after the answer of write %i was lost', async nth => {
    const { sandbox, contents } = await openWorld()
    const first = sandbox()
    let count = 0
    first.write = async (operations, next) => {
      const outcome = await next(operations)
      if (count++ === nth) throw new StoreError('STORE_OUTCOME_UNKNOWN', 'no answer')
      return outcome
    }
    await first.ingest.take(delivery(numbered(12)), PATIENCE_MS)
    expect(await sandbox().ingest.take(delivery(numbered(12)), PATIENCE_MS)).toEqual([])
    expect(await first.ingest.take(delivery(numbered(12)), PATIENCE_MS)).toEqual([])
    await expectOnce(contents, 12)
  })

  /** The last moment: the first process appends after the second looked, and before it is fenced out. */
  test.each(['goes on', 'dies when it has fenced'])(
    'while the first process appends at last, and the second %s',
    async then => {
      const { sandbox, contents } = await openWorld()
      const first = sandbox()
      const thaw = stopAt(first, 2)
      const firstTake = first.ingest.take(delivery(numbered(12)), PATIENCE_MS)
      await idle()
      const second = sandbox()
      let fences = 0
      const dead = Promise.withResolvers<never>()
      second.write = async (operations, next) => {
        if (operations.some(({ key }) => key.pk === 'ingest/fences') && fences++ === 0) {
          thaw()
          expect(await firstTake).toEqual([])
        } else if (fences > 1 && then !== 'goes on') {
          return dead.promise
        }
        return next(operations)
      }
      const secondTake = second.ingest.take(delivery(numbered(12)), PATIENCE_MS).catch(() => undefined)
      await idle()
      expect(fences).toBeGreaterThan(0)
      if (then === 'goes on') expect(await secondTake).toEqual([])
      expect(await sandbox().ingest.take(delivery(numbered(12)), PATIENCE_MS)).toEqual([])
      await expectOnce(contents, 12)
    },
  )

  /** As above, and before the next delivery comes retention takes what the first process has appended, or what it has not. */
  test.each(['appends at last', 'never appends'])(
    'and what was there is deleted meanwhile, while the first process %s',
    async then => {
      const { sandbox, contents, topic } = await openWorld({ partitions: 1 })
      const first = sandbox()
      const thaw = stopAt(first, 2)
      const firstTake = first.ingest.take(delivery(numbered(12)), PATIENCE_MS).catch(() => undefined)
      await idle()
      const second = sandbox()
      const dead = Promise.withResolvers<never>()
      let fences = 0
      second.write = async (operations, next) => {
        if (!operations.some(({ key }) => key.pk === 'ingest/fences')) return next(operations)
        if (fences++ > 0) return dead.promise
        if (then === 'appends at last') {
          thaw()
          await firstTake
        }
        return next(operations)
      }
      void second.ingest.take(delivery(numbered(12)), PATIENCE_MS)
      await idle()
      expect(fences).toBe(2)
      const { log } = sandbox()
      await log.append({ topic, partition: 0, batch: anyBatch(), timeoutMs: 5_000 })
      const end = await log.findOffset(topic, 0, { at: 'latest', isolation: 'read_uncommitted' })
      await log.deleteRecords({ topic, partition: 0, before: end.offset, timeoutMs: 5_000 })
      expect(await sandbox().ingest.take(delivery(numbered(12)), PATIENCE_MS)).toEqual([])
      await expectOnce(() => contents(end.offset), 12)
    },
  )

  test('while whoever resolves it dies at any write too', async () => {
    for (let nth = 0; nth < 5; nth++) {
      for (let second = 0; second < 6; second++) {
        const { sandbox, contents } = await openWorld()
        const processes = [sandbox(), sandbox()]
        const thaws = [stopAt(processes[0]!, nth), stopAt(processes[1]!, second)]
        const takes = []
        for (const process of processes) {
          takes.push(process.ingest.take(delivery(numbered(8)), PATIENCE_MS).catch(() => undefined))
          await idle()
        }
        expect(await sandbox().ingest.take(delivery(numbered(8)), PATIENCE_MS)).toEqual([])
        for (const thaw of thaws.toReversed()) thaw()
        await Promise.all(takes)
        await sandbox().ingest.take(delivery(numbered(8)), PATIENCE_MS)
        await expectOnce(contents, 8)
      }
    }
  })
})

async function expectOnce(contents: () => Promise<{ value: string }[]>, count: number): Promise<void> {
  const values = (await contents()).map(({ value }) => value)
  expect(values.toSorted()).toEqual(
    numbered(count)
      .map(({ receipt }) => receipt)
      .toSorted(),
  )
}

function anyBatch(): Uint8Array {
  return buildBatch({ records: [{ timestamp: 1_000, key: null, value: Buffer.from('of somebody else') }] })
}

/** The nth write, and all after it, wait until the process is thawed. */
function stopAt(sandbox: Sandbox, nth: number): () => void {
  const thawed = Promise.withResolvers<void>()
  let count = 0
  sandbox.write = async (operations, next) => {
    if (count++ >= nth) await thawed.promise
    return next(operations)
  }
  return () => thawed.resolve()
}

function partsOf<T>(records: readonly T[], how: 'whole' | 'in part' | 'one by one'): T[][] {
  if (how === 'whole') return [[...records]]
  if (how === 'in part') return [records.filter((_, i) => i % 2 === 1)]
  return records.map(each => [each])
}

/** The memory stores answer within the turn: what can happen has happened. */
async function idle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve))
}
