import { EventHeap, type SimulatedEvent } from './event-heap.ts'
import type { Process } from './process.ts'
import { Trace, type Tracing } from './trace.ts'

/** The moment where virtual time begins, on a clock that is right: 2026-01-01, in ms. */
export const EPOCH_MS = 1_767_225_600_000

/** More steps than this in one history mean that something spins. */
const STEPS_MAX = 2_000_000

/** A history that never ends: `steps` or `deadline` ran out before the scenario did, or nothing was left to happen. */
export class StuckError extends Error {}

/**
 * Virtual time and the one queue of everything that will happen. All promises that the system under test may wait
 * for are settled by an event of this queue, one event a step, and every microtask that an event sets off is run
 * before the next: so a run is a function of its seed.
 */
export class World {
  /** Undefined: nobody will read it. */
  readonly trace: Trace | undefined
  readonly counters = new Map<string, number>()
  readonly #heap = new EventHeap()
  #time = 0
  #steps = 0
  #sequence = 0
  #underwayUntil = 0

  constructor(tracing: Tracing = 'none') {
    this.trace = tracing === 'none' ? undefined : new Trace(tracing)
  }

  /** Ms since the world began; never goes back. */
  get time(): number {
    return this.#time
  }

  get steps(): number {
    return this.#steps
  }

  /** A number that grows with everything that is told to a client: orders the history. */
  tick(): number {
    return ++this.#sequence
  }

  count(name: string, by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by)
  }

  /** `what` as a function where it costs something to say: it is asked only where there is a trace. */
  note(who: string, what: string | (() => string)): void {
    if (!this.trace) return
    this.trace.note(`${this.#time.toFixed(3)} ${who} ${typeof what === 'string' ? what : what()}`)
  }

  /** Runs `action` after `delayMs`; inside `process` where given: later while it is frozen, never once it is dead. */
  schedule(delayMs: number, action: () => void, process?: Process): SimulatedEvent {
    const time = this.#time + Math.max(0, delayMs)
    const event: SimulatedEvent = { time, sequence: ++this.#sequence, process, action, cancelled: false }
    this.#heap.push(event)
    return event
  }

  /** As `schedule`, of a request to a store or its answer: something may come of it until then, however late it is. */
  scheduleDelivery(delayMs: number, action: () => void, process?: Process): SimulatedEvent {
    const event = this.schedule(delayMs, action, process)
    this.#underwayUntil = Math.max(this.#underwayUntil, event.time)
    return event
  }

  /** Until the last request that is under way to a store now, and the last answer, has come. */
  get underwayUntil(): number {
    return Math.max(this.#time, this.#underwayUntil)
  }

  sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.schedule(ms, resolve))
  }

  /** Lets time pass until `scenario` is done. @throws StuckError past `deadlineMs` of virtual time */
  async run<T>(scenario: () => Promise<T>, deadlineMs: number): Promise<T> {
    let outcome: (() => T) | undefined
    scenario().then(
      value => {
        outcome = () => value
      },
      error => {
        outcome = () => {
          throw error
        }
      },
    )
    for (;;) {
      await microtasksDrained()
      if (outcome) return outcome()
      this.#step(deadlineMs)
    }
  }

  #step(deadlineMs: number): void {
    let event = this.#heap.pop()
    while (event && (event.cancelled || event.process?.dead)) event = this.#heap.pop()
    if (!event) throw new StuckError('nothing is left to happen and the scenario is not done')
    if (event.time > deadlineMs) throw new StuckError(`not done after ${deadlineMs} ms`)
    if (++this.#steps > STEPS_MAX) throw new StuckError(`not done after ${STEPS_MAX} steps`)
    this.#time = event.time
    if (event.process?.frozen) event.process.hold(event.action)
    else event.action()
  }
}

/**
 * Resolves once the microtask queue is empty: Node runs a tick that was asked for in a microtask after all microtasks.
 * Far cheaper than a turn of the event loop, which nothing here needs.
 */
function microtasksDrained(): Promise<void> {
  return new Promise(resolve => process.nextTick(resolve))
}
