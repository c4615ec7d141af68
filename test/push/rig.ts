import { type Logger, silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { recordLine } from '../../lib/http/index.ts'
import { Leases } from '../../lib/leases/index.ts'
import { openLog, readPage, type Topic } from '../../lib/log/index.ts'
import {
  type Delivery,
  type PushBatch,
  Pusher,
  type RecordFormat,
  type RoundReport,
  Subscriptions,
  type Target,
} from '../../lib/push/index.ts'
import { buildBatch } from '../../lib/records/index.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'

/** What a target of the rig was given, and what it answers. */
export type Receive = (batch: PushBatch, attempt: number) => Delivery | Promise<Delivery>

export interface PushRig {
  readonly subscriptions: Subscriptions
  readonly pusher: Pusher
  readonly deliveries: readonly PushBatch[]
  topic(name: string, partitions?: number): Promise<Topic>
  deleteTopic(name: string): Promise<void>
  /** One batch; values as JSON. */
  produce(topic: Topic, values: readonly unknown[], options?: { partition?: number; key?: string }): Promise<void>
  /** All committed values of a partition. */
  values(topic: Topic, partition?: number): Promise<unknown[]>
  /** One round of the pusher. */
  push(withinMs?: number, shards?: ReadonlyMap<string, ReadonlySet<number>>): Promise<RoundReport>
  items: ReturnType<typeof memoryItems>
  close(): Promise<void>
}

export const delivered: Delivery = { outcome: 'delivered' }
export const hook = { kind: 'function', name: 'receiver' } as const

/** A process over stores in memory, or another over those of `of`. Its functions are `receive`, and take so many bytes in a call. */
export function openPushRig(
  receive: Receive,
  of?: PushRig & { objects?: ReturnType<typeof memoryObjects> },
  bodyBytesMax = Number.POSITIVE_INFINITY,
): PushRig {
  const items = of?.items ?? memoryItems()
  const objects = of?.objects ?? memoryObjects()
  const common = { items, objects, clock: systemClock, random: systemRandom, logger: silentLogger as Logger }
  const log = openLog({ ...common, flushBudget: Number.POSITIVE_INFINITY })
  const deliveries: PushBatch[] = []
  const targetFor = (): Target => ({
    bodyBytesMax,
    deliver: async batch => {
      deliveries.push(batch)
      return receive(batch, deliveries.length)
    },
  })
  const subscriptions = new Subscriptions({ ...common, log, targetFor })
  const leases = new Leases({ ...common, owner: 'test' })
  const format: RecordFormat = (record, place) => recordLine(record, place, {})
  const pusher = new Pusher({ ...common, log, leases, subscriptions, targetFor, loadFormat: async () => format })
  const rig = {
    ...{ subscriptions, pusher, deliveries, items, objects },
    topic: (name: string, partitions = 1) => log.topics.create({ name, partitions }),
    deleteTopic: (name: string) => log.topics.delete(name),
    produce: async (topic: Topic, values: readonly unknown[], { partition = 0, key = 'k' } = {}) => {
      const records = values.map(value => ({
        timestamp: 1_000,
        key: Buffer.from(key),
        value: Buffer.from(JSON.stringify(value)),
      }))
      await log.append({ topic, partition, batch: buildBatch({ records }), timeoutMs: 10_000 })
    },
    values: async (topic: Topic, partition = 0) => {
      const bounds = { recordsMax: 1_000, bytesMax: 1_000_000, isolation: 'read_committed' } as const
      const { records } = await readPage(log, { topic, partition, offset: 0, ...bounds })
      return records.map(({ value }) => JSON.parse(String(value)))
    },
    push: (withinMs = 20_000, shards?: ReadonlyMap<string, ReadonlySet<number>>) =>
      pusher.runOnce({ withinMs, signal: new AbortController().signal, ...(shards ? { shards } : {}) }),
    close: async () => {
      await pusher.close()
      await log.close()
    },
  }
  return rig
}

export function valuesOf(batches: readonly PushBatch[]): unknown[][] {
  return batches.map(({ records }) => records.map(({ value }) => JSON.parse(String(value))))
}
