/** What producers and readers are promised, over the real log and groups. */
import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import type { Topic } from '../../lib/log/index.ts'
import { StoreError, type WriteOperation } from '../../lib/storage/index.ts'
import { expireTransactionalIdsJob } from '../../lib/transactions/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { runJob } from '../support/upkeep-pass.ts'
import { committedOffset, type Process, readPartition, Stores, TestProducer } from './rig.ts'

async function start(processes = 1) {
  const stores = new Stores()
  const all = Array.from({ length: processes }, () => stores.start())
  const topic = await all[0]!.log.topics.create({ name: 't', partitions: 2 })
  return { stores, all, at: all[0]!, other: all[1]!, topic }
}

function refusal(code: string) {
  return expect.objectContaining({ code })
}

async function readBoth(at: Process, topic: Topic) {
  return [await readPartition(at, topic, 0), await readPartition(at, topic, 1)].map(({ values }) => values)
}

describe.each([1, 2] as const)('by protocol %i', protocol => {
  test('a committed transaction is seen as a whole, an aborted one never', async () => {
    const { at, topic } = await start()
    const producer = new TestProducer({ protocol })
    await producer.init(at)
    for (const [outcome, value] of [
      ['commit', 'a'],
      ['abort', 'b'],
      ['commit', 'c'],
    ] as const) {
      await producer.send(at, topic, 0, `${value}0`)
      await producer.send(at, topic, 1, `${value}1`)
      await producer.stage(at, topic, value.charCodeAt(0))
      expect(await committedOffset(at, topic)).toBe('unstable')
      await producer.end(at, outcome)
    }
    expect(await readBoth(at, topic)).toEqual([
      ['a0', 'c0'],
      ['a1', 'c1'],
    ])
    expect(await committedOffset(at, topic)).toBe('c'.charCodeAt(0))
    expect((await readPartition(at, topic, 0, 'read_uncommitted')).values).toEqual(['a0', 'b0', 'c0'])
  })

  test('each request may go to another process', async () => {
    const { at, other, topic } = await start(2)
    const producer = new TestProducer({ protocol })
    await producer.init(at)
    for (let n = 0; n < 6; n++) {
      const [here, there] = n % 2 === 0 ? [at, other] : [other, at]
      await producer.send(here, topic, 0, `${n}`)
      await producer.send(there, topic, 1, `${n}`)
      await producer.stage(there, topic, n)
      await producer.end(here, 'commit')
    }
    const all = ['0', '1', '2', '3', '4', '5']
    expect(await readBoth(other, topic)).toEqual([all, all])
    expect(await committedOffset(at, topic)).toBe(5)
  })

  test('a new producer fences the old one, wherever that writes, and its open transaction is aborted', async () => {
    const { at, other, topic } = await start(2)
    const [old, fresh] = [new TestProducer({ protocol }), new TestProducer({ protocol })]
    await old.init(at)
    await old.send(at, topic, 0, 'old')
    await old.stage(at, topic, 7)
    const request = { transactionalId: 'tx', ...old.identity, partitions: [{ topicId: topic.id, partition: 0 }] }
    const transaction = await at.transactions.admit({ ...request, protocol })
    await fresh.init(other)
    expect(fresh.identity.producerEpoch).toBeGreaterThan(old.identity.producerEpoch)
    await expect(old.append(at, topic, 0, 'zombie', transaction)).rejects.toEqual(refusal('INVALID_PRODUCER_EPOCH'))
    await expect(old.end(at, 'commit')).rejects.toEqual(refusal('PRODUCER_FENCED'))
    await expect(old.send(at, topic, 1, 'zombie')).rejects.toEqual(refusal('PRODUCER_FENCED'))
    await expect(old.stage(at, topic, 8)).rejects.toEqual(refusal('PRODUCER_FENCED'))
    expect(await committedOffset(at, topic)).toBe(-1)
    await fresh.send(other, topic, 0, 'fresh')
    await fresh.end(other, 'commit')
    expect(await readBoth(at, topic)).toEqual([['fresh'], []])
  })

  test('what was let in late is void once its transaction has ended, in partitions and groups', async () => {
    const { at, other, topic } = await start(2)
    const producer = new TestProducer({ protocol })
    await producer.init(at)
    await producer.send(at, topic, 0, 'a')
    await producer.stage(at, topic, 1)
    const late = producer.twin()
    await producer.end(other, 'commit')
    await expect(late.append(at, topic, 0, 'late', 1)).rejects.toEqual(
      refusal(protocol === 1 ? 'INVALID_TXN_STATE' : 'INVALID_PRODUCER_EPOCH'),
    )
    const offsets = [{ topicId: topic.id, partition: 0, offset: 99, leaderEpoch: -1, metadata: '' }]
    const member = { groupId: 'g', memberId: '', instanceId: undefined, generation: -1 }
    const staged = await at.groups.stageOffsets({
      ...member,
      offsets,
      producerId: late.identity.producerId,
      transaction: 1,
    })
    expect(staged.map(({ error }) => error)).toEqual(['INVALID_TXN_STATE'])
    await producer.send(other, topic, 0, 'b')
    await producer.end(other, 'commit')
    expect((await readPartition(at, topic, 0)).values).toEqual(['a', 'b'])
    expect(await committedOffset(at, topic)).toBe(1)
  })

  test('an end may be repeated', async () => {
    const { at, other, topic } = await start(2)
    const producer = new TestProducer({ protocol })
    await producer.init(at)
    await producer.send(at, topic, 0, 'a')
    const request = { transactionalId: 'tx', ...producer.identity, outcome: 'commit' as const, protocol }
    const [first, second] = await Promise.all([at.transactions.end(request), other.transactions.end(request)])
    expect(second).toEqual(first)
    expect(await at.transactions.end(request)).toEqual(first)
    await expect(other.transactions.end({ ...request, outcome: 'abort' })).rejects.toEqual(refusal('INVALID_TXN_STATE'))
    expect((await readPartition(at, topic, 0)).values).toEqual(['a'])
  })

  test('of a commit and an abort at once one wins, for all of it', async () => {
    for (let round = 0; round < 10; round++) {
      const { at, other, topic } = await start(2)
      const producer = new TestProducer({ protocol })
      await producer.init(at)
      await producer.send(at, topic, 0, 'a')
      await producer.send(at, topic, 1, 'a')
      await producer.stage(at, topic, 5)
      const request = { transactionalId: 'tx', ...producer.identity, protocol }
      const ends = [
        at.transactions.end({ ...request, outcome: 'commit' }),
        other.transactions.end({ ...request, outcome: 'abort' }),
      ]
      const settled = await Promise.allSettled(round % 2 === 0 ? ends : ends.reverse())
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const values = await readBoth(at, topic)
      const isCommitted = values[0]!.length > 0
      expect(values).toEqual(isCommitted ? [['a'], ['a']] : [[], []])
      expect(await committedOffset(at, topic)).toBe(isCommitted ? 5 : -1)
    }
  })

  test('processes that add partitions at once add them all', async () => {
    const { all, at } = await start(4)
    const wide = await at.log.topics.create({ name: 'wide', partitions: 12 })
    const producer = new TestProducer({ protocol })
    await producer.init(at)
    await Promise.all(Array.from({ length: 12 }, (_, i) => producer.send(all[i % 4]!, wide, i, `v${i}`)))
    await producer.end(all[3]!, 'commit')
    const seen = await Promise.all(Array.from({ length: 12 }, (_, i) => readPartition(at, wide, i)))
    expect(seen.map(({ values }) => values)).toEqual(Array.from({ length: 12 }, (_, i) => [`v${i}`]))
  })

  test('a topic that is deleted meanwhile does not hold up the end', async () => {
    const { at, topic } = await start()
    const doomed = await at.log.topics.create({ name: 'doomed', partitions: 1 })
    const producer = new TestProducer({ protocol })
    await producer.init(at)
    await producer.send(at, doomed, 0, 'x')
    await producer.send(at, topic, 0, 'a')
    await at.log.topics.delete('doomed')
    await producer.end(at, 'commit')
    expect((await readPartition(at, topic, 0)).values).toEqual(['a'])
  })
})

describe('protocol 1', () => {
  test('refuses what was not added', async () => {
    const { at, topic } = await start()
    const producer = new TestProducer({ protocol: 1 })
    await producer.init(at)
    const request = { transactionalId: 'tx', ...producer.identity, partitions: [{ topicId: topic.id, partition: 0 }] }
    await expect(at.transactions.admit({ ...request, protocol: 1 })).rejects.toEqual(refusal('INVALID_TXN_STATE'))
    await at.transactions.addPartitions({ ...request, partitions: [{ topicId: topic.id, partition: 1 }] })
    await expect(at.transactions.admit({ ...request, protocol: 1 })).rejects.toEqual(refusal('INVALID_TXN_STATE'))
  })

  test('an end whose connection is gone does not end the next transaction', async () => {
    const { at, other, topic } = await start(2)
    const producer = new TestProducer({ protocol: 1 })
    await producer.init(at)
    await producer.send(at, topic, 0, 'a')
    const connection = new AbortController()
    const held = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    at.onWrite = async (operations, next) => {
      held.resolve()
      await released.promise
      return next(operations)
    }
    const request = { transactionalId: 'tx', ...producer.identity, protocol: 1, outcome: 'commit' } as const
    const delayed = at.transactions.end(request, connection.signal)
    const queued = at.transactions.end(request, connection.signal)
    await held.promise
    connection.abort()
    await producer.end(other, 'commit')
    await producer.send(other, topic, 0, 'b')
    released.resolve()
    await expect(delayed).rejects.toEqual(refusal('COORDINATOR_NOT_AVAILABLE'))
    await expect(queued).rejects.toEqual(refusal('COORDINATOR_NOT_AVAILABLE'))
    expect(await readPartition(other, topic, 0)).toMatchObject({ values: ['a'], isStable: false })
    await producer.end(other, 'abort')
    expect(await readPartition(other, topic, 0)).toMatchObject({ values: ['a'], isStable: true })
  })
})

describe('protocol 2', () => {
  test('a delayed end, and a repeated one, cannot touch the next transaction', async () => {
    const { at, other, topic } = await start(2)
    const producer = new TestProducer()
    await producer.init(at)
    await producer.send(at, topic, 0, 'a')
    const before = { transactionalId: 'tx', ...producer.identity, protocol: 2 as const }
    await producer.end(at, 'abort')
    await producer.send(other, topic, 0, 'b')
    for (const outcome of ['commit', 'abort'] as const) {
      await expect(at.transactions.end({ ...before, outcome })).rejects.toEqual(refusal('PRODUCER_FENCED'))
      await expect(other.transactions.end({ ...before, outcome })).rejects.toEqual(refusal('PRODUCER_FENCED'))
    }
    expect((await readPartition(at, topic, 0)).isStable).toBe(false)
    await producer.end(at, 'commit')
    expect((await readPartition(at, topic, 0)).values).toEqual(['b'])
  })

  test('an abort of nothing fences what is on its way', async () => {
    const { at, topic } = await start()
    const producer = new TestProducer()
    const { producerEpoch } = await producer.init(at)
    const request = { transactionalId: 'tx', ...producer.identity, partitions: [{ topicId: topic.id, partition: 0 }] }
    await producer.end(at, 'abort')
    expect(producer.identity.producerEpoch).toBe(producerEpoch + 1)
    await expect(at.transactions.admit({ ...request, protocol: 2 })).rejects.toEqual(refusal('PRODUCER_FENCED'))
  })

  test('goes on with a new producer id when the epochs are used up', async () => {
    const { at, topic } = await start()
    const producer = new TestProducer()
    await producer.init(at)
    const first = producer.identity.producerId
    for (let epoch = producer.identity.producerEpoch; epoch < 32_766; epoch++) await producer.end(at, 'abort')
    expect(producer.identity).toEqual({ producerId: first, producerEpoch: 32_766 })
    await producer.send(at, topic, 0, 'last')
    await producer.stage(at, topic, 3)
    const last = { transactionalId: 'tx', ...producer.identity, outcome: 'commit' as const, protocol: 2 as const }
    await producer.end(at, 'commit')
    expect(producer.identity.producerId).not.toBe(first)
    expect(producer.identity.producerEpoch).toBe(0)
    expect(await at.transactions.end(last)).toEqual(producer.identity)
    await producer.send(at, topic, 0, 'first')
    await producer.end(at, 'commit')
    expect((await readPartition(at, topic, 0)).values).toEqual(['last', 'first'])
    expect(await committedOffset(at, topic)).toBe(3)
  })
})

describe('requests that make no sense', () => {
  test('are refused', async () => {
    const { at, topic } = await start()
    const { transactions } = at
    const partitions = [{ topicId: topic.id, partition: 0 }]
    const nobody = { transactionalId: 'nobody', producerId: 1, producerEpoch: 0 }
    const init = { transactionalId: 'tx', timeoutMs: 60_000, expected: undefined }
    const refused: [Promise<unknown>, string][] = [
      [transactions.initProducer({ ...init, transactionalId: '' }), 'INVALID_REQUEST'],
      [transactions.initProducer({ ...init, transactionalId: 'x'.repeat(1_001) }), 'INVALID_REQUEST'],
      [transactions.initProducer({ ...init, timeoutMs: 900_001 }), 'INVALID_TRANSACTION_TIMEOUT'],
      [transactions.initProducer({ ...init, timeoutMs: 0 }), 'INVALID_TRANSACTION_TIMEOUT'],
      [transactions.admit({ ...nobody, partitions, protocol: 2 }), 'INVALID_PRODUCER_ID_MAPPING'],
      [transactions.end({ ...nobody, outcome: 'commit', protocol: 2 }), 'INVALID_PRODUCER_ID_MAPPING'],
      [transactions.addGroup({ ...nobody, groupId: 'x'.repeat(1_001) }), 'INVALID_GROUP_ID'],
      [transactions.describe('nobody'), 'TRANSACTIONAL_ID_NOT_FOUND'],
    ]
    for (const [promise, code] of refused) await expect(promise).rejects.toEqual(refusal(code))
    expect(await transactions.list(() => true)).toEqual([])
  })
})

describe('stores that fail', () => {
  test('a write without an answer counts once, whether it was done or not', async () => {
    for (const isDone of [true, false]) {
      const { at, topic } = await start()
      const producer = new TestProducer()
      let count = 0
      at.onWrite = async (operations, next) => {
        const isOurs = /^(txn|group)#/.test(operations[0]!.key.pk)
        if (!isOurs || ++count % 2 === 0) return next(operations)
        if (isDone) await next(operations)
        throw new StoreError('STORE_OUTCOME_UNKNOWN', 'no answer')
      }
      await producer.init(at)
      expect(producer.identity.producerEpoch).toBe(0)
      await producer.send(at, topic, 0, 'a')
      await producer.stage(at, topic, 4)
      await producer.end(at, 'commit')
      expect(producer.identity.producerEpoch).toBe(1)
      expect((await readPartition(at, topic, 0)).values).toEqual(['a'])
      expect(await committedOffset(at, topic)).toBe(4)
      expect(await at.transactions.describe('tx')).toMatchObject({ state: 'CompleteCommit' })
    }
  })

  test('that refuse are told as a coordinator that is not there, and the decision is carried out later', async () => {
    const { at, other, topic } = await start(2)
    const producer = new TestProducer()
    await producer.init(at)
    await producer.send(at, topic, 0, 'a')
    let failing = false
    at.onWrite = (operations, next) => {
      const isPrepare = operations[0]!.key.pk === 'txn#tx'
      if (failing) throw new StoreError('STORE_REFUSED', 'full')
      failing = isPrepare
      return next(operations)
    }
    await expect(producer.end(at, 'commit')).rejects.toEqual(refusal('COORDINATOR_NOT_AVAILABLE'))
    expect((await readPartition(other, topic, 0)).isStable).toBe(false)
    await producer.end(other, 'commit')
    expect((await readPartition(at, topic, 0)).values).toEqual(['a'])
  })
})

describe('a transaction that is left alone', () => {
  async function leave() {
    const stores = new Stores()
    const clock = new ManualClock()
    const at = stores.start(clock)
    const topic = await at.log.topics.create({ name: 't', partitions: 2 })
    const producer = new TestProducer({ timeoutMs: 10_000 })
    await producer.init(at)
    await producer.send(at, topic, 0, 'a')
    await producer.stage(at, topic, 5)
    return { stores, clock, at, topic, producer }
  }

  test('is aborted when its timeout has passed, by the process that knows of it', async () => {
    const { clock, at, topic, producer } = await leave()
    await clock.advance(9_000)
    expect((await readPartition(at, topic, 0)).isStable).toBe(false)
    await clock.advance(2_000)
    expect(await readPartition(at, topic, 0)).toEqual({ values: [], isStable: true })
    expect(await committedOffset(at, topic)).toBe(-1)
    await expect(producer.send(at, topic, 0, 'b')).rejects.toEqual(refusal('PRODUCER_FENCED'))
    await producer.end(at, 'abort')
    await producer.send(at, topic, 0, 'c')
    await producer.end(at, 'commit')
    expect((await readPartition(at, topic, 0)).values).toEqual(['c'])
  })

  test('is aborted by another process when the first is gone', async () => {
    const { stores, clock, at, topic } = await leave()
    at.kill()
    const later = stores.start(clock)
    await later.transactions.takeOver(() => true)
    await clock.advance(11_000)
    expect(await readPartition(later, topic, 0)).toEqual({ values: [], isStable: true })
    expect(await later.transactions.describe('tx')).toMatchObject({ state: 'CompleteAbort' })
  })

  test('that began when its process was gone, and others had looked for what it left, is aborted when upkeep has passed', async () => {
    const stores = new Stores()
    const clock = new ManualClock()
    const [at, later] = [stores.start(clock), stores.start(clock)]
    const topic = await at.log.topics.create({ name: 't', partitions: 1 })
    const producer = new TestProducer({ timeoutMs: 10_000 })
    await producer.init(at)
    const onItsWay = Promise.withResolvers<readonly WriteOperation[]>()
    at.onWrite = operations => {
      onItsWay.resolve(operations)
      return new Promise(() => {})
    }
    void producer.send(at, topic, 0, 'a')
    const delayed = await onItsWay.promise
    at.kill()
    await later.transactions.takeOver(() => true)
    expect(await stores.items.write(delayed)).toMatchObject({ written: true })
    await clock.advance(20_000)
    expect(await later.transactions.describe('tx')).toMatchObject({ state: 'Ongoing' })
    const parts = {
      items: stores.items,
      clock,
      random: systemRandom,
      watch: later.transactions.watch.bind(later.transactions),
    }
    const job = expireTransactionalIdsJob(parts, { transactionalIdExpirationMs: 3_600_000, intervalMs: 1_000 })
    expect(await runJob(job, { dry: true })).toEqual([])
    await clock.advance(11_000)
    expect(await later.transactions.describe('tx')).toMatchObject({ state: 'Ongoing' })
    expect(await runJob(job, {})).toEqual([])
    await clock.advance(11_000)
    expect(await later.transactions.describe('tx')).toMatchObject({ state: 'CompleteAbort' })
  })

  test('and nothing is written while nothing happens', async () => {
    const { clock, at, producer } = await leave()
    await producer.end(at, 'commit')
    let writes = 0
    at.onWrite = (operations, next) => {
      writes++
      return next(operations)
    }
    await clock.advance(3_600_000)
    expect(writes).toBe(0)
  })

  test('is not aborted for its successor: each transaction has its own time', async () => {
    const { clock, at, topic, producer } = await leave()
    await clock.advance(9_000)
    await producer.end(at, 'commit')
    await producer.send(at, topic, 0, 'b')
    await clock.advance(9_000)
    await producer.end(at, 'commit')
    expect((await readPartition(at, topic, 0)).values).toEqual(['a', 'b'])
  })

  test('decided and not finished, it is finished by whoever comes across it', async () => {
    const { stores, clock, at, topic, producer } = await leave()
    at.onWrite = (operations, next) => {
      if (operations[0]!.key.pk === 'txn#tx') at.kill()
      return next(operations)
    }
    const end = producer.end(at, 'commit')
    end.catch(() => undefined)
    await clock.advance(1)
    const later = stores.start(clock)
    expect((await later.transactions.describe('tx')).state).toBe('PrepareCommit')
    await later.transactions.takeOver(() => true)
    expect((await readPartition(later, topic, 0)).values).toEqual(['a'])
    expect(await committedOffset(later, topic)).toBe(5)
  })
})

describe('administration', () => {
  test('tells of transactions and their partitions', async () => {
    const { at, topic } = await start()
    const producer = new TestProducer()
    await producer.init(at)
    await producer.send(at, topic, 1, 'a')
    await new TestProducer({ id: 'another' }).init(at)
    expect(await at.transactions.describe('tx')).toMatchObject({
      transactionalId: 'tx',
      state: 'Ongoing',
      timeoutMs: 60_000,
      ...producer.identity,
      topics: [{ topicId: topic.id, partitions: [1] }],
    })
    const listed = await at.transactions.list(() => true)
    expect(listed.map(({ transactionalId, state }) => [transactionalId, state])).toEqual([
      ['another', 'Empty'],
      ['tx', 'Ongoing'],
    ])
    expect(await at.transactions.list(id => id === 'another')).toHaveLength(1)
  })

  test('an open transaction is aborted as a whole, one that nobody knows of in its partition', async () => {
    const { at, topic } = await start()
    const producer = new TestProducer()
    await producer.init(at)
    await producer.send(at, topic, 0, 'a')
    await producer.send(at, topic, 1, 'a')
    const stranger = new TestProducer()
    stranger.identity = { producerId: 77, producerEpoch: 3 }
    await stranger.append(at, topic, 1, 'hanging', 12)
    await expect(at.transactions.abort({ topic, partition: 1, producerId: 77, producerEpoch: 2 })).rejects.toEqual(
      refusal('INVALID_PRODUCER_EPOCH'),
    )
    await at.transactions.abort({ topic, partition: 1, ...stranger.identity })
    await at.transactions.abort({ topic, partition: 0, ...producer.identity })
    expect(await readPartition(at, topic, 0)).toEqual({ values: [], isStable: true })
    expect(await readPartition(at, topic, 1)).toEqual({ values: [], isStable: true })
    await expect(producer.end(at, 'commit')).rejects.toEqual(refusal('INVALID_TXN_STATE'))
    await at.transactions.abort({ topic, partition: 0, ...producer.identity })
  })
})
