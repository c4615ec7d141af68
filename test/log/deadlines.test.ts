import { describe, expect, test } from 'vitest'
import { buildBatch } from '../../lib/records/index.ts'
import { drain, openRig, send, stateOf, throttled, touchesHead } from './rig.ts'

const MIB = 1_024 * 1_024
const never = () => new Promise<never>(() => {})

describe('deadlines', () => {
  test('an append whose segment is never stored is answered in time', async () => {
    const { open, hooks, clock } = openRig({ itemSegmentBytesMax: 0 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    hooks.put = never
    const sent = send(log, topic, ['a'], { timeoutMs: 1_000 })
    await drain()
    await clock.advance(10_000, 100)
    expect(await stateOf(sent)).toEqual({ refused: 'REQUEST_TIMED_OUT' })
  })

  test('an append whose commit is never answered is answered in time', async () => {
    const { open, hooks, clock } = openRig()
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    hooks.write = (operations, next) => (touchesHead(operations) ? never() : next(operations))
    const sent = send(log, topic, ['a'], { timeoutMs: 1_000 })
    await drain()
    await clock.advance(10_000, 100)
    expect(await stateOf(sent)).toEqual({ refused: 'REQUEST_TIMED_OUT' })
  })

  test('appends that wait for puts under way are answered in time', async () => {
    const { open, hooks, clock } = openRig({ itemSegmentBytesMax: 0 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    hooks.put = never
    const sent = []
    for (let i = 0; i < 5; i++) {
      sent.push(send(log, topic, ['a'], { timeoutMs: 1_000 }))
      await drain()
    }
    await clock.advance(10_000, 100)
    for (const one of sent) expect(await stateOf(one)).toEqual({ refused: 'REQUEST_TIMED_OUT' })
  })

  test('an append to a shard whose head cannot be read is answered in time', async () => {
    const { open, hooks, clock } = openRig()
    const topic = await open().topics.create({ name: 't', partitions: 1 })
    hooks.get = (key, next) => (key.sk === 'head' ? never() : next(key))
    const sent = send(open(), topic, ['a'], { timeoutMs: 1_000 })
    await drain()
    await clock.advance(10_000, 100)
    expect(await stateOf(sent)).toEqual({ refused: 'REQUEST_TIMED_OUT' })
  })

  test('waiting ends in time, or by its signal, though a head cannot be read', async () => {
    const { open, hooks, clock } = openRig()
    const topic = await open().topics.create({ name: 't', partitions: 1 })
    hooks.get = (key, next) => (key.sk === 'head' ? never() : next(key))
    const position = { topic, partition: 0, offset: 0 }
    const stop = new AbortController()
    const [timed, stopped] = [
      open().waitForRecords([position], 500),
      open().waitForRecords([position], 50_000, stop.signal),
    ]
    await drain()
    stop.abort()
    await clock.advance(1_000, 100)
    expect(await stateOf(timed)).toBeUndefined()
    expect(await stateOf(stopped)).toBeUndefined()
  })

  test('a put whose first try is silent and whose second is refused is tried again', async () => {
    const { open, hooks, clock } = openRig({ itemSegmentBytesMax: 0 })
    const log = open()
    const topic = await log.topics.create({ name: 't', partitions: 1 })
    let puts = 0
    hooks.put = (key, parts, next) => {
      puts++
      if (puts === 1) return never()
      return puts === 2 ? Promise.reject(throttled()) : next(key, parts)
    }
    const sent = send(log, topic, ['a'], { timeoutMs: 30_000 })
    await drain()
    await clock.advance(20_000, 100)
    expect(await stateOf(sent)).toMatchObject({ baseOffset: 0 })
  })
})

describe('what waits to be stored', () => {
  test('is bounded though nothing can be stored and its callers have gone', async () => {
    const { open, hooks, clock } = openRig()
    const log = open()
    const configs = { 'max.message.bytes': `${100 * MIB}` }
    const topic = await log.topics.create({ name: 't', partitions: 1, configs })
    hooks.put = never
    const value = Buffer.alloc(50 * MIB)
    const batch = buildBatch({ records: [{ timestamp: 1_000, key: null, value }] })
    const answers: (string | undefined)[] = []
    for (let i = 0; i < 12; i++) {
      const sent = log.append({ topic, partition: 0, batch, timeoutMs: 100 }).catch(error => answers.push(error.code))
      await drain()
      await clock.advance(500, 100)
      await sent
    }
    expect(answers.slice(0, 5)).toEqual(Array(5).fill('REQUEST_TIMED_OUT'))
    expect(answers.slice(5)).toEqual(Array(7).fill('OVERLOADED'))
  })
})
