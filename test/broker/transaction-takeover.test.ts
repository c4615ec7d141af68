/** What a gateway that is gone has left open, another one ends. */
import { expect, test } from 'vitest'
import { silentLogger, systemRandom } from '../../lib/base/index.ts'
import { Gateways, TransactionTakeover } from '../../lib/broker/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type Process, readPartition, Stores, TestProducer } from '../transactions/rig.ts'

async function startGateway(
  stores: Stores,
  clock: ManualClock,
  port: number,
): Promise<{ at: Process; cluster: Gateways }> {
  const common = { items: stores.items, clock, random: systemRandom, logger: silentLogger }
  const cluster = await Gateways.join({ ...common, advertised: { host: '127.0.0.1', port, rack: null } })
  const at = stores.start(clock)
  new TransactionTakeover({ transactions: at.transactions, cluster, clock, logger: silentLogger })
  return { at, cluster }
}

test('the transactions of a gateway that died are aborted when their time is over', async () => {
  const [stores, clock] = [new Stores(), new ManualClock()]
  const first = await startGateway(stores, clock, 1)
  const second = await startGateway(stores, clock, 2)
  await clock.advance(30_000)
  expect(second.cluster.gateways()).toHaveLength(2)
  const topic = await first.at.log.topics.create({ name: 't', partitions: 2 })
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const id of ids) {
    const producer = new TestProducer({ id, timeoutMs: 60_000 })
    await producer.init(first.at)
    await producer.send(first.at, topic, 0, id)
  }
  first.at.kill()
  await first.cluster.close()
  await clock.advance(30_000)
  expect((await readPartition(second.at, topic, 0)).isStable).toBe(false)
  await clock.advance(60_000)
  expect(await readPartition(second.at, topic, 0)).toEqual({ values: [], isStable: true })
  for (const id of ids) expect((await second.at.transactions.describe(id)).state).toBe('CompleteAbort')
})

test('a gateway that starts finishes what was decided', async () => {
  const [stores, clock] = [new Stores(), new ManualClock()]
  const before = stores.start(clock)
  const topic = await before.log.topics.create({ name: 't', partitions: 2 })
  const producer = new TestProducer()
  await producer.init(before)
  await producer.send(before, topic, 0, 'a')
  before.onWrite = (operations, next) => {
    if (operations[0]!.key.pk === 'txn#tx') before.kill()
    return next(operations)
  }
  producer.end(before, 'commit').catch(() => undefined)
  await clock.advance(1)
  const { at } = await startGateway(stores, clock, 1)
  await clock.advance(10)
  expect((await readPartition(at, topic, 0)).values).toEqual(['a'])
})
