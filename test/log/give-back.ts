/** What any pair of stores must show: after records are deleted and swept, nothing is stored but what is alive. */
import { expect } from 'vitest'
import { type Clock, silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { Leases } from '../../lib/leases/index.ts'
import { type CheckFinding, checkLog, type Log, openLog, Upkeep } from '../../lib/log/index.ts'
import { SegmentIds } from '../../lib/log/segment/segment-id.ts'
import { segmentItemKey, segmentObjectKey } from '../../lib/log/segment/segment-store.ts'
import type { ItemKey, ItemStore, ObjectStore } from '../../lib/storage/index.ts'
import { readAll, send } from './rig.ts'

const HOUR = 3_600_000

interface Stores {
  readonly objects: ObjectStore
  readonly items: ItemStore
}

export async function expectAllGivenBack(stores: Stores): Promise<void> {
  const { items, stored } = remember(stores.items)
  const common = { objects: stores.objects, items, random: systemRandom, logger: silentLogger }
  const open = (clock: Clock = systemClock): Log =>
    openLog({
      ...common,
      clock,
      flushBudget: Number.POSITIVE_INFINITY,
      itemSegmentBytesMax: 300,
      shardLimits: { headBytesMax: 300, headBytesKept: 100, chunkBytesMax: 300, snapshotIntervalCommits: 5 },
    })
  const upkeep = async (hoursAhead: number): Promise<void> => {
    const clock = { ...systemClock, now: () => Date.now() + hoursAhead * HOUR }
    const log = open(clock)
    const leases = new Leases({ ...common, clock, owner: 'test' })
    const jobs = log.upkeepJobs({ graceMs: 0, windowHours: 24, wholeLookHours: 0, firstLookHours: 24 })
    const runner = new Upkeep({ ...common, clock, jobs, leases, leaseMs: 60_000, pauseMs: 0 })
    for (let pass = 0; pass < 5; pass++) expect((await runner.runOnce({ withinMs: 120_000 })).failed).toEqual([])
    await log.close()
  }
  const log = open()
  const configs = { 'retention.ms': '-1' }
  const kept = await log.topics.create({ name: 'kept', partitions: 2, configs })
  const gone = await log.topics.create({ name: 'gone', partitions: 3, configs })
  const values = Array.from({ length: 40 }, (_, i) => `${i}`.padEnd(i % 4 === 0 ? 500 : 1, '.'))
  for (const [baseSequence, value] of values.entries()) {
    await send(log, kept, [value], { timestamp: Date.now(), producerId: 3, baseSequence })
    await send(log, gone, [value], { partition: baseSequence % 3 })
  }
  await putOrphans(stores)
  await upkeep(3)
  expect(await flawsOf(common)).toEqual([])
  expect(await readAll(open(), kept)).toEqual(values)
  await log.deleteRecords({ topic: kept, partition: 0, before: 30, timeoutMs: 10_000 })
  await send(log, kept, ['last'], { producerId: 3, baseSequence: values.length })
  await log.topics.delete('gone')
  await upkeep(6)
  expect(await flawsOf(common)).toEqual([])
  expect(await readAll(open(), kept, 0, 30)).toEqual([...values.slice(30), 'last'])

  await log.deleteRecords({ topic: kept, partition: 0, before: 'end', timeoutMs: 10_000 })
  await upkeep(9)
  expect(await flawsOf(common)).toEqual([])
  const left = await stored()
  const of = (kind: string) => left.filter(({ pk }) => pk.split('#')[0] === kind).length
  // The topic, its name and head and the other's tombstone; the snapshot that remembers the producer.
  expect([of('t'), of('topics'), of('s'), of('x'), of('lease')]).toEqual([1, 2, 1, 0, 0])
  expect(of('g') + (await keysOf(stores.objects)).length).toBeLessThanOrEqual(1)
  expect((await send(log, kept, ['next'], { producerId: 3, baseSequence: values.length + 1 })).baseOffset).toBe(41)

  await log.topics.delete('kept')
  await upkeep(12)
  expect(await keysOf(stores.objects)).toEqual([])
  expect((await stored()).map(({ pk }) => pk).sort()).toEqual(['sweep', 'sweep', 'topics', 'topics'])
  await log.close()
}

/** A segment in each medium, and an extent of a topic that is not there. */
async function putOrphans({ objects, items }: Stores): Promise<void> {
  const ids = new SegmentIds(systemClock, systemRandom)
  const bytes = new Uint8Array(10)
  await objects.put(segmentObjectKey(ids.next()), [bytes])
  await objects.put(`topics/${'0'.repeat(32)}/0/7-${ids.next()}`, [bytes])
  await items.write([{ kind: 'put', key: segmentItemKey(ids.next()), expected: 'absent', version: 1, value: bytes }])
}

async function flawsOf(stores: Stores): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = []
  const onFinding = (finding: CheckFinding) => findings.push(finding)
  const options = { clock: systemClock, random: systemRandom, quick: false, onProgress: () => undefined }
  const checked = await checkLog({ ...stores, ...options, onFinding })
  expect(checked.topics).toBeGreaterThan(0)
  return findings
}

/** The store, and the keys that are in it of all that were ever put through it. */
function remember(store: ItemStore): { items: ItemStore; stored(): Promise<ItemKey[]> } {
  const keys = new Map<string, ItemKey>()
  return {
    items: {
      get: key => store.get(key),
      query: (pk, query) => store.query(pk, query),
      close: () => store.close(),
      write: operations => {
        for (const { kind, key } of operations) if (kind === 'put') keys.set(`${key.pk}/${key.sk}`, key)
        return store.write(operations)
      },
    },
    stored: async () => {
      const found = await Promise.all([...keys.values()].map(key => store.get(key)))
      return found.flatMap(item => item?.key ?? [])
    },
  }
}

async function keysOf(objects: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  let cursor: string | undefined
  do {
    const page = await objects.list('', cursor === undefined ? {} : { cursor })
    keys.push(...page.objects.map(({ key }) => key))
    cursor = page.cursor
  } while (cursor !== undefined)
  return keys
}
