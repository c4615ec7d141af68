import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Violation } from './checker/index.ts'
import { drawPlan, type Focus, focusOf, isLong, type Plan } from './plan.ts'
import type { Failure, Pace, WorkOrder, WorkResult } from './worker.ts'
import type { Tracing } from './world/trace.ts'

export type { Failure } from './worker.ts'

/** Histories that a worker is given at a time. */
const BATCH = 20

/** Histories make much garbage: with room for it, a fifth of the time is saved. */
const YOUNG_GENERATION_MB = 192

export interface Tally {
  histories: number
  short: Pace
  long: Pace
  steps: number
  virtualMs: number
  readonly counters: Map<string, number>
  readonly hashes: Map<number, string>
  readonly failures: Failure[]
}

export interface FleetOptions {
  readonly firstSeed: number
  readonly histories: number
  /** No new histories after this long. */
  readonly forMs?: number
  readonly workers?: number
  /** The name of a bug to plant. */
  readonly plant?: string
  /** Leaves out the histories that are about something else. */
  readonly focus?: Focus | undefined
  /** Leaves out those that take many times as long as others. */
  readonly shortOnly?: boolean
  /** Begin no more histories after a violation. */
  readonly untilFailure?: boolean
  /** `hash`: the tally has the hashes of the traces. */
  readonly tracing?: Tracing
  onProgress?(tally: Tally): void
}

/** Runs the histories of consecutive seeds on several threads. */
export async function runHistories(options: FleetOptions): Promise<Tally> {
  const { histories, forMs = Infinity, untilFailure = false, tracing = 'none', onProgress } = options
  const tally = emptyTally()
  const until = performance.now() + forMs
  const seeds = seedsOf(options)
  let left = histories
  const drive = async () => {
    const thread = new Thread(options.plant)
    try {
      while (left > 0 && performance.now() < until && !(untilFailure && tally.failures.length > 0)) {
        const some = seeds.take(Math.min(BATCH, left))
        left -= some.length
        add(tally, await thread.ask({ kind: 'run', seeds: some, untilFailure, tracing }))
        onProgress?.(tally)
      }
    } finally {
      await thread.end()
    }
  }
  await Promise.all(Array.from({ length: options.workers ?? availableParallelism() }, drive))
  tally.failures.sort((a, b) => a.plan.seed - b.plan.seed)
  return tally
}

export async function shrinkFailure(plan: Plan, violation: Violation, plant?: string) {
  const thread = new Thread(plant)
  try {
    const result = await thread.ask({ kind: 'shrink', plan, violation })
    if (result.kind !== 'shrunk') throw new Error('the worker answered another question')
    return result
  } finally {
    await thread.end()
  }
}

function seedsOf({ firstSeed, focus, shortOnly = false }: FleetOptions): { take(count: number): number[] } {
  let next = firstSeed
  return {
    take: count => {
      const seeds: number[] = []
      for (; seeds.length < count; next++) {
        const isWanted = (focus === undefined || focusOf(next) === focus) && !(shortOnly && isLong(drawPlan(next)))
        if (isWanted) seeds.push(next)
      }
      return seeds
    },
  }
}

function emptyTally(): Tally {
  const none: Pace = { histories: 0, ms: 0 }
  const counts = { histories: 0, short: none, long: none, steps: 0, virtualMs: 0 }
  return { ...counts, counters: new Map(), hashes: new Map(), failures: [] }
}

function add(tally: Tally, result: WorkResult): void {
  if (result.kind !== 'ran') throw new Error('the worker answered another question')
  tally.histories += result.short.histories + result.long.histories
  tally.short = sumOf(tally.short, result.short)
  tally.long = sumOf(tally.long, result.long)
  tally.steps += result.steps
  tally.virtualMs += result.virtualMs
  for (const [name, by] of result.counters) tally.counters.set(name, (tally.counters.get(name) ?? 0) + by)
  for (const [seed, hash] of result.hashes) tally.hashes.set(seed, hash)
  tally.failures.push(...result.failures)
}

function sumOf(a: Pace, b: Pace): Pace {
  return { histories: a.histories + b.histories, ms: a.ms + b.ms }
}

/** A worker that is asked one thing at a time. */
class Thread {
  readonly #worker: Worker
  readonly #exited: Promise<void>
  #settle: { resolve(result: WorkResult): void; reject(error: unknown): void } | undefined

  constructor(plant: string | undefined) {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { plant },
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    this.#worker.on('message', (result: WorkResult) => this.#settle?.resolve(result))
    this.#worker.on('error', error => this.#settle?.reject(error))
    this.#exited = new Promise(resolve => this.#worker.once('exit', () => resolve()))
  }

  ask(order: WorkOrder): Promise<WorkResult> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#worker.postMessage(order)
    })
  }

  /** By itself: one that is terminated has taken the whole process with it. */
  async end(): Promise<void> {
    this.#worker.postMessage({ kind: 'end' } satisfies WorkOrder)
    await this.#exited
  }
}
