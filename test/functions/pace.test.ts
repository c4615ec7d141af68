import { expect, test } from 'vitest'
import { atItsPace, atOnce, paceKey } from '../../lib/assembly/serverless/pace.ts'
import { systemRandom } from '../../lib/base/index.ts'
import { ManualClock } from '../log/rig.ts'
import { memoryItems } from '../support/memory-stores.ts'

const MINUTE_MS = 60_000

test('a schedule that finds nothing to do looks seldom and in the end writes nothing; with work it is quick again', async () => {
  const items = memoryItems()
  const clock = new ManualClock(1_700_000_000_000 - (1_700_000_000_000 % (80 * MINUTE_MS)))
  const options = { items, clock, random: systemRandom, key: paceKey, intervalMs: 5 * MINUTE_MS }
  const versions = () => [...items.items.values()].map(({ version }) => version)
  let busy = false
  const runsIn = async (times: number) => {
    let runs = 0
    for (let i = 0; i < times; i++) {
      if (await atItsPace(options, async () => busy)) runs++
      clock.jump(5 * MINUTE_MS)
    }
    return runs
  }
  await runsIn(64)
  const written = versions()
  expect(await runsIn(64)).toBe(4)
  expect(versions()).toEqual(written)
  busy = true
  await runsIn(16)
  expect(await runsIn(16)).toBe(16)
})

test('a schedule that looks seldom looks at its next time when it is told that there is work', async () => {
  const items = memoryItems()
  const clock = new ManualClock(1_700_000_000_000)
  const options = { items, clock, random: systemRandom, key: paceKey, intervalMs: MINUTE_MS }
  for (let i = 0; i < 64; i++) {
    await atItsPace(options, async () => false)
    clock.jump(MINUTE_MS)
  }
  await atOnce(options)
  expect(await atItsPace(options, async () => true)).toBe(true)
  clock.jump(MINUTE_MS)
  expect(await atItsPace(options, async () => true)).toBe(true)
})

test('of a schedule that finds nothing and somebody who knows of work, the latter is heard', async () => {
  const items = memoryItems()
  const clock = new ManualClock(1_700_000_000_000 - (1_700_000_000_000 % (16 * MINUTE_MS)))
  const options = { items, clock, random: systemRandom, key: paceKey, intervalMs: MINUTE_MS }
  await atItsPace(options, async () => false)
  clock.jump(2 * MINUTE_MS)
  await atItsPace(options, async () => {
    await atOnce(options)
    return false
  })
  clock.jump(MINUTE_MS)
  expect(await atItsPace(options, async () => true)).toBe(true)
})
