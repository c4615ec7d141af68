import { type Failure, runHistories } from '../fleet.ts'
import { runPlan } from '../history.ts'
import { system } from '../system-under-test.ts'
import { plants } from './index.ts'

/** Histories within which each planted bug must be found. */
const HISTORIES_MAX = 10_000

/**
 * The first history that is violated with a planted bug and is not without it, if there is one. On one thread, so that
 * it is the same every time.
 */
export async function findPlant(name: string): Promise<Failure | undefined> {
  const plant = plants.find(one => one.name === name)
  if (!plant) throw new Error(`no plant is called ${name}`)
  const { focus } = plant
  for (let firstSeed = 1, left = HISTORIES_MAX; left > 0; ) {
    const options = { firstSeed, histories: left, plant: name, focus, untilFailure: true, workers: 1 }
    const { failures, histories } = await runHistories(options)
    const [failure] = failures
    if (!failure) return undefined
    if ((await runPlan(failure.plan, system)).violations.length === 0) return failure
    firstSeed = failure.plan.seed + 1
    left -= histories
  }
  return undefined
}
