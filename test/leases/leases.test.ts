import { describe, expect, test } from 'vitest'
import { silentLogger, systemRandom } from '../../lib/base/index.ts'
import { Leases, type LeasesOptions } from '../../lib/leases/index.ts'
import { StoreError } from '../../lib/storage/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { memoryItems } from '../support/memory-stores.ts'

const DURATION = 30_000

function rig() {
  const items = memoryItems()
  const open = (owner: string, clock: ManualClock, more: Partial<LeasesOptions> = {}) =>
    new Leases({ items, clock, random: systemRandom, logger: silentLogger, owner, ...more })
  return { items, open }
}

/** Holds the lease until `end` is called. */
function holding(leases: Leases, clock: ManualClock) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const state = { began: false, lost: false }
  const held = leases.hold('work', DURATION, signal => {
    state.began = true
    signal.addEventListener('abort', () => {
      state.lost = true
    })
    return promise
  })
  const end = async () => {
    resolve()
    await clock.advance(0)
    return held
  }
  return { held, state, end }
}

const never = async () => {
  throw new Error('the lease was given twice')
}

describe('a lease', () => {
  test('is held by one, given back, and leaves nothing behind', async () => {
    const { items, open } = rig()
    const clock = new ManualClock()
    const [a, b] = [open('a', clock), open('b', clock)]
    const first = holding(a, clock)
    await clock.advance(0)
    expect(first.state.began).toBe(true)
    expect(await b.hold('work', DURATION, never)).toEqual({ held: false })
    expect(await a.hold('work', DURATION, never)).toEqual({ held: false })
    expect(await b.hold('other work', DURATION, async () => 1)).toEqual({ held: true, value: 1 })
    expect(await first.end()).toEqual({ held: true, value: undefined })
    expect(items.items.size).toBe(0)
    expect(await b.hold('work', DURATION, async () => 2)).toEqual({ held: true, value: 2 })
  })

  test('is renewed for as long as the work takes', async () => {
    const { open } = rig()
    const clock = new ManualClock()
    const [a, b] = [open('a', clock), open('b', clock)]
    const first = holding(a, clock)
    for (let i = 0; i < 20; i++) {
      await clock.advance(DURATION / 3)
      expect(await b.hold('work', DURATION, never)).toEqual({ held: false })
    }
    expect(first.state.lost).toBe(false)
    await first.end()
  })

  test('of a dead process is taken over when its token stood still for the duration here, whatever the wall clocks say', async () => {
    const { open } = rig()
    const [dead, clock] = [new ManualClock(), new ManualClock()]
    dead.wallOffsetMs += 5 * 3_600_000
    const first = holding(open('a', dead), dead)
    await dead.advance(0)
    expect(first.state.began).toBe(true)
    const b = open('b', clock)
    expect(await b.hold('work', DURATION, never)).toEqual({ held: false })
    await clock.advance(DURATION - 1)
    expect(await b.hold('work', DURATION, never)).toEqual({ held: false })
    await clock.advance(1)
    expect(await b.hold('work', DURATION, async () => 1)).toEqual({ held: true, value: 1 })
  })

  test('is told to be lost to a process that slept through its end, which then takes nothing from the new owner', async () => {
    const { items, open } = rig()
    const [sleeper, clock] = [new ManualClock(), new ManualClock()]
    const first = holding(open('a', sleeper), sleeper)
    await sleeper.advance(0)
    const b = open('b', clock)
    await b.hold('work', DURATION, never)
    await clock.advance(DURATION)
    const second = holding(b, clock)
    await clock.advance(0)
    expect(second.state.began).toBe(true)
    await sleeper.advance(DURATION)
    expect(first.state.lost).toBe(true)
    await first.end()
    expect(items.items.size).toBe(1)
    await second.end()
    expect(items.items.size).toBe(0)
  })

  test('of another is judged by the wall clock where this process lives for seconds', async () => {
    const { open } = rig()
    const [dead, clock] = [new ManualClock(), new ManualClock()]
    holding(open('a', dead), dead)
    await dead.advance(0)
    const brief = () => open('b', clock, { shortLived: true })
    expect(await brief().hold('work', DURATION, never)).toEqual({ held: false })
    clock.wallOffsetMs += DURATION + 1
    expect(await brief().hold('work', DURATION, async () => 1)).toEqual({ held: true, value: 1 })
  })

  test('whose taking had no answer is had if it is there', async () => {
    const { items, open } = rig()
    const clock = new ManualClock()
    const { write } = items
    items.write = async operations => {
      items.write = write
      await write(operations)
      throw new StoreError('STORE_OUTCOME_UNKNOWN', 'no answer')
    }
    expect(await open('a', clock).hold('work', DURATION, async () => 1)).toEqual({ held: true, value: 1 })
  })

  test('ends with the work that fails', async () => {
    const { items, open } = rig()
    const clock = new ManualClock()
    const held = open('a', clock).hold('work', DURATION, async () => {
      throw new Error('broken')
    })
    await expect(held).rejects.toThrow('broken')
    expect(items.items.size).toBe(0)
  })
})
