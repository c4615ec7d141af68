import { describe, expect, test } from 'vitest'
import { type Clock, type Random, systemRandom } from '../../lib/base/index.ts'
import {
  type ItemStore,
  type ObjectStore,
  type RetryOptions,
  retryItems,
  retryObjects,
  StoreError,
  type WriteOutcome,
} from '../../lib/storage/index.ts'

const THROTTLED = new StoreError('STORE_THROTTLED', 'too much')
const UNAVAILABLE = new StoreError('STORE_UNAVAILABLE', 'not now')
const UNKNOWN = new StoreError('STORE_OUTCOME_UNKNOWN', 'no answer')
const REFUSED = new StoreError('STORE_REFUSED', 'never')
const part = [Buffer.from('x')]

describe('objects', () => {
  test('calls are repeated until they succeed', async () => {
    const script = new Script([THROTTLED, UNAVAILABLE, UNKNOWN, 'done'])
    expect(await wrapObjects(script).get('key')).toBe('done')
    await wrapObjects(new Script([UNKNOWN, undefined])).delete(['key'])
  })

  test('what was refused is not asked again', async () => {
    const script = new Script<'created'>([REFUSED])
    await expect(wrapObjects(script).put('key', part)).rejects.toBe(REFUSED)
    expect(script.calls).toBe(1)
  })

  test('of a unique key: found taken after an attempt without an answer is our own success', async () => {
    expect(await wrapObjects(new Script([UNKNOWN, THROTTLED, 'exists'])).put('key', part)).toBe('created')
  })

  test('of a unique key: found taken after attempts that did nothing is somebody else’s', async () => {
    expect(await wrapObjects(new Script([THROTTLED, UNAVAILABLE, 'exists'])).put('key', part)).toBe('exists')
  })

  test('of any other key: found taken is told', async () => {
    const store = wrapObjects(new Script([UNKNOWN, 'exists']), { uniqueKeys: false })
    expect(await store.put('key', part)).toBe('exists')
  })

  test('after one attempt without an answer a failure of the rest proves nothing', async () => {
    const script = new Script<'created'>([UNKNOWN, THROTTLED, THROTTLED])
    await expect(wrapObjects(script, { attemptsMax: 3 }).put('key', part)).rejects.toMatchObject({ effect: 'unknown' })
    const refused = new Script<'created'>([UNKNOWN, REFUSED])
    await expect(wrapObjects(refused).put('key', part)).rejects.toMatchObject({ effect: 'unknown' })
  })
})

describe('items', () => {
  const written: WriteOutcome = { written: true }

  test('a write that did nothing is repeated', async () => {
    expect(await wrapItems(new Script([THROTTLED, UNAVAILABLE, written])).write([])).toBe(written)
  })

  test('a write of unknown outcome is not', async () => {
    const script = new Script([THROTTLED, UNKNOWN, written])
    await expect(wrapItems(script).write([])).rejects.toBe(UNKNOWN)
    expect(script.calls).toBe(2)
  })

  test('reads are repeated', async () => {
    expect(await wrapItems(new Script([UNAVAILABLE, 'item'])).get({ pk: 'p', sk: 's' })).toBe('item')
    expect(await wrapItems(new Script([THROTTLED, 'page'])).query('p')).toBe('page')
  })
})

describe('bounds', () => {
  test('attempts', async () => {
    const script = new Script([UNAVAILABLE])
    await expect(wrapItems(script, { attemptsMax: 4 }).get({ pk: 'p', sk: 's' })).rejects.toBe(UNAVAILABLE)
    expect(script.calls).toBe(4)
  })

  test('time: no attempt begins after it', async () => {
    const clock = new CountingClock()
    const script = new Script([UNAVAILABLE])
    const store = wrapItems(script, { clock, attemptsMax: 1_000, totalMs: 5_000, random: highest })
    await expect(store.get({ pk: 'p', sk: 's' })).rejects.toBe(UNAVAILABLE)
    expect(clock.monotonic()).toBeLessThanOrEqual(5_000)
    expect(clock.monotonic()).toBeGreaterThan(3_900)
  })

  test('pauses double up to the longest', async () => {
    const clock = new CountingClock()
    const bounds = { clock, random: highest, attemptsMax: 7, pauseMs: 10, pauseMsMax: 100 }
    await expect(wrapItems(new Script([UNAVAILABLE]), bounds).get({ pk: 'p', sk: 's' })).rejects.toBe(UNAVAILABLE)
    expect(clock.pauses.map(Math.round)).toEqual([10, 20, 40, 80, 100, 100])
  })

  test('pauses are drawn, so that callers do not come again together', async () => {
    const clock = new CountingClock()
    const store = wrapItems(new Script([UNAVAILABLE]), { clock, attemptsMax: 20 })
    await expect(store.get({ pk: 'p', sk: 's' })).rejects.toBe(UNAVAILABLE)
    expect(new Set(clock.pauses).size).toBe(19)
  })

  test('an error that is no store’s goes through', async () => {
    const bug = new TypeError('a bug')
    const script = new Script([bug])
    await expect(wrapItems(script).get({ pk: 'p', sk: 's' })).rejects.toBe(bug)
    expect(script.calls).toBe(1)
  })
})

/** What a store answers, call by call; the last one again and again. */
class Script<T> {
  readonly #answers: readonly (T | Error)[]
  calls = 0

  constructor(answers: readonly (T | Error)[]) {
    this.#answers = answers
  }

  readonly next = async (): Promise<never> => {
    const answer = this.#answers[Math.min(this.calls++, this.#answers.length - 1)]
    if (answer instanceof Error) throw answer
    return answer as never
  }
}

/** Time passes only in sleeps. */
class CountingClock implements Clock {
  readonly pauses: number[] = []
  readonly now = () => 0
  readonly monotonic = () => this.pauses.reduce((sum, pause) => sum + pause, 0)

  async sleep(ms: number): Promise<void> {
    this.pauses.push(ms)
  }
}

const highest: Random = { bytes: length => new Uint8Array(length).fill(0xff) }

function optionsOf(options: Partial<RetryOptions>): RetryOptions {
  return { clock: new CountingClock(), random: systemRandom, ...options }
}

function wrapObjects<T>(script: Script<T>, options: Partial<RetryOptions & { uniqueKeys: boolean }> = {}): ObjectStore {
  const { next } = script
  const store = { put: next, putStream: next, get: next, list: next, delete: next, close: next }
  return retryObjects(store, { uniqueKeys: true, ...optionsOf(options), ...options })
}

function wrapItems<T>(script: Script<T>, options: Partial<RetryOptions> = {}): ItemStore {
  const { next } = script
  return retryItems({ get: next, query: next, write: next, close: next }, optionsOf(options))
}
