/**
 * A topic that is deleted and made again under its producers: those that were there before number their batches on, and who is new begins at 0. What
 * a producer sent later is never taken before what it sent earlier and sends again, nor anything twice.
 */
import { expect, test } from 'vitest'
import { silentLogger, systemRandom } from '../../lib/base/index.ts'
import { Leases } from '../../lib/leases/index.ts'
import { type Log, type Topic, Upkeep } from '../../lib/log/index.ts'
import { PRODUCER_ID_BLOCK } from '../../lib/log/producers/producer-ids.ts'
import { buildBatch } from '../../lib/records/index.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { drain, gate, lost, openRig, readAll, send, stateOf, touchesHead } from './rig.ts'
import { HOUR } from './upkeep-rig.ts'

const OUT_OF_ORDER = expect.objectContaining({ code: 'OUT_OF_ORDER_SEQUENCE' })
const UNKNOWN_TOPIC = expect.objectContaining({ code: 'UNKNOWN_TOPIC' })
const BEHIND = /earlier batch .* failed/

test('a producer goes on where it was in the topic that is made again, and there each batch is stored once', async () => {
  const { open } = openRig()
  const [log, other] = [open(), open()]
  const { producerId, remade } = await openRemade(log, 17)
  expect(await send(other, remade, ['17'], { producerId, baseSequence: 17 })).toMatchObject({ duplicate: false })
  expect(await send(log, remade, ['17'], { producerId, baseSequence: 17 })).toMatchObject({ duplicate: true })
  await expect(send(other, remade, ['19'], { producerId, baseSequence: 19 })).rejects.toThrow(OUT_OF_ORDER)
  await send(other, remade, ['18'], { producerId, baseSequence: 18 })
  expect(await readAll(log, remade)).toEqual(['17', '18'])
})

test('a producer goes on through many lives of a topic, also past one in which it sent nothing', async () => {
  const log = openRig().open()
  let topic = await log.topics.create({ name: 't', partitions: 1 })
  const producerId = await log.producerIds.next()
  for (let baseSequence = 0; baseSequence < 6; baseSequence++) {
    await send(log, topic, [`${baseSequence}`], { producerId, baseSequence })
    for (let life = 0; life < (baseSequence % 3) + 1; life++) topic = await remake(log, 't')
  }
  await send(log, topic, ['6'], { producerId, baseSequence: 6 })
  expect(await readAll(log, topic)).toEqual(['6'])
})

test('what a transaction sends to the topic made again is ended there', async () => {
  const log = openRig().open()
  const { producerId, remade } = await openRemade(log, 17)
  await send(log, remade, ['17'], { producerId, baseSequence: 17, transaction: 4 })
  const marker = { producerId, producerEpoch: 0, transaction: 4, outcome: 'abort', timeoutMs: 5_000 } as const
  await log.endTransaction({ topic: remade, partition: 0, ...marker })
  await expect(send(log, remade, ['18'], { producerId, baseSequence: 18, transaction: 4 })).rejects.toThrow(
    expect.objectContaining({ code: 'INVALID_TXN_STATE' }),
  )
})

test('in a topic that was not made again, everybody begins at 0', async () => {
  const log = openRig().open()
  const { producerId } = await openRemade(log, 17)
  const fresh = await log.topics.create({ name: 'fresh', partitions: 1 })
  await expect(send(log, fresh, ['17'], { producerId, baseSequence: 17 })).rejects.toThrow(OUT_OF_ORDER)
})

test('a producer goes on also where upkeep has removed the tombstone, for as long as that can matter', async () => {
  const { open, clock, items } = openRig()
  const [log, other] = [open(), open()]
  const { topic, producerId } = await openWith(log, 17)
  await log.topics.delete('t')
  const left = () => [...items.items.values()].filter(({ key }) => /topics/.test(key.pk)).map(({ key }) => key)
  await forgetTopics(log, { clock, items })
  expect(left()).toEqual([{ pk: 'former-topics', sk: 't' }])
  await log.noteMissed({ name: 't' }, [missed(producerId, 17)])
  const newcomer = await log.producerIds.next()
  const remade = await other.topics.create({ name: 't', partitions: 1 })
  expect(remade.replaces?.id).toBe(topic.id)
  await expect(send(log, remade, ['18'], { producerId, baseSequence: 18 })).rejects.toThrow(BEHIND)
  await send(log, remade, ['17'], { producerId, baseSequence: 17 })
  await log.topics.delete('t')
  await forgetTopics(log, { clock, items })
  const again = await log.topics.create({ name: 't', partitions: 1 })
  await send(log, again, ['18'], { producerId, baseSequence: 18 })
  // It has sent nothing, but was there before the name was forgotten a second time.
  await send(log, again, ['1'], { producerId: newcomer, baseSequence: 1 })
  await log.topics.delete('t')
  clock.jump(25 * HOUR)
  await forgetTopics(log, { clock, items })
  expect(left()).toEqual([])
  await send(log, await log.topics.create({ name: 't', partitions: 1 }), ['19'], { producerId, baseSequence: 19 })
})

test('of a topic that no producer can have known, nothing is left', async () => {
  const { open, clock, items, hooks } = openRig()
  const log = open()
  await log.topics.create({ name: 't', partitions: 1 })
  await log.topics.delete('t')
  const written = new Set<string>()
  hooks.write = (operations, next) => {
    for (const { key } of operations) written.add(key.pk)
    return next(operations)
  }
  await forgetTopics(log, { clock, items })
  expect(written).toContain('topics')
  expect(written).not.toContain('former-topics')
})

test('a fork in the place of a deleted topic, and one that was restored there, take the producers of that', async () => {
  const { open, clock } = openRig()
  const log = open()
  await send(log, await log.topics.create({ name: 's', partitions: 1 }), ['from the source'])
  const { producerId } = await openWith(log, 17)
  await log.topics.delete('t')
  const forked = await clock.passUntil(log.fork({ name: 't', from: 's', at: { at: 'latest' } }))
  await send(log, forked, ['17'], { producerId, baseSequence: 17 })
  expect(await readAll(log, forked)).toEqual(['from the source', '17'])
  await log.topics.delete('t')
  const { topic } = await log.restoring.begin({ name: 'half', partitions: 1 })
  await log.restoring.rename(topic, { name: 't', configs: {} })
  await send(log, (await log.topics.find({ name: 't' }))!, ['18'], { producerId, baseSequence: 18 })
})

test('who is new begins at 0, also in a process that had ids left from before', async () => {
  const { open } = openRig()
  const [log, other] = [open(), open()]
  await other.producerIds.next()
  const { producerId, remade } = await openRemade(log, 17)
  expect(remade.replaces!.nextProducerId).toBeGreaterThan(producerId + PRODUCER_ID_BLOCK / 2)
  // It has the ids of its block before it knows the topic, and none after.
  await other.topics.find({ name: 't' })
  for (const process of [log, other]) {
    const newcomer = await process.producerIds.next()
    await expect(send(process, remade, ['1'], { producerId: newcomer, baseSequence: 1 })).rejects.toThrow(OUT_OF_ORDER)
    await send(process, remade, ['0'], { producerId: newcomer, baseSequence: 0 })
  }
})

test('what a topic replaces is known wherever the answer of its making was lost, and after its partitions and configs changed', async () => {
  const { open, hooks } = openRig()
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  await log.producerIds.next()
  await log.topics.delete('t')
  const { write } = hooks
  hooks.write = async (operations, next) => {
    if (!touchesHead(operations)) return next(operations)
    hooks.write = write
    await next(operations)
    throw lost()
  }
  const { replaces } = await log.topics.create({ name: 't', partitions: 1 })
  expect(replaces).toEqual({ id: topic.id, nextProducerId: expect.any(Number) })
  await log.topics.addPartitions('t', 3)
  await log.topics.changeConfigs('t', () => ({ 'retention.ms': '86400000' }))
  expect(await open().topics.find({ name: 't' })).toMatchObject({ partitions: 3, replaces })
})

test('a batch that failed in the topic made again comes before what was sent after it', async () => {
  const { open, hooks } = openRig({ itemSegmentBytesMax: 0, segmentBytesMax: 1 })
  const log = open()
  const { producerId, remade } = await openRemade(log, 17)
  await send(log, remade, ['opens the shard'])
  const held = gate()
  let puts = 0
  hooks.put = async (key, parts, next) => {
    if (puts++ > 0) return next(key, parts)
    await held.promise
    throw new StoreError('STORE_REFUSED', 'for a test')
  }
  const first = send(log, remade, ['17'], { producerId, baseSequence: 17 })
  await drain()
  const second = send(log, remade, ['18'], { producerId, baseSequence: 18 })
  await drain()
  held.resolve()
  await expect(first).rejects.toThrow(expect.objectContaining({ code: 'STORE_REFUSED' }))
  await expect(second).rejects.toThrow(BEHIND)
  for (const baseSequence of [17, 18]) await send(log, remade, [`${baseSequence}`], { producerId, baseSequence })
  expect(await readAll(log, remade)).toEqual(['opens the shard', '17', '18'])
})

test('a batch that the deletion overtook comes before what was sent after it', async () => {
  const { open, hooks } = openRig({ itemSegmentBytesMax: 0, segmentBytesMax: 1 })
  const [log, other] = [open(), open()]
  const { topic, producerId } = await openWith(log, 17)
  const { put } = hooks
  const held = gate()
  hooks.put = async (key, parts, next) => {
    hooks.put = put
    await held.promise
    return next(key, parts)
  }
  const overtaken = send(log, topic, ['17'], { producerId, baseSequence: 17 })
  await drain()
  const remade = await remake(other, 't')
  // Not even while it is not known yet that the first has missed the topic.
  await expect(send(log, remade, ['18'], { producerId, baseSequence: 18 })).rejects.toThrow(BEHIND)
  held.resolve()
  await expect(overtaken).rejects.toThrow(UNKNOWN_TOPIC)
  await expect(send(log, remade, ['18'], { producerId, baseSequence: 18 })).rejects.toThrow(BEHIND)
  for (const baseSequence of [17, 18]) await send(log, remade, [`${baseSequence}`], { producerId, baseSequence })
  expect(await readAll(log, remade)).toEqual(['17', '18'])
})

for (const key of ['name', 'id'] as const) {
  test(`a batch whose topic was not there, asked for by its ${key}, comes before what was sent after it`, async () => {
    const log = openRig().open()
    const { topic, producerId } = await openWith(log, 17)
    await log.topics.delete('t')
    await log.noteMissed(key === 'id' ? { id: topic.id } : { name: 't' }, [missed(producerId, 17)])
    const remade = await log.topics.create({ name: 't', partitions: 1 })
    await expect(send(log, remade, ['18'], { producerId, baseSequence: 18 })).rejects.toThrow(BEHIND)
    for (const baseSequence of [17, 18]) await send(log, remade, [`${baseSequence}`], { producerId, baseSequence })
    // It was missed in an earlier life, which has nothing to do with the next.
    const again = await remake(log, 't')
    await send(log, again, ['19'], { producerId, baseSequence: 19 })
  })
}

test('a batch that missed the topic by a moment comes before what was sent after it', async () => {
  const log = openRig().open()
  const { producerId, remade } = await openRemade(log, 17)
  await log.noteMissed({ name: 't' }, [missed(producerId, 17), { partition: 0, batch: Buffer.from('no batch') }])
  await expect(send(log, remade, ['18'], { producerId, baseSequence: 18 })).rejects.toThrow(BEHIND)
  await send(log, remade, ['17'], { producerId, baseSequence: 17 })
  await send(log, await remake(log, 't'), ['18'], { producerId, baseSequence: 18 })
})

test('what failed while the topic lived, and was taken then by another process, is not waited for in the next', async () => {
  const { open, hooks } = openRig({ itemSegmentBytesMax: 0 })
  const [log, other] = [open(), open()]
  const { producerId, remade } = await openRemade(log, 17)
  const { put } = hooks
  hooks.put = () => Promise.reject(new StoreError('STORE_REFUSED', 'for a test'))
  expect(await stateOf(send(log, remade, ['17'], { producerId, baseSequence: 17 }))).toEqual({
    refused: 'STORE_REFUSED',
  })
  hooks.put = put
  await send(other, remade, ['17'], { producerId, baseSequence: 17 })
  await send(log, await remake(log, 't'), ['18'], { producerId, baseSequence: 18 })
})

test('a batch that stood still with its process for half a day begins nothing in the topic made again', async () => {
  const { open, hooks, clock } = openRig({ itemSegmentBytesMax: 0 })
  const [frozen, other] = [open(), open()]
  const { producerId, remade } = await openRemade(frozen, 17)
  const held = gate()
  const { put } = hooks
  hooks.put = async (key, parts, next) => {
    hooks.put = put
    await held.promise
    return next(key, parts)
  }
  const late = send(frozen, remade, ['17'], { producerId, baseSequence: 17 })
  await drain()
  clock.jump(12 * 3_600_000)
  // The time of the commit is that of what came before it.
  await send(other, remade, ['of others'])
  held.resolve()
  await expect(clock.passUntil(late)).rejects.toThrow(OUT_OF_ORDER)
})

async function forgetTopics(log: Log, { clock, items }: Pick<ReturnType<typeof openRig>, 'clock' | 'items'>) {
  const common = { items, clock, random: systemRandom, logger: silentLogger }
  const leases = new Leases({ ...common, owner: 'test' })
  const jobs = log.upkeepJobs({}, { forgetTopics: async () => {} })
  const upkeep = new Upkeep({ ...common, jobs, leases, leaseMs: 60_000, pauseMs: 0 })
  const { failed } = await clock.passUntil(upkeep.runOnce({ withinMs: 600_000, only: ['forget-topics'] }))
  expect(failed).toEqual([])
}

function missed(producerId: number, baseSequence: number) {
  const records = [{ timestamp: 1_000, key: null, value: Buffer.from(`${baseSequence}`), headers: [] }]
  return { partition: 0, batch: buildBatch({ records, producerId, producerEpoch: 0, baseSequence }) }
}

async function remake(log: Log, name: string): Promise<Topic> {
  await log.topics.delete(name)
  return log.topics.create({ name, partitions: 1 })
}

/** A producer that has sent so many batches to a topic. */
async function openWith(log: Log, batches: number) {
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  const producerId = await log.producerIds.next()
  for (let baseSequence = 0; baseSequence < batches; baseSequence++)
    await send(log, topic, [`${baseSequence}`], { producerId, baseSequence })
  return { topic, producerId }
}

/** … and the topic made again. */
async function openRemade(log: Log, batches: number) {
  const { producerId } = await openWith(log, batches)
  return { producerId, remade: await remake(log, 't') }
}
