/**
 * What may go wrong between a process and its stores, and how likely it is. Faults come in storms, with quiet spells
 * between. Each is drawn from a stream of its own request, and can be left out by its name, so a violation shrinks.
 */
import { Rng } from './rng.ts'

export type StoreFault =
  | 'refused' // throttled, 503, a conflict of transactions: an error, and nothing happened
  | 'lost-request' // the request never arrives; the caller hears that the outcome is unknown
  | 'lost-answer' // it happens; the caller hears at once that the outcome is unknown
  | 'silence' // it happens; the caller hears nothing until its timeout
  | 'late-effect' // the caller's timeout comes first, the effect seconds or minutes after it
  | 'twice' // it happens, is answered, and is delivered again seconds or minutes later
  | 'slow-request' // it arrives after seconds
  | 'slow-answer' // the answer takes seconds or minutes
  | 'stale-list' // a listing misses the newest objects

export const storeFaults: readonly StoreFault[] = [
  'refused',
  'lost-request',
  'lost-answer',
  'silence',
  'late-effect',
  'twice',
  'slow-request',
  'slow-answer',
  'stale-list',
]

/** What can befall a read; the rest needs an effect. */
const readFaults = new Set<StoreFault>(['refused', 'lost-request', 'slow-request', 'slow-answer', 'stale-list'])

export type Latency = 'calm' | 'wild' | 'slow'

export interface FaultPlan {
  /** Probability of each, for each request sent in a storm. */
  readonly rates: Readonly<Partial<Record<StoreFault, number>>>
  /** Spans of virtual time, in ms, in which faults strike. */
  readonly storms: readonly { readonly from: number; readonly to: number }[]
  /** Until `calmFromMs`; then `calm`. */
  readonly latency: Latency
  readonly calmFromMs: number
  /** Names of single faults left out (`<request>`), while a violation is shrunk. */
  readonly without: readonly string[]
}

/** One request's luck. */
export interface Fate {
  readonly fault: StoreFault | undefined
  readonly requestMs: number
  readonly answerMs: number
  /** The caller's timeout, where it comes to that. */
  readonly timeoutMs: number
  /** How much later a late or second delivery is. */
  readonly laterMs: number
  readonly rng: Rng
}

export class Faults {
  readonly #plan: FaultPlan
  readonly #seed: number
  readonly #without: ReadonlySet<string>
  /** The requests that something went wrong with. */
  readonly struck: string[] = []

  constructor(plan: FaultPlan, seed: number) {
    this.#plan = plan
    this.#seed = seed
    this.#without = new Set(plan.without)
  }

  draw(request: { readonly name: string; readonly time: number; readonly kind: 'write' | 'read' | 'list' }): Fate {
    const rng = new Rng(this.#seed, 'fate', request.name)
    const latency = request.time < this.#plan.calmFromMs ? this.#plan.latency : 'calm'
    const requestMs = latencyOf(latency, rng)
    const answerMs = latencyOf(latency, rng)
    const timeoutMs = rng.spread(1_000, 60_000)
    const laterMs = rng.spread(100, 600_000)
    const drawn = this.#pickFault(rng.fraction(), request.kind)
    const strikes = drawn && this.#inStorm(request.time) && !this.#without.has(request.name)
    if (strikes) this.struck.push(request.name)
    return { fault: strikes ? drawn : undefined, requestMs, answerMs, timeoutMs, laterMs, rng }
  }

  #inStorm(time: number): boolean {
    return this.#plan.storms.some(({ from, to }) => time >= from && time < to)
  }

  #pickFault(fraction: number, kind: 'write' | 'read' | 'list'): StoreFault | undefined {
    let rest = fraction
    for (const fault of storeFaults) {
      if (kind !== 'write' && !readFaults.has(fault)) continue
      if (kind !== 'list' && fault === 'stale-list') continue
      rest -= this.#plan.rates[fault] ?? 0
      if (rest < 0) return fault
    }
    return undefined
  }
}

/** One way, in ms. */
function latencyOf(latency: Latency, rng: Rng): number {
  if (latency === 'calm') return 1 + rng.fraction() * 4
  if (latency === 'slow') return rng.spread(20, 2_000)
  return rng.spread(0.1, 300)
}
