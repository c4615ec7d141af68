/** A producer of whom a partition knows nothing: one that is new begins at sequence 0; one that it may have forgotten goes on where it is. */
import { expect, test } from 'vitest'
import { isLaterSequence } from '../../lib/log/producers/producer-state.ts'
import { buildBatch } from '../../lib/records/index.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { drain, gate, openRig, readAll, send, stateOf } from './rig.ts'

const DAY_MS = 24 * 3_600_000
const OUT_OF_ORDER = expect.objectContaining({ code: 'OUT_OF_ORDER_SEQUENCE' })

test('a producer that was silent for longer than it is remembered goes on', async () => {
  const { open, clock } = openRig()
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  const producerId = await log.producerIds.next()
  await send(log, topic, ['first'], { producerId, baseSequence: 0 })
  clock.jump(DAY_MS + 1)
  // So many that a snapshot is taken, which forgets it.
  for (let i = 0; i < 1_200; i++) await send(log, topic, ['of others'])
  expect(await log.activeProducers(topic, 0)).toEqual([])
  expect(await send(open(), topic, ['second'], { producerId, baseSequence: 1 })).toMatchObject({ duplicate: false })
  await expect(send(log, topic, ['gap'], { producerId, baseSequence: 3 })).rejects.toThrow(OUT_OF_ORDER)
  await send(log, topic, ['third'], { producerId, baseSequence: 2 })
  const values = await readAll(log, topic)
  expect(values.filter(value => value !== 'of others')).toEqual(['first', 'second', 'third'])
})

test('a new producer begins at 0, however late in its hour', async () => {
  const { open, clock } = openRig()
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  const producerId = await log.producerIds.next()
  clock.jump(DAY_MS - 2 * 3_600_000)
  await expect(send(log, topic, ['second'], { producerId, baseSequence: 1 })).rejects.toThrow(OUT_OF_ORDER)
  clock.jump(2 * 3_600_000)
  await send(log, topic, ['second'], { producerId, baseSequence: 1 })
  // Not one of the same block, which would look as old.
  const another = await open().producerIds.next()
  await expect(send(log, topic, ['second'], { producerId: another, baseSequence: 1 })).rejects.toThrow(OUT_OF_ORDER)
})

test('a process gives out no ids that look older than they are', async () => {
  const { open, clock } = openRig()
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  await log.producerIds.next()
  // As a process does that is frozen and thawed.
  clock.jump(2 * DAY_MS)
  const producerId = await log.producerIds.next()
  await expect(send(log, topic, ['second'], { producerId, baseSequence: 1 })).rejects.toThrow(OUT_OF_ORDER)
})

test('what comes behind a batch that failed is not taken before it', async () => {
  const { log, topic, producerId, hooks } = await openWithOldProducer()
  const held = gate()
  let puts = 0
  hooks.put = async (key, parts, next) => {
    if (puts++ > 0) return next(key, parts)
    await held.promise
    throw new StoreError('STORE_REFUSED', 'for a test')
  }
  const first = send(log, topic, ['5'], { producerId, baseSequence: 5 })
  await drain()
  const second = send(log, topic, ['6'], { producerId, baseSequence: 6 })
  await drain()
  expect(puts).toBe(2)
  held.resolve()
  await expect(first).rejects.toThrow(expect.objectContaining({ code: 'STORE_REFUSED' }))
  await expect(second).rejects.toThrow(OUT_OF_ORDER)
  await send(log, topic, ['5'], { producerId, baseSequence: 5 })
  await send(log, topic, ['6'], { producerId, baseSequence: 6 })
  expect(await readAll(log, topic)).toEqual(['opens the shard', '5', '6'])
})

test('a failure is not held against a producer for ever', async () => {
  const { log, topic, producerId, clock, hooks } = await openWithOldProducer()
  const { put } = hooks
  hooks.put = () => Promise.reject(new StoreError('STORE_REFUSED', 'for a test'))
  expect(await stateOf(send(log, topic, ['5'], { producerId, baseSequence: 5 }))).toEqual({ refused: 'STORE_REFUSED' })
  hooks.put = put
  expect(await stateOf(send(log, topic, ['6'], { producerId, baseSequence: 6 }))).toEqual({
    refused: 'OUT_OF_ORDER_SEQUENCE',
  })
  await clock.advance(600_000)
  expect(await send(log, topic, ['6'], { producerId, baseSequence: 6 })).toMatchObject({ baseOffset: 1 })
})

test('what comes behind a batch that was spoiled on its way is not taken before it', async () => {
  const { log, topic, producerId } = await openWithOldProducer()
  const records = [{ timestamp: 1_000, key: null, value: Buffer.from('5'), headers: [] }]
  const spoiled = Buffer.from(buildBatch({ records, producerId, producerEpoch: 0, baseSequence: 5 }))
  spoiled[spoiled.length - 2]! ^= 1
  const first = log.append({ topic, partition: 0, batch: spoiled, timeoutMs: 5_000 })
  await expect(first).rejects.toThrow(expect.objectContaining({ code: 'BAD_CRC' }))
  await expect(send(log, topic, ['6'], { producerId, baseSequence: 6 })).rejects.toThrow(/earlier batch .* failed/)
  await send(log, topic, ['5'], { producerId, baseSequence: 5 })
  await send(log, topic, ['6'], { producerId, baseSequence: 6 })
  expect(await readAll(log, topic)).toEqual(['opens the shard', '5', '6'])
})

test('a batch that was frozen with its process until its producer was forgotten is refused', async () => {
  const { open, clock, hooks } = openRig({ itemSegmentBytesMax: 0, segmentBytesMax: 1 })
  const [frozen, other] = [open(), open()]
  const topic = await frozen.topics.create({ name: 't', partitions: 1 })
  const producerId = await frozen.producerIds.next()
  await send(frozen, topic, ['0'], { producerId, baseSequence: 0, transaction: 1 })
  const held = gate()
  const { put } = hooks
  hooks.put = async (key, parts, next) => {
    hooks.put = put
    await held.promise
    return next(key, parts)
  }
  const late = send(frozen, topic, ['1'], { producerId, baseSequence: 1, transaction: 1 })
  await drain()
  const marker = { producerId, producerEpoch: 1, transaction: 1, outcome: 'abort' } as const
  await other.endTransaction({ topic, partition: 0, ...marker, timeoutMs: 5_000 })
  clock.jump(DAY_MS + 3_600_000)
  for (let i = 0; i < 1_200; i++) await send(other, topic, ['of others'])
  expect(await other.activeProducers(topic, 0)).toEqual([])
  held.resolve()
  await expect(clock.passUntil(late)).rejects.toThrow(OUT_OF_ORDER)
  expect(await other.activeProducers(topic, 0)).toEqual([])
})

test('a clock that is a day ahead makes nobody store a batch twice elsewhere', async () => {
  const { open, clock } = openRig()
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  const producerId = await log.producerIds.next()
  for (let baseSequence = 0; baseSequence < 2; baseSequence++)
    await send(log, topic, [`${baseSequence}`], { producerId, baseSequence })
  clock.jump(26 * 3_600_000)
  for (let i = 0; i < 1_200; i++) await send(log, topic, ['of others'])
  clock.jump(-26 * 3_600_000)
  await expect(send(open(), topic, ['1'], { producerId, baseSequence: 1 })).rejects.toThrow(OUT_OF_ORDER)
})

test('sequences go round, and the later of two is told from the earlier', () => {
  const last = 2 ** 31 - 1
  const later = [
    [6, 5],
    [0, last],
    [10, last - 10],
  ] as const
  for (const [one, other] of later) {
    expect([isLaterSequence(one, other), isLaterSequence(other, one)]).toEqual([true, false])
    expect(isLaterSequence(one, one)).toBe(false)
  }
})

/** A producer that may be forgotten, in a log that puts each batch by itself. */
async function openWithOldProducer() {
  const { open, clock, hooks } = openRig({ itemSegmentBytesMax: 0, segmentBytesMax: 1 })
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  const producerId = await log.producerIds.next()
  clock.jump(2 * DAY_MS)
  await send(log, topic, ['opens the shard'])
  return { log, topic, producerId, clock, hooks }
}
