/** Counts what appends and fetches ask of the stores, in a log of so many segments that upkeep has kept in shape. */
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type Log, openLog, type Topic } from '../../lib/log/index.ts'
import { buildBatch, viewBatch } from '../../lib/records/index.ts'
import { meterItems, meterObjects, StoreMeter } from '../../lib/storage/index.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'

/** Appended between two runs of compaction. */
const BETWEEN = 2_000
/** Appended after the last one. */
const AFTER = 10

export interface Asked {
  /** Requests to the item store. */
  readonly items: number
  /** Gets of objects. */
  readonly objects: number
}

export type Measured = Readonly<Record<'firstAppend' | 'append' | 'fetchOldest' | 'fetchMiddle' | 'fetchNewest', Asked>>

export async function measureRequests(segments: number): Promise<Measured> {
  const items = memoryItems()
  const objects = memoryObjects()
  const open = (meter: StoreMeter) =>
    openLog({
      items: meterItems(items, meter),
      objects: meterObjects(objects, meter),
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      flushBudget: Number.POSITIVE_INFINITY,
      itemSegmentBytesMax: 0,
      segmentBytesMax: 1,
      compaction: { dueBytes: 0, dueMs: -3_600_000, bytesPerSecondMax: Number.POSITIVE_INFINITY },
    })
  const writer = open(new StoreMeter())
  const topic = await writer.topics.create({ name: 't', partitions: 1 })
  for (let left = segments; left > 0; left -= BETWEEN) {
    await appendMany(writer, topic, Math.min(left, BETWEEN))
    await writer.compaction.compactShard(topic, 0)
  }
  await appendMany(writer, topic, AFTER)
  const meter = new StoreMeter()
  const log = open(meter)
  const count = async (work: () => Promise<unknown>): Promise<Asked> => {
    const before = requests(meter)
    await work()
    const after = requests(meter)
    return { items: after.items - before.items, objects: after.objects - before.objects }
  }
  /** By a process that has nothing of it in memory. */
  const fetch = async (offset: number) => {
    const cold = open(meter)
    await cold.findOffset(topic, 0, { at: 'earliest' })
    return count(() => fetchAt(cold, topic, offset))
  }
  return {
    firstAppend: await count(() => appendMany(log, topic, 1)),
    append: await count(() => appendMany(log, topic, 1)),
    fetchOldest: await fetch(0),
    fetchMiddle: await fetch(Math.floor(segments / 2)),
    fetchNewest: await fetch(segments + AFTER),
  }
}

function requests(meter: StoreMeter): Asked {
  const { items, objects } = meter.usage()
  return { items: items.get + items.query + items.write, objects: objects.get }
}

async function appendMany(log: Log, topic: Topic, count: number): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, i) => {
      const batch = buildBatch({ records: [{ timestamp: 1, key: null, value: Buffer.from(`${i}`), headers: [] }] })
      return log.append({ topic, partition: 0, batch, timeoutMs: 60_000 })
    }),
  )
}

async function fetchAt(log: Log, topic: Topic, offset: number): Promise<void> {
  const asked = { offset, maxBytes: 1, atLeastOneBatch: true, isolation: 'read_committed' } as const
  const { batches } = await log.read({ topic, partition: 0, ...asked })
  if (viewBatch(batches[0]!).baseOffset !== offset) throw new Error(`${offset} was not read`)
}
