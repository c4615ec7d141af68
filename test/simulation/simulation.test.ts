import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runHistories } from './fleet.ts'
import { runPlan } from './history.ts'
import { drawPlan, type Plan } from './plan.ts'
import { plantedSources, plants } from './plants/index.ts'
import { findPlant } from './plants/search.ts'
import { system } from './system-under-test.ts'

interface Regression {
  readonly what: string
  readonly plan: Plan
}

const regressions: readonly Regression[] = JSON.parse(
  readFileSync(new URL('./regressions.json', import.meta.url), 'utf8'),
)

/** One of each focus, found soon; plants.extra.test.ts looks for all. */
const easyPlants = [
  'acknowledged before the write',
  'the generation not raised',
  'an attempt cleared away that has ended',
  'a partition not added before its first batch',
  'what is accepted comes back',
  'failed appends told as stored',
  'a checkpoint before the delivery',
  'a standby where the task is active',
  'a topic found while it is imported',
]

describe('simulation', () => {
  test('every property holds in histories of all kinds', { timeout: 240_000 }, async () => {
    const { failures } = await runHistories({ firstSeed: 1, histories: 300 })
    const told = failures.map(({ plan, violations }) => ({ seed: plan.seed, violations }))
    expect(told).toEqual([])
  })

  test('the same seed gives the same trace, byte for byte', async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const [once, again] = [await runTraced(drawPlan(seed)), await runTraced(drawPlan(seed))]
      expect(once.lines.length).toBeGreaterThan(0)
      expect(again.lines).toEqual(once.lines)
      expect(again.traceHash).toBe(once.traceHash)
    }
  })

  test('the trace of a seed is the same in every process, and other seeds have others', async () => {
    const here = await Promise.all([11, 12, 13].map(async seed => (await runTraced(drawPlan(seed))).traceHash))
    const { hashes } = await runHistories({ firstSeed: 11, histories: 3, workers: 1, tracing: 'hash' })
    expect([...hashes.values()]).toEqual(here)
    expect(new Set(here).size).toBe(3)
  })

  test.for(regressions)('once failed: $what', async ({ plan }) => {
    const { violations } = await runPlan(plan, system)
    expect(violations).toEqual([])
  })
})

describe('planted bugs', () => {
  test.for(plants)('fit the code: $name', plant => expect(plantedSources(plant).size).toBeGreaterThan(0))

  test.for(easyPlants)('are found: %s', { timeout: 120_000 }, async name => {
    expect(await findPlant(name)).toBeDefined()
  })
})

function runTraced(plan: Plan) {
  return runPlan(plan, system, { tracing: 'lines' })
}
