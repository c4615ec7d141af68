import { describe, expect, test } from 'vitest'
import type { Topic } from '../../lib/log/index.ts'
import { gate, lost, openRig, readAll, send, stateOf, throttled, touchesHead } from './rig.ts'

const LIMITS = { headBytesMax: 200, headBytesKept: 50, chunkBytesMax: 150 }

function deletion(topic: Topic, before: number | 'end', partition = 0) {
  return { topic, partition, before, timeoutMs: 5_000 } as const
}

async function filled(count: number) {
  const rig = openRig({ shardLimits: LIMITS })
  const log = rig.open()
  const topic = await log.topics.create({ name: 't', partitions: 2 })
  for (let i = 0; i < count; i++) await send(log, topic, [`v${i}`])
  return { ...rig, log, topic, values: Array.from({ length: count }, (_, i) => `v${i}`) }
}

describe('deleting records', () => {
  test('moves the start up, refuses what lies below, and keeps what lies above', async () => {
    const { log, topic, values } = await filled(20)
    expect(await log.deleteRecords(deletion(topic, 7))).toBe(7)
    expect(await stateOf(readAll(log, topic, 0, 6))).toEqual({ refused: 'OFFSET_OUT_OF_RANGE' })
    expect(await readAll(log, topic, 0, 7)).toEqual(values.slice(7))
    expect((await log.findOffset(topic, 0, { at: 'earliest' })).offset).toBe(7)
    expect((await log.findOffset(topic, 0, { at: 'timestamp', timestamp: 0 })).offset).toBe(7)
    expect((await send(log, topic, ['more'])).logStartOffset).toBe(7)
    expect(await readAll(log, topic, 1, 0)).toEqual([])
  })

  test('never moves the start down', async () => {
    const { log, topic } = await filled(5)
    await log.deleteRecords(deletion(topic, 4))
    expect(await log.deleteRecords(deletion(topic, 2))).toBe(4)
  })

  test('up to the end leaves an empty partition that goes on', async () => {
    const { log, topic } = await filled(5)
    expect(await log.deleteRecords(deletion(topic, 'end'))).toBe(5)
    expect(await readAll(log, topic, 0, 5)).toEqual([])
    expect((await send(log, topic, ['next'])).baseOffset).toBe(5)
    expect(await readAll(log, topic, 0, 5)).toEqual(['next'])
  })

  test('is refused above the end, for a topic that is only compacted, and for what is not there', async () => {
    const { log, topic } = await filled(5)
    expect(await stateOf(log.deleteRecords(deletion(topic, 6)))).toEqual({ refused: 'OFFSET_OUT_OF_RANGE' })
    expect(await stateOf(log.deleteRecords(deletion(topic, 0, 7)))).toEqual({ refused: 'UNKNOWN_TOPIC' })
    const configs = { 'cleanup.policy': 'compact' }
    const compacted = await log.topics.create({ name: 'c', partitions: 1, configs })
    expect(await stateOf(log.deleteRecords(deletion(compacted, 0)))).toEqual({ refused: 'POLICY_VIOLATION' })
    await log.topics.delete('t')
    expect(await stateOf(log.deleteRecords(deletion(topic, 1)))).toEqual({ refused: 'UNKNOWN_TOPIC' })
  })

  test('of what was appended through another process a moment ago', async () => {
    const { log, topic, open } = await filled(3)
    const other = open()
    await readAll(other, topic)
    await send(log, topic, ['new'])
    expect(await other.deleteRecords(deletion(topic, 4))).toBe(4)
  })

  test('is seen within seconds by a process that read the partition before', async () => {
    const { log, topic, open, clock } = await filled(20)
    const other = open()
    expect(await readAll(other, topic, 0, 3)).toHaveLength(17)
    await log.deleteRecords(deletion(topic, 10))
    await clock.advance(6_000)
    expect(await stateOf(readAll(other, topic, 0, 3))).toEqual({ refused: 'OFFSET_OUT_OF_RANGE' })
  })

  test('joins the next write of the head', async () => {
    const { log, topic, hooks, clock } = await filled(3)
    const held = gate()
    let writes = 0
    hooks.write = async (operations, next) => {
      if (touchesHead(operations) && ++writes === 1) await held.promise
      return next(operations)
    }
    const first = send(log, topic, ['a'])
    await stateOf(first)
    const deleted = log.deleteRecords(deletion(topic, 2))
    const second = send(log, topic, ['b'])
    await stateOf(second)
    held.resolve()
    expect(await clock.passUntil(Promise.all([first, deleted, second]))).toMatchObject([{ baseOffset: 3 }, 2, {}])
    expect(writes).toBeLessThanOrEqual(3)
  })

  test.each(['the answer is lost', 'nothing happens', 'the store is throttled'])(
    'is done once where %s',
    async what => {
      const { log, topic, hooks, clock, values } = await filled(6)
      let failures = 2
      hooks.write = async (operations, next) => {
        if (!touchesHead(operations) || failures-- <= 0) return next(operations)
        if (what === 'the answer is lost') await next(operations)
        throw what === 'the store is throttled' ? throttled() : lost()
      }
      expect(await clock.passUntil(log.deleteRecords(deletion(topic, 4)))).toBe(4)
      expect(await readAll(log, topic, 0, 4)).toEqual(values.slice(4))
    },
  )

  test('two processes at once end at the higher start', async () => {
    const { log, topic, open, clock } = await filled(12)
    const other = open()
    const both = Promise.all([log.deleteRecords(deletion(topic, 9)), other.deleteRecords(deletion(topic, 5))])
    const [high, low] = await clock.passUntil(both)
    expect(high).toBe(9)
    expect([5, 9]).toContain(low)
    expect((await open().findOffset(topic, 0, { at: 'earliest' })).offset).toBe(9)
  })

  test('is told to be uncertain when the store does not answer in time', async () => {
    const { log, topic, hooks, clock } = await filled(3)
    hooks.write = () => new Promise(() => undefined)
    const deleted = log.deleteRecords(deletion(topic, 1))
    const state = stateOf(clock.passUntil(deleted))
    await clock.advance(7_000, 500)
    expect(await stateOf(deleted)).toEqual({ refused: 'REQUEST_TIMED_OUT' })
    await state
  })

  test('below an open transaction lets committed readers go on from the new start', async () => {
    const { log, topic } = await filled(3)
    await send(log, topic, ['t0'], { producerId: 7, baseSequence: 0, transaction: 1 })
    await send(log, topic, ['after'])
    await log.deleteRecords(deletion(topic, 5))
    const latest = await log.findOffset(topic, 0, { at: 'latest', isolation: 'read_committed' })
    expect(latest.offset).toBe(5)
    const asked = { topic, partition: 0, offset: 5, maxBytes: 1_000, atLeastOneBatch: true } as const
    const { batches, lastStableOffset } = await log.read({ ...asked, isolation: 'read_committed' })
    expect([batches, lastStableOffset]).toEqual([[], 5])
    await send(log, topic, ['later'])
    expect((await log.findOffset(topic, 0, { at: 'latest', isolation: 'read_committed' })).offset).toBe(5)
  })
})
