import { describe, expect, test } from 'vitest'
import { silentLogger, systemRandom } from '../../lib/base/index.ts'
import { Leases } from '../../lib/leases/index.ts'
import { LogError, Upkeep, type UpkeepJob } from '../../lib/log/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { memoryItems } from '../support/memory-stores.ts'
import { openUpkeepRig } from './upkeep-rig.ts'

const items = memoryItems()

function upkeepOf(clock: ManualClock, jobs: readonly UpkeepJob[]): Upkeep {
  const common = { items, clock, random: systemRandom, logger: silentLogger }
  return new Upkeep({ ...common, jobs, leases: new Leases({ ...common, owner: 'test' }), leaseMs: 1_000, pauseMs: 1 })
}

function job(name: string, run: UpkeepJob['run'], intervalMs = 1_000): UpkeepJob {
  return { name, intervalMs, intervalMsMax: intervalMs * 16, run }
}

describe('upkeep', () => {
  test('runs a job the more seldom the longer it finds nothing, and often again once it does', async () => {
    const clock = new ManualClock()
    const runs: number[] = []
    let busy = false
    const upkeep = upkeepOf(clock, [
      job('look', async () => {
        runs.push(clock.monotonic())
        return busy
      }),
    ])
    upkeep.start()
    await clock.advance(200_000)
    const idle = runs.length
    expect(idle).toBeLessThan(25)
    busy = true
    await clock.advance(50_000)
    runs.length = 0
    await clock.advance(50_000)
    expect(runs.length).toBeGreaterThan(25)
    await upkeep.close()
    runs.length = 0
    await clock.advance(50_000)
    expect(runs).toEqual([])
  })

  test('goes on after a job that failed, in the background and in one pass', async () => {
    const clock = new ManualClock()
    let runs = 0
    const failing = job('failing', async () => {
      runs++
      throw new LogError('REQUEST_TIMED_OUT', 'too slow')
    })
    const upkeep = upkeepOf(clock, [failing, job('other', async () => false)])
    upkeep.start()
    await clock.advance(10_000)
    expect(runs).toBeGreaterThan(3)
    const result = await upkeep.runOnce({ withinMs: 1_000 })
    expect(result).toMatchObject({ done: ['other'], failed: [{ job: 'failing', error: 'too slow' }], complete: false })
    await upkeep.close()
  })

  test('ends a pass when its time is over', async () => {
    const clock = new ManualClock()
    const slow = job('slow', async pass => {
      while (!pass.signal.aborted) await clock.sleep(100)
      return true
    })
    const pass = upkeepOf(clock, [slow, job('never', async () => true)]).runOnce({ withinMs: 1_000 })
    await clock.advance(2_000)
    expect(await pass).toMatchObject({ done: ['slow'], complete: false })
  })

  test('finishes the deletion of a topic that stopped half way', async () => {
    const { open, hooks, runOnce, items: stored } = openUpkeepRig()
    const log = open()
    await log.topics.create({ name: 't', partitions: 40 })
    let writes = 0
    hooks.write = (operations, next) => (++writes > 3 ? new Promise(() => undefined) : next(operations))
    void log.topics.delete('t')
    await new Promise(resolve => setImmediate(resolve))
    hooks.write = (operations, next) => next(operations)
    expect((await runOnce({}, { dry: true })).findings).toMatchObject([{ job: 'delete-topics', what: 'topic t' }])
    await runOnce()
    const left = [...stored.items.values()].map(({ key }) => key.pk)
    expect(left.filter(pk => pk !== 'sweep')).toEqual(['topics'])
    expect((await runOnce()).findings).toEqual([])
  })
})
