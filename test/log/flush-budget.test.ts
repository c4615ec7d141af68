import { describe, expect, test } from 'vitest'
import { drain, openRig, send, stateOf } from './rig.ts'

describe('the flush budget', () => {
  test('nothing gathers for much longer than a second, however poor the purse', async () => {
    const { open, clock } = openRig({ flushBudget: 1, prices: { flush: () => 100, poll: 0 } })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    expect(await stateOf(send(log, topic, ['spends it all']))).toMatchObject({ baseOffset: 0 })
    const poor = send(log, topic, ['poor'], { timeoutMs: 60_000 })
    await drain()
    expect(await stateOf(poor)).toBe('pending')
    await clock.advance(1_100, 10)
    expect(await stateOf(poor)).toMatchObject({ baseOffset: 1 })
  })

  test('a budget of nothing makes appends gather, and polls rare', async () => {
    const { open, clock, items, hooks } = openRig({ flushBudget: 0, prices: { flush: () => 1, poll: 1 } })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    const sent = send(log, topic, ['a'])
    expect(await stateOf(sent)).toBe('pending')
    await clock.advance(1_100, 10)
    expect(await stateOf(sent)).toMatchObject({ baseOffset: 0 })
    let polls = 0
    hooks.get = key => {
      polls++
      return items.get(key)
    }
    const waited = log.waitForRecords([{ topic, partition: 0, offset: 1 }], 10_000)
    await drain()
    await clock.advance(10_000, 10)
    await waited
    expect(polls).toBeLessThan(30)
  })
})
