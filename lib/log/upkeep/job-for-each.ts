/** Jobs that look at one thing after the other, each in the process whose it is. */
import type { UpkeepJob, UpkeepPass } from './upkeep.ts'

/** While a job finds nothing it runs ever more seldom, up to this part of its interval. */
const IDLE_FACTOR = 12

export function upkeepIntervals(intervalMs: number): Pick<UpkeepJob, 'intervalMs' | 'intervalMsMax'> {
  return { intervalMs, intervalMsMax: intervalMs * IDLE_FACTOR }
}

export interface JobForEach {
  readonly name: string
  readonly intervalMs: number
  list(): Promise<readonly string[]>
  /** By which it is decided whose a thing is. */
  keyOf(id: string): string
  /** Whether there was something to do. */
  work(id: string, pass: UpkeepPass): Promise<boolean>
}

export function jobForEach({ name, intervalMs, list, keyOf, work }: JobForEach): UpkeepJob {
  return {
    name,
    ...upkeepIntervals(intervalMs),
    run: async pass => {
      let found = false
      for (const id of await list()) {
        if (pass.signal.aborted) break
        if (!pass.isMine(keyOf(id)) || !(await work(id, pass))) continue
        found = true
        await pass.pause()
      }
      return found
    },
  }
}
