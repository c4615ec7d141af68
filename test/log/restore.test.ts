/** Bringing a topic back: batches with their own offsets, and a name in one step, whatever answers are lost. */
import { expect, test } from 'vitest'
import { IMPORTING, type Log, type Topic } from '../../lib/log/index.ts'
import { decodeTopicName } from '../../lib/log/topics/topic-item.ts'
import { buildBatch, writeOffset } from '../../lib/records/index.ts'
import { lost, openRig, readAll, send, touchesHead } from './rig.ts'
import { HOUR, openUpkeepRig } from './upkeep-rig.ts'

function batchAt(offset: number, ...values: string[]): Buffer {
  const batch = buildBatch({ records: values.map(value => ({ timestamp: 1, key: null, value: Buffer.from(value) })) })
  writeOffset(batch, offset)
  return batch
}

async function offsetsOf(log: Log, topic: Topic, from: number): Promise<string[]> {
  const asked = { maxBytes: 100_000, atLeastOneBatch: true, isolation: 'read_committed' } as const
  const { batches } = await log.read({ topic, partition: 0, offset: from, ...asked })
  return batches.map(batch => `${Buffer.from(batch).readBigInt64BE(0)}`)
}

test('batches keep their offsets and holes, and appends go on behind them', async () => {
  const { open } = openRig()
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  await log.restoring.attach({ topic, partition: 0, from: 5, to: 20, batches: [batchAt(5, 'a'), batchAt(9, 'b', 'c')] })
  await log.restoring.attach({ topic, partition: 0, from: 20, to: 22, batches: [batchAt(20, 'd')] })
  expect(await log.standings(topic)).toEqual([{ start: 5, stable: 22, end: 22, compactedTo: 22 }])
  expect((await offsetsOf(log, topic, 5)).slice(0, 2)).toEqual(['5', '9'])
  expect((await send(log, topic, ['e'])).baseOffset).toBe(22)
  const other = open()
  expect(await readAll(other, topic, 0, 22)).toEqual(['e'])
})

test('what does not follow is refused, and of two that come at once one is in', async () => {
  const { open } = openRig()
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  const first = { topic, partition: 0, from: 0, to: 1, batches: [batchAt(0, 'a')] }
  const both = await Promise.allSettled([log.restoring.attach(first), open().restoring.attach(first)])
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  await expect(log.restoring.attach({ ...first, from: 3, to: 4, batches: [batchAt(3, 'b')] })).rejects.toMatchObject({
    code: 'REQUEST_TIMED_OUT',
  })
  expect(await readAll(log, topic)).toEqual(['a'])
})

test('a lost answer doubles nothing', async () => {
  const { open, hooks } = openRig()
  const log = open()
  const topic = await log.topics.create({ name: 't', partitions: 1 })
  hooks.write = async (operations, next) => {
    const outcome = await next(operations)
    if (touchesHead(operations)) {
      hooks.write = (again, write) => write(again)
      throw lost()
    }
    return outcome
  }
  await log.restoring.attach({ topic, partition: 0, from: 0, to: 1, batches: [batchAt(0, 'a')] })
  expect(await readAll(log, topic)).toEqual(['a'])
})

test('a topic is there under one name, and nothing says that it is gone', async () => {
  const { open, hooks, items } = openRig()
  const log = open()
  const { topic } = await log.restoring.begin({ name: 'half', partitions: 1 })
  expect(await log.topics.find({ name: 'half' })).toBeUndefined()
  expect(await log.topics.find({ id: topic.id })).toBeUndefined()
  hooks.write = async (operations, next) => {
    hooks.write = (again, write) => write(again)
    await next(operations)
    throw lost()
  }
  await log.restoring.rename(topic, { name: 'whole', configs: { 'retention.ms': '5' } })
  const renamed = { ...topic, name: 'whole', configs: { 'retention.ms': '5' } }
  expect(await open().topics.list()).toEqual([renamed])
  const names = [...items.items.values()].filter(({ key }) => key.pk === 'topics')
  expect(names.map(({ key, value }) => [key.sk, decodeTopicName(value).state])).toEqual([['whole', 'live']])
  await log.topics.create({ name: 'other', partitions: 1 })
  const again = await log.restoring.begin({ name: 'half', partitions: 1 })
  await expect(log.restoring.rename(again.topic, { name: 'other', configs: {} })).rejects.toMatchObject({
    code: 'TOPIC_EXISTS',
  })
})

test('what was begun is gone on with under its id, and given up when nobody does so for as long as it is kept', async () => {
  const { open, items, clock, upkeepOf } = openUpkeepRig()
  const log = open()
  const name = `${IMPORTING}m.t`
  const { topic } = await log.restoring.begin({ name, partitions: 1 })
  await log.restoring.attach({ topic, partition: 0, from: 0, to: 1, batches: [batchAt(0, 'a')] })
  const lookFor = async (ms: number, upkeep: ReturnType<typeof upkeepOf>) => {
    const found: string[] = []
    for (let passed = 0; passed < ms; passed += 10_000) {
      await clock.passUntil(
        upkeep.runOnce({ withinMs: 1_000, only: ['delete-topics'], onFinding: ({ what }) => found.push(what) }),
      )
      await clock.advance(10_000, 1_000)
    }
    return found
  }
  expect(await lookFor(60_000, upkeepOf(open(), { importKeptMs: HOUR }))).toEqual([])
  const other = await open().restoring.begin({ name, partitions: 1 })
  expect(other.topic).toEqual(topic)
  expect((await log.standings(topic))[0]!.end).toBe(1)
  const gives = upkeepOf(open(), { importKeptMs: 0 })
  await other.hold(async signal => {
    expect(await lookFor(60_000, gives)).toEqual([])
    expect(signal.aborted).toBe(false)
  })
  expect(await lookFor(60_000, gives)).toEqual([`topic ${name}`])
  await expect(log.restoring.rename(topic, { name: 't', configs: {} })).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' })
  expect([...items.items.values()].filter(({ key }) => key.pk.includes(topic.id))).toEqual([])
  expect((await open().restoring.begin({ name, partitions: 1 })).topic.id).not.toBe(topic.id)
})
