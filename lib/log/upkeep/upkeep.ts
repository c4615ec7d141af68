/**
 * Upkeep: jobs that keep the stores as small as what is in the log. Each runs now and then in the background of a process,
 * the more seldom the longer it finds nothing to do, or once, for a Lambda or a person (`runOnce`). A job looks first, by
 * reads alone; only where there is work it takes a lease and writes. So while nothing happens, nothing is written.
 */
import { type Clock, drawFraction, type Logger, type Random, VarveError } from '../../base/index.ts'
import type { Leases, Renewed } from '../../leases/index.ts'

/** What a job removed or changed, or (dry) would. */
export interface UpkeepFinding {
  readonly job: string
  /** A key in one of the stores, or a partition. */
  readonly what: string
  readonly why: string
}

/** One run of a job, as the job sees it. */
export interface UpkeepPass {
  /** Aborts when the pass should come to an end. */
  readonly signal: AbortSignal
  /** Look and tell, but change nothing. */
  readonly dry: boolean
  /** Whether this process should see to what `key` names; another does else. A choice that saves work, and nothing more. */
  isMine(key: string): boolean
  /** Does `work` under a lease; undefined where another process is at it. */
  hold<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined>
  /** Whether who renews this is gone. Another process is at it else. */
  isAbandoned(name: string, renewed: Renewed): boolean
  tell(what: string, why: string): void
  /** Between one piece of work and the next, so that clients do not feel it. */
  pause(): Promise<void>
}

export interface UpkeepJob {
  readonly name: string
  /** Between two runs while there is work, in ms; doubles for each run that finds none … */
  readonly intervalMs: number
  /** … up to this. */
  readonly intervalMsMax: number
  /** Whether there was something to do. */
  run(pass: UpkeepPass): Promise<boolean>
}

export interface UpkeepOptions {
  readonly jobs: readonly UpkeepJob[]
  readonly leases: Leases
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly leaseMs: number
  /** In the background, between two pieces of work, in ms. */
  readonly pauseMs: number
  /** Default: everything. */
  readonly isMine?: (key: string) => boolean
}

export interface OneRun {
  /** The pass ends after so long, done or not. */
  readonly withinMs: number
  readonly dry?: boolean
  /** Names of jobs; default all. */
  readonly only?: readonly string[]
  readonly signal?: AbortSignal
  readonly onFinding?: (finding: UpkeepFinding) => void
}

export interface OneRunResult {
  /** Jobs that came to their end, failed ones with why. */
  readonly done: readonly string[]
  readonly failed: readonly { readonly job: string; readonly error: string }[]
  readonly findings: number
  /** Leases that others held: they are at that work, or died a moment ago. */
  readonly heldElsewhere: readonly string[]
  /** False: the time was over before, a job failed, or another process is at its work. */
  readonly complete: boolean
}

interface PassOptions extends Pick<UpkeepPass, 'dry' | 'signal' | 'tell'> {
  readonly pauseMs: number
  /** Told of a lease that another process holds. */
  readonly held: (name: string) => void
}

export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #closing = new AbortController()
  readonly #loops: Promise<void>[] = []

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  /** Runs the jobs in the background until `close`. */
  start(): void {
    for (const job of this.#options.jobs) this.#loops.push(this.#keepRunning(job))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#loops)
  }

  /** One pass of all jobs, in their order. Failures are in the result, not thrown, unless they are bugs. */
  async runOnce({ withinMs, dry = false, only, signal, onFinding }: OneRun): Promise<OneRunResult> {
    const over = new AbortController()
    const stop = () => over.abort()
    signal?.addEventListener('abort', stop)
    this.#closing.signal.addEventListener('abort', stop)
    const done = new AbortController()
    void this.#options.clock.sleep(withinMs, done.signal).then(stop)
    const ended: string[] = []
    const failed: { job: string; error: string }[] = []
    const heldElsewhere: string[] = []
    let findings = 0
    try {
      for (const job of this.#options.jobs) {
        if (only && !only.includes(job.name)) continue
        if (over.signal.aborted) break
        const tell = (what: string, why: string) => {
          findings++
          onFinding?.({ job: job.name, what, why })
        }
        try {
          const held = (name: string) => heldElsewhere.push(name)
          await job.run(this.#passOf({ dry, signal: over.signal, tell, pauseMs: 0, held }))
          ended.push(job.name)
        } catch (error) {
          if (!(error instanceof VarveError)) throw error
          failed.push({ job: job.name, error: error.message })
        }
      }
      const complete = failed.length === 0 && heldElsewhere.length === 0 && !over.signal.aborted
      return { done: ended, failed, findings, heldElsewhere, complete }
    } finally {
      done.abort()
      signal?.removeEventListener('abort', stop)
      this.#closing.signal.removeEventListener('abort', stop)
    }
  }

  async #keepRunning(job: UpkeepJob): Promise<void> {
    const { clock, random, logger, pauseMs } = this.#options
    const { signal } = this.#closing
    let intervalMs = job.intervalMs
    while (!signal.aborted) {
      // Not in step with other processes.
      await clock.sleep(intervalMs * (0.5 + drawFraction(random)), signal)
      if (signal.aborted) return
      let findings = 0
      const tell = () => {
        findings++
      }
      try {
        const busy = await job.run(this.#passOf({ dry: false, signal, tell, pauseMs, held: () => undefined }))
        intervalMs = busy ? job.intervalMs : Math.min(job.intervalMsMax, intervalMs * 2)
        if (findings > 0) logger.info('upkeep', { job: job.name, findings })
      } catch (error) {
        const fields = { job: job.name, error: String(error) }
        if (error instanceof VarveError) logger.warn('upkeep failed', fields)
        else logger.error('upkeep broken', fields)
        if (!(error instanceof VarveError)) intervalMs = job.intervalMsMax
      }
    }
  }

  #passOf({ pauseMs, held: heldElsewhere, ...pass }: PassOptions): UpkeepPass {
    const { leases, clock, leaseMs, isMine = () => true } = this.#options
    return {
      ...pass,
      isMine,
      hold: async (name, work) => {
        const held = await leases.hold(`upkeep/${name}`, leaseMs, lost => work(AbortSignal.any([lost, pass.signal])))
        if (!held.held) heldElsewhere(name)
        return held.held ? held.value : undefined
      },
      isAbandoned: (name, renewed) => {
        const isOver = leases.isOver(name, renewed)
        if (!isOver) heldElsewhere(name)
        return isOver
      },
      pause: async () => {
        if (pauseMs > 0 && !pass.signal.aborted) await clock.sleep(pauseMs, pass.signal)
      },
    }
  }
}
