/**
 * A process stops, or sleeps, at each of the writes that a transaction needs, before it or after its effect. Whatever
 * follows: a transaction is seen as a whole or not at all, one whose commit was answered is seen, nothing stays open, and
 * the sleeper does no harm when it wakes.
 */
import { describe, expect, test } from 'vitest'
import type { Topic } from '../../lib/log/index.ts'
import { committedOffset, type Process, readPartition, Stores, TestProducer } from './rig.ts'

type Fate = 'killed before' | 'killed after' | 'asleep before' | 'asleep after'

interface Sleeper {
  /** Whether the write was come to. */
  readonly isReached: () => boolean
  wake(): void
}

/** The process gets as far as its write number `at` (from 0 on). */
function stopAt(process: Process, at: number, fate: Fate): Sleeper {
  const waking = Promise.withResolvers<void>()
  let count = 0
  process.onWrite = async (operations, next) => {
    if (count++ < at) return next(operations)
    if (fate === 'killed after') await next(operations)
    if (fate.startsWith('killed')) return new Promise(() => {})
    // The first write was sent before the process slept, or is sent when it wakes; it hears of it, and goes on, then.
    const answer = count === at + 1 && fate === 'asleep after' ? next(operations) : undefined
    await waking.promise
    return answer ?? next(operations)
  }
  return { isReached: () => count > at, wake: waking.resolve }
}

/** One transaction over two partitions and a group's offsets. */
async function transact(producer: TestProducer, at: Process, topic: Topic, value: string, offset: number) {
  await producer.send(at, topic, 0, value)
  await producer.send(at, topic, 1, value)
  await producer.stage(at, topic, offset)
  await producer.end(at, 'commit')
}

async function look(at: Process, topic: Topic) {
  const [first, second] = [await readPartition(at, topic, 0), await readPartition(at, topic, 1)]
  expect(second.values).toEqual(first.values)
  return { values: first.values, isStable: first.isStable && second.isStable, offset: await committedOffset(at, topic) }
}

async function turn(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
}

describe.each([1, 2] as const)('by protocol %i', protocol => {
  test.each(['killed before', 'killed after', 'asleep before', 'asleep after'] as const)(
    '%s each write',
    async fate => {
      let outcomes = ''
      for (let at = 0; ; at++) {
        const stores = new Stores()
        const first = stores.start()
        const topic = await first.log.topics.create({ name: 't', partitions: 2 })
        const producer = new TestProducer({ protocol })
        await producer.init(first)
        await transact(producer, first, topic, 'before', 1)
        const sleeper = stopAt(first, at, fate)
        let answered: boolean | undefined
        const running = transact(producer, first, topic, 'meanwhile', 2)
        running.then(
          () => (answered = true),
          () => (answered = false),
        )
        await turn()
        if (answered && !sleeper.isReached()) break
        const second = stores.start()
        await second.transactions.takeOver(() => true)
        const successor = new TestProducer({ protocol })
        await successor.init(second)
        const seen = await look(second, topic)
        expect(seen.isStable).toBe(true)
        const isCommitted = seen.values.includes('meanwhile')
        expect(seen).toMatchObject({
          values: isCommitted ? ['before', 'meanwhile'] : ['before'],
          offset: isCommitted ? 2 : 1,
        })
        if (answered) expect(isCommitted).toBe(true)
        outcomes += isCommitted ? 'c' : 'a'
        await transact(successor, second, topic, 'after', 3)
        sleeper.wake()
        if (fate.startsWith('asleep')) await running.catch(() => undefined)
        // A client is told that it committed only if it did.
        if (answered) expect(isCommitted).toBe(true)
        await transact(successor, second, topic, 'later', 4)
        const expected = [...seen.values, 'after', 'later']
        expect(await look(second, topic)).toEqual({ values: expected, isStable: true, offset: 4 })
        expect(await look(stores.start(), topic)).toEqual({ values: expected, isStable: true, offset: 4 })
      }
      // Up to the decision it is aborted, from then on committed.
      expect(outcomes).toMatch(/^a+c+$/)
    },
  )
})

describe('two processes that serve one producer at once', () => {
  test('whatever of its requests was answered holds', async () => {
    const stores = new Stores()
    const processes = [stores.start(), stores.start(), stores.start()]
    const topic = await processes[0]!.log.topics.create({ name: 't', partitions: 2 })
    const committed: string[] = []
    const aborted: string[] = []
    const run = async (name: string, at: Process) => {
      for (let n = 0; n < 6; n++) {
        const producer = new TestProducer()
        try {
          await producer.init(at)
          for (let m = 0; m < 3; m++) {
            const value = `${name}${n}${m}`
            const outcome = m === 1 ? 'abort' : 'commit'
            await producer.send(at, topic, 0, value)
            await producer.send(at, topic, 1, value)
            await producer.end(at, outcome)
            if (outcome === 'commit') committed.push(value)
            else aborted.push(value)
          }
        } catch {
          // Fenced by another: that is what the test is about.
        }
      }
    }
    await Promise.all(processes.map((at, index) => run('abc'[index]!, at)))
    const last = new TestProducer()
    await last.init(processes[0]!)
    await transact(last, processes[0]!, topic, 'last', 1)
    const { values, isStable } = await look(processes[1]!, topic)
    expect(isStable).toBe(true)
    expect(values).toEqual(expect.arrayContaining([...committed, 'last']))
    expect(new Set(values).size).toBe(values.length)
    for (const value of aborted) expect(values).not.toContain(value)
  })
})
