/** Transactional ids that nobody uses are forgotten, and who comes back is somebody new (KIP-98, transactional.id.expiration.ms). */
import { describe, expect, test } from 'vitest'
import { type Clock, systemClock, systemRandom } from '../../lib/base/index.ts'
import { expireGroupsJob } from '../../lib/groups/index.ts'
import { expireTransactionalIdsJob } from '../../lib/transactions/index.ts'
import { runJob } from '../support/upkeep-pass.ts'
import { Stores, TestProducer } from './rig.ts'

const DAY = 24 * 3_600_000

async function openRig() {
  const stores = new Stores()
  let ahead = 0
  const clock: Clock = {
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic(),
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
  }
  const process = stores.start(clock)
  const topic = await process.log.topics.create({ name: 'orders', partitions: 1 })
  const settings = { transactionalIdExpirationMs: 7 * DAY, intervalMs: 1_000 }
  const job = expireTransactionalIdsJob({ items: stores.items, clock, random: systemRandom }, settings)
  const expire = async (afterMs: number, options = {}) => {
    ahead += afterMs
    return (await runJob(job, options)).map(({ what }) => what)
  }
  const keys = () =>
    [...stores.items.items.values()].map(({ key }) => key.pk).filter(pk => /^(txn|transactions)/.test(pk))
  return { stores, clock, process, topic, expire, keys }
}

test('an id that was idle for so long is forgotten; its producer is told, and gets a producer id that nobody had', async () => {
  const { process, topic, expire, keys } = await openRig()
  const producer = new TestProducer()
  await producer.init(process)
  await producer.send(process, topic, 0, 'a')
  await producer.end(process, 'commit')
  const before = producer.identity
  expect(await expire(7 * DAY - 60_000)).toEqual([])
  expect(await expire(60_000, { dry: true })).toEqual(['transactional id tx'])
  expect(keys()).toHaveLength(2)
  expect(await expire(0)).toEqual(['transactional id tx'])
  expect(keys()).toEqual([])
  expect(await process.transactions.list(() => true)).toEqual([])
  await expect(producer.send(process, topic, 0, 'b')).rejects.toMatchObject({ code: 'INVALID_PRODUCER_ID_MAPPING' })
  await expect(producer.end(process, 'commit')).rejects.toMatchObject({ code: 'INVALID_PRODUCER_ID_MAPPING' })
  const after = await producer.init(process, before)
  expect(after.producerId).toBeGreaterThan(before.producerId)
  await producer.send(process, topic, 0, 'c')
  await producer.end(process, 'commit')
  expect(await expire(7 * DAY - 60_000)).toEqual([])
})

test.each([1, 2] as const)(
  'a transaction that is open, or decided and not finished, keeps its id: protocol %d',
  async protocol => {
    const { process, topic, expire, keys } = await openRig()
    const producer = new TestProducer({ protocol })
    await producer.init(process)
    await producer.send(process, topic, 0, 'a')
    expect(await expire(20 * DAY)).toEqual([])
    // The marker is not to be written: the decision stands, and nobody was told.
    const write = process.onWrite
    process.onWrite = (operations, next) =>
      operations.some(({ key }) => key.pk.startsWith('s#')) ? new Promise(() => {}) : next(operations)
    void producer.end(process, 'commit').catch(() => undefined)
    await new Promise(resolve => setTimeout(resolve))
    process.onWrite = write
    expect((await process.transactions.describe('tx')).state).toBe('PrepareCommit')
    expect(await expire(20 * DAY)).toEqual([])
    expect(keys()).toHaveLength(2)
  },
)

describe('frozen for the whole time', () => {
  test('the write that made the document makes nothing any more', async () => {
    const { stores, process, expire, keys } = await openRig()
    const sent: Parameters<typeof stores.items.write>[0][] = []
    process.onWrite = (operations, next) => {
      sent.push(operations)
      return next(operations)
    }
    await new TestProducer().init(process)
    const made = sent.find(operations => operations.some(({ key }) => key.pk === 'txn#tx'))!
    expect(await expire(7 * DAY)).toEqual(['transactional id tx'])
    expect((await stores.items.write(made)).written).toBe(false)
    expect(keys()).toEqual([])
    // Nor once somebody else has it, in the same number of steps.
    await new TestProducer().init(process)
    expect((await stores.items.write(made)).written).toBe(false)
  })

  test("a batch of the first life changes nothing in the second's partition", async () => {
    const { stores, clock, process, topic, expire } = await openRig()
    const old = new TestProducer()
    await old.init(process)
    await old.send(process, topic, 0, 'a')
    const { identity } = old
    // Let in, and not appended yet.
    const transaction = await process.transactions.admit({
      transactionalId: 'tx',
      ...identity,
      partitions: [{ topicId: topic.id, partition: 0 }],
      protocol: 2,
    })
    await old.end(process, 'commit')
    expect(await expire(7 * DAY)).toEqual(['transactional id tx'])
    const young = new TestProducer()
    await young.init(stores.start(clock))
    await young.send(process, topic, 0, 'b')
    const zombie = Object.assign(new TestProducer(), { identity })
    await expect(zombie.append(process, topic, 0, 'late', transaction)).rejects.toMatchObject({
      code: expect.any(String),
    })
    await young.end(process, 'commit')
    const committed = await process.log.read({
      topic,
      partition: 0,
      offset: 0,
      maxBytes: 1_000_000,
      atLeastOneBatch: true,
      isolation: 'read_committed',
    })
    expect(committed.lastStableOffset).toBe(committed.endOffset)
    expect(Buffer.concat(committed.batches).includes('late')).toBe(false)
  })

  test('a change that was decided before the end of the life fits no more', async () => {
    const { stores, process, topic, expire, keys } = await openRig()
    const producer = new TestProducer()
    await producer.init(process)
    let late: Parameters<typeof stores.items.write>[0] | undefined
    process.onWrite = (operations, next) => {
      if (!operations.some(({ key }) => key.pk === 'txn#tx')) return next(operations)
      late = operations
      return new Promise(() => {})
    }
    void producer.send(process, topic, 0, 'a')
    await new Promise(resolve => setTimeout(resolve))
    expect(await expire(7 * DAY)).toEqual(['transactional id tx'])
    expect((await stores.items.write(late!)).written).toBe(false)
    expect(keys()).toEqual([])
  })
})

test('an id that is used while it is being forgotten stays', async () => {
  const { stores, process, topic, expire, keys } = await openRig()
  const producer = new TestProducer()
  await producer.init(process)
  const { get } = stores.items
  let used = false
  stores.items.get = async key => {
    const item = await get(key)
    if (key.pk.startsWith('lifetimes#') && !used) {
      used = true
      await producer.send(process, topic, 0, 'a')
    }
    return item
  }
  expect(await expire(7 * DAY)).toEqual(['transactional id tx'])
  expect(keys()).toHaveLength(2)
  await producer.end(process, 'commit')
})

test('an offset that a gateway was about to stage when it froze is not staged once its transaction has ended and its group expired', async () => {
  const { stores, clock, process, topic } = await openRig()
  const sleeper = stores.start(clock)
  const producer = new TestProducer()
  await producer.init(sleeper)
  await producer.send(sleeper, topic, 0, 'a')
  const frozen = Promise.withResolvers<void>()
  const thawed = Promise.withResolvers<void>()
  sleeper.onWrite = async (operations, next) => {
    // The transaction has the block already; what stages the offset is on its way.
    if (operations.some(({ key }) => key.pk.startsWith('group#'))) {
      frozen.resolve()
      await thawed.promise
    }
    return next(operations)
  }
  const late = producer.stage(sleeper, topic, 7)
  await frozen.promise
  const successor = new TestProducer()
  await successor.init(process)
  const groups = expireGroupsJob(
    { items: stores.items, clock, random: systemRandom, topics: process.log.topics },
    { offsetsRetentionMs: 0, intervalMs: 1_000 },
  )
  while ((await runJob(groups)).length > 0) {}
  expect([...stores.items.items.values()].filter(({ key }) => key.pk.startsWith('group#'))).toEqual([])
  thawed.resolve()
  expect(await late).toEqual(['INVALID_TXN_STATE'])
  const offsets = await process.groups.fetchOffsets({ groupId: 'g', partitions: undefined, requireStable: true })
  expect(offsets).toEqual([])
})
