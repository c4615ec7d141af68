/** One thread that runs histories: takes `WorkOrder`s, answers `WorkResult`s. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Violation } from './checker/index.ts'
import type { Plan } from './plan.ts'
import { plantBug, plants } from './plants/index.ts'
import type { Tracing } from './world/trace.ts'

export type WorkOrder =
  | {
      readonly kind: 'run'
      readonly seeds: readonly number[]
      /** The seeds after one that is violated are left. */
      readonly untilFailure: boolean
      readonly tracing: Tracing
    }
  | { readonly kind: 'shrink'; readonly plan: Plan; readonly violation: Violation }
  | { readonly kind: 'end' }

export interface Failure {
  readonly plan: Plan
  readonly violations: readonly Violation[]
}

/** How many, and the processor time of one thread that they took. */
export interface Pace {
  readonly histories: number
  readonly ms: number
}

export type WorkResult =
  | {
      readonly kind: 'ran'
      readonly short: Pace
      readonly long: Pace
      readonly steps: number
      readonly virtualMs: number
      readonly counters: ReadonlyMap<string, number>
      readonly hashes: ReadonlyMap<number, string>
      readonly failures: readonly Failure[]
    }
  | {
      readonly kind: 'shrunk'
      readonly plan: Plan
      readonly violations: readonly Violation[]
      readonly operations: readonly string[]
      readonly lines: readonly string[]
      readonly runs: number
    }

/** Violations told of one history. */
const TOLD_MAX = 5

const { plant: name } = workerData as { plant: string | undefined }
const plant = plants.find(one => one.name === name)
if (name !== undefined && !plant) throw new Error(`no plant is called ${name}`)
if (plant) plantBug(plant)
const { describeOperation } = await import('./checker/index.ts')
const { runPlan } = await import('./history.ts')
const { drawPlan, isLong } = await import('./plan.ts')
const { shrinkPlan } = await import('./shrink.ts')
const { system } = await import('./system-under-test.ts')

parentPort!.on('message', async (order: WorkOrder) => {
  if (order.kind === 'end') parentPort!.close()
  else parentPort!.postMessage(await work(order))
})

async function work(order: Exclude<WorkOrder, { kind: 'end' }>): Promise<WorkResult> {
  if (order.kind === 'shrink') {
    const { plan, outcome, runs } = await shrinkPlan(order.plan, order.violation.property, system)
    const operations = outcome.history.map(describeOperation)
    return { kind: 'shrunk', plan, violations: outcome.violations, operations, lines: outcome.lines, runs }
  }
  // Thousands of errors a second that nobody reads the stacks of.
  Error.stackTraceLimit = 0
  let steps = 0
  let virtualMs = 0
  const counters = new Map<string, number>()
  const hashes = new Map<number, string>()
  const failures: Failure[] = []
  const paces = { short: { histories: 0, ms: 0 }, long: { histories: 0, ms: 0 } }
  for (const seed of order.seeds) {
    const plan = drawPlan(seed)
    const began = process.threadCpuUsage()
    const outcome = await runPlan(plan, system, order)
    const pace = paces[isLong(plan) ? 'long' : 'short']
    pace.histories++
    const { user, system: kernel } = process.threadCpuUsage(began)
    pace.ms += (user + kernel) / 1_000
    steps += outcome.steps
    virtualMs += outcome.virtualMs
    hashes.set(seed, outcome.traceHash)
    for (const [counter, by] of outcome.counters) counters.set(counter, (counters.get(counter) ?? 0) + by)
    if (outcome.violations.length > 0)
      failures.push({
        plan,
        violations: outcome.violations.slice(0, TOLD_MAX),
      })
    if (failures.length > 0 && order.untilFailure) break
  }
  return { kind: 'ran', ...paces, steps, virtualMs, counters, hashes, failures }
}
