import { type Failure, runHistories } from '../fleet.ts'
import { plants } from './index.ts'

/** Histories within which each planted bug must be found. */
const HISTORIES_MAX = 10_000

/** The first violation that a planted bug leads to, if there is one. */
export async function findPlant(name: string): Promise<Failure | undefined> {
  const plant = plants.find(one => one.name === name)
  if (!plant) throw new Error(`no plant is called ${name}`)
  const { failures } = await runHistories({
    firstSeed: 1,
    histories: HISTORIES_MAX,
    plant: name,
    focus: plant.focus,
    untilFailure: true,
  })
  return failures[0]
}
