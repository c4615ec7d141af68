import { describe, expect, test } from 'vitest'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type Isolation, type Log, openLog, type Topic } from '../../lib/log/index.ts'
import { buildBatch, readEndTransactionMarker, readRecords, viewBatch } from '../../lib/records/index.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'

function openStores() {
  const stores = { objects: memoryObjects(), items: memoryItems() }
  const surroundings = { clock: systemClock, random: systemRandom, logger: silentLogger }
  return () => openLog({ ...stores, ...surroundings, flushBudget: Number.POSITIVE_INFINITY })
}

interface Sent {
  producerId: number
  baseSequence: number
  transaction?: number
  producerEpoch?: number
}

function send(log: Log, topic: Topic, value: string, { transaction, ...producer }: Sent) {
  const records = [{ timestamp: 1_000, key: null, value: Buffer.from(value), headers: [] }]
  const isTransactional = transaction !== undefined
  const batch = buildBatch({ records, producerEpoch: 0, ...producer, isTransactional })
  return log.append({ topic, partition: 0, batch, timeoutMs: 5_000, ...(isTransactional ? { transaction } : {}) })
}

function end(log: Log, topic: Topic, producerId: number, transaction: number, outcome: 'commit' | 'abort') {
  return log.endTransaction({
    topic,
    partition: 0,
    producerId,
    producerEpoch: 0,
    transaction,
    outcome,
    timeoutMs: 5_000,
  })
}

async function readAll(log: Log, topic: Topic, isolation: Isolation) {
  const values: string[] = []
  const aborted: { producerId: number; firstOffset: number }[] = []
  for (let offset = 0; ; ) {
    const request = { topic, partition: 0, offset, maxBytes: 1_000_000, atLeastOneBatch: true, isolation }
    const { batches, abortedTransactions } = await log.read(request)
    if (batches.length === 0) return { values, aborted }
    aborted.push(...abortedTransactions)
    for (const bytes of batches) {
      const view = viewBatch(bytes)
      expect(view.baseOffset).toBe(offset)
      offset += view.recordCount
      if (view.isControl) values.push(`<${readEndTransactionMarker(view)?.outcome}>`)
      else values.push(...[...readRecords(view)].map(record => String(record.value)))
    }
  }
}

describe('transactions in a partition', () => {
  test('committed readers stop at the first open transaction', async () => {
    const open = openStores()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, 'plain', { producerId: -1, baseSequence: -1 })
    await send(log, topic, 'a1', { producerId: 1, baseSequence: 0, transaction: 1 })
    await send(log, topic, 'b1', { producerId: 2, baseSequence: 0, transaction: 1 })
    expect((await readAll(log, topic, 'read_committed')).values).toEqual(['plain'])
    expect((await readAll(log, topic, 'read_uncommitted')).values).toEqual(['plain', 'a1', 'b1'])
    await end(log, topic, 2, 1, 'commit')
    expect((await readAll(open(), topic, 'read_committed')).values).toEqual(['plain'])
    await end(log, topic, 1, 1, 'abort')
    const { values, aborted } = await readAll(open(), topic, 'read_committed')
    expect(values).toEqual(['plain', 'a1', 'b1', '<commit>', '<abort>'])
    expect(aborted).toEqual([{ producerId: 1, firstOffset: 1 }])
  })

  test('a transaction that has ended takes no batch, by whatever process, and ends once', async () => {
    const open = openStores()
    const [log, other] = [open(), open()]
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, 'a', { producerId: 1, baseSequence: 0, transaction: 1 })
    await end(other, topic, 1, 1, 'commit')
    await end(log, topic, 1, 1, 'commit')
    await end(log, topic, 1, 1, 'abort')
    const late = send(log, topic, 'late', { producerId: 1, baseSequence: 1, transaction: 1 })
    await expect(late).rejects.toThrow(expect.objectContaining({ code: 'INVALID_TXN_STATE' }))
    await send(log, topic, 'next', { producerId: 1, baseSequence: 1, transaction: 2 })
    const { values, aborted } = await readAll(log, topic, 'read_uncommitted')
    expect(values).toEqual(['a', '<commit>', 'next'])
    expect(aborted).toEqual([])
  })

  test('an end that nothing came before voids what comes late', async () => {
    const log = openStores()()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await end(log, topic, 1, 3, 'abort')
    const late = send(log, topic, 'late', { producerId: 1, baseSequence: 0, transaction: 3 })
    await expect(late).rejects.toThrow(expect.objectContaining({ code: 'INVALID_TXN_STATE' }))
    expect((await readAll(log, topic, 'read_committed')).values).toEqual(['<abort>'])
  })

  test('the state of transactions survives chunks and snapshots', async () => {
    const open = openStores()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    await send(log, topic, 'open', { producerId: 9, baseSequence: 0, transaction: 5 })
    for (let n = 1; n <= 600; n++) {
      await send(log, topic, `v${n}`, { producerId: 1, baseSequence: n - 1, transaction: n })
      await end(log, topic, 1, n, n % 2 === 0 ? 'commit' : 'abort')
    }
    const fresh = open()
    expect((await fresh.activeProducers(topic, 0)).find(({ producerId }) => producerId === 9)).toMatchObject({
      transactionStartOffset: 0,
    })
    expect((await readAll(fresh, topic, 'read_committed')).values).toEqual([])
    const late = send(fresh, topic, 'late', { producerId: 1, baseSequence: 600, transaction: 600 })
    await expect(late).rejects.toThrow(expect.objectContaining({ code: 'INVALID_TXN_STATE' }))
    await end(fresh, topic, 9, 5, 'commit')
    const { values, aborted } = await readAll(open(), topic, 'read_committed')
    expect(values.length).toBe(1 + 600 * 2 + 1)
    expect(new Set(aborted.map(({ firstOffset }) => firstOffset)).size).toBe(300)
  })
})
