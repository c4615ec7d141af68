import type { Clock } from '../../../lib/base/index.ts'
import type { SimulatedEvent } from './event-heap.ts'
import { Rng } from './rng.ts'
import { EPOCH_MS, type World } from './world.ts'

/** Timers of a machine are never early and at most this late. */
const TIMER_LATE_MS = 2

/** Node fires a timer set further ahead than this at once. */
const TIMER_MAX_MS = 2 ** 31 - 1

/**
 * One process of the system under test: its own wall clock (wrong by `skewMs`, may jump), its own randomness, and its
 * own life. Killed, it hears of nothing again; frozen, everything that would reach it waits for the thaw.
 */
export class Process {
  readonly name: string
  readonly clock: Clock
  readonly random: Rng
  /** Requests on their way to the stores: a kill decides what becomes of them. */
  readonly underway = new Set<{ abandon(rng: Rng): void }>()
  readonly #world: World
  readonly #rng: Rng
  readonly #started: number
  readonly #onDeath: (() => void)[] = []
  #onNextRequest: { readonly part: string; readonly tell: () => void }[] = []
  #skewMs: number
  #dead = false
  #frozen = false
  #held: (() => void)[] = []

  constructor(world: World, options: { name: string; seed: number; skewMs: number }) {
    this.#world = world
    this.name = options.name
    this.#rng = new Rng(options.seed, 'process', options.name)
    this.random = new Rng(options.seed, 'random', options.name)
    this.#skewMs = options.skewMs
    this.#started = world.time - this.#rng.below(1_000_000)
    this.clock = {
      now: () => Math.floor(EPOCH_MS + world.time + this.#skewMs),
      monotonic: () => world.time - this.#started,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    }
  }

  get dead(): boolean {
    return this.#dead
  }

  get frozen(): boolean {
    return this.#frozen
  }

  get skewMs(): number {
    return this.#skewMs
  }

  /** The next steps of this process wait until it thaws. */
  freeze(): void {
    this.#frozen = true
    this.#world.note(this.name, 'frozen')
  }

  /** Everything that was held comes at once, in any order. */
  thaw(): void {
    if (!this.#frozen || this.#dead) return
    this.#frozen = false
    this.#world.note(this.name, `thawed with ${this.#held.length} held`)
    const held = this.#held
    this.#held = []
    for (const action of held) this.#world.schedule(this.#rng.fraction(), action, this)
  }

  /** For the world: an event came while the process was frozen. */
  hold(action: () => void): void {
    this.#held.push(action)
  }

  /** Nothing runs in this process again; requests already sent may still take effect, late or not at all. */
  kill(): void {
    if (this.#dead) return
    this.#dead = true
    this.#held = []
    this.#world.note(this.name, `killed with ${this.underway.size} requests under way`)
    for (const request of this.underway) request.abandon(this.#rng)
    this.underway.clear()
    for (const tell of this.#onDeath) tell()
  }

  /** Calls `tell` when the process dies (its connections break). */
  onDeath(tell: () => void): void {
    this.#onDeath.push(tell)
  }

  /** Calls `tell` when the process sends its next request to a store that has `part` in what is told of it. */
  onNextRequest(part: string, tell: () => void): void {
    this.#onNextRequest.push({ part, tell })
  }

  /** For the stores: a request is sent. */
  noteRequest(what: () => string): void {
    if (this.#onNextRequest.length === 0) return
    const text = what()
    const due = this.#onNextRequest.filter(({ part }) => text.includes(part))
    this.#onNextRequest = this.#onNextRequest.filter(one => !due.includes(one))
    for (const { tell } of due) tell()
  }

  jumpClock(byMs: number): void {
    this.#skewMs += byMs
    this.#world.note(this.name, `clock jumps by ${byMs} ms`)
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const late = this.#rng.fraction() * TIMER_LATE_MS
      const done = () => {
        timer.cancelled = true
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const delayMs = ms >= 1 && ms <= TIMER_MAX_MS ? ms : 1
      const timer: SimulatedEvent = this.#world.schedule(delayMs + late, done, this)
      signal?.addEventListener('abort', done)
    })
  }
}
