import { vi } from 'vitest'
import type { Log } from '../../lib/log/index.ts'
import { batchOf } from './batches.ts'
import { memoryItems, memoryObjects } from './memory-stores.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'

/** Two gateways over one store, each in a zone of its own, and topic `t` of one partition with some records. */
export interface TwoZones {
  readonly records: number
  /** The zone of the partition's leader, and the other one. */
  readonly near: string
  readonly far: string
  brokerIn(rack: string): TestBroker
  /** The zones of the gateways that records were read at since the last call. */
  takeReadAt(): string[]
  close(): Promise<void>
}

const records = 10

export async function startTwoZones(): Promise<TwoZones> {
  const stores = { objects: memoryObjects(), items: memoryItems() }
  const readAt = new Set<string>()
  const brokers = new Map<string, TestBroker>()
  for (const rack of ['a', 'b']) {
    const wrapLog = (log: Log) => noting(log, () => readAt.add(rack))
    brokers.set(rack, await startTestBroker({ stores, rack, wrapLog }))
  }
  const { log, cluster } = brokers.get('a')!
  await vi.waitFor(() => {
    if (cluster.gateways().length < 2) throw new Error('the gateways do not know of each other')
  }, 10_000)
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  const near = cluster.leaderOf(topic.id, 0).rack!
  const values = Array.from({ length: records }, (_, i) => String(i))
  await log.append({ topic, partition: 0, batch: batchOf(values), timeoutMs: 5_000 })
  return {
    records,
    near,
    far: near === 'a' ? 'b' : 'a',
    brokerIn: rack => brokers.get(rack)!,
    takeReadAt: () => {
      const racks = [...readAt]
      readAt.clear()
      return racks
    },
    close: async () => {
      for (const broker of brokers.values()) await broker.close()
    },
  }
}

function noting(log: Log, note: () => void): Log {
  const read: Log['read'] = async request => {
    const result = await log.read(request)
    if (result.batches.length > 0) note()
    return result
  }
  return new Proxy(log, {
    get(target, name) {
      if (name === 'read') return read
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
