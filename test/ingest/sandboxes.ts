/** Functions over one pair of stores: each a process of its own, with its own log, whose calls a test may hold, lose or count. */
import { type Clock, silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type Delivery, Ingest, type SourceRecord } from '../../lib/ingest/index.ts'
import { type Log, openLog } from '../../lib/log/index.ts'
import { readRecords, splitBatches } from '../../lib/records/index.ts'
import { type ItemStore, meterItems, meterObjects, StoreMeter } from '../../lib/storage/index.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'

export const TOPIC = 'events'
const MINUTE = 1_700_000_040_000

type Write = ItemStore['write']

export interface Sandbox {
  readonly ingest: Ingest
  readonly log: Log
  readonly meter: StoreMeter
  /** What happens to the writes of this process; the real one unless set. */
  write: (operations: Parameters<Write>[0], next: Write) => ReturnType<Write>
}

export async function openWorld({ partitions = 3, shardSize = 2 } = {}) {
  const items = memoryItems()
  const objects = memoryObjects()
  const sandbox = ({ clock = systemClock }: { clock?: Clock } = {}): Sandbox => {
    const meter = new StoreMeter()
    const one: { write: Sandbox['write'] } = { write: (operations, next) => next(operations) }
    const ours = {
      items: meterItems({ ...items, write: operations => one.write(operations, items.write) }, meter),
      objects: meterObjects(objects, meter),
      clock,
      random: systemRandom,
      logger: silentLogger,
    }
    const log = openLog({ ...ours, flushBudget: Number.POSITIVE_INFINITY, shardSize })
    return Object.assign(one, { log, meter, ingest: new Ingest({ ...ours, log, topic: TOPIC }) })
  }
  const reader = sandbox()
  const topic = await reader.log.topics.create({ name: TOPIC, partitions })
  const contents = async (from = 0) => {
    const found: { partition: number; key: string | null; value: string }[] = []
    for (let partition = 0; partition < partitions; partition++) {
      const { batches } = await reader.log.read({
        topic,
        partition,
        offset: from,
        maxBytes: 1e9,
        atLeastOneBatch: true,
        isolation: 'read_uncommitted',
      })
      for (const batch of batches.flatMap(bytes => splitBatches(bytes))) {
        if (batch.isControl) continue
        for (const { key, value } of readRecords(batch)) {
          found.push({ partition, key: key && Buffer.from(key).toString(), value: Buffer.from(value!).toString() })
        }
      }
    }
    return found
  }
  return { items, objects, topic, sandbox, contents }
}

export function record(value: string, { key = null, minute = 0 }: { key?: string | null; minute?: number } = {}) {
  const made: SourceRecord = {
    id: `id of ${value}`,
    time: MINUTE + minute * 60_000,
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(value),
    headers: [],
    receipt: value,
  }
  return made
}

export function delivery(records: readonly SourceRecord[]): Delivery {
  return { source: 'arn:aws:sqs:us-east-1:1:orders', failures: 'each', records }
}

/** r0 … */
export function numbered(count: number, from = 0): SourceRecord[] {
  return Array.from({ length: count }, (_, i) => record(`r${from + i}`, { key: `k${(from + i) % 5}`, minute: i % 2 }))
}
