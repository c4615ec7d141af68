/** Where push subscriptions deliver to: outside of the system, reached over a network that loses answers. */
import type { Delivery, PushBatch } from '../../../lib/push/index.ts'
import type { Operation, Pushed } from '../checker/index.ts'
import type { ReceiverPlan } from '../push-plan.ts'
import type { Process } from './process.ts'
import { Rng } from './rng.ts'
import type { World } from './world.ts'

export interface ReceiverOptions {
  readonly world: World
  readonly history: Operation[]
  readonly seed: number
  readonly plan: ReceiverPlan
  /** From then on it takes what it can. */
  readonly healMs: number
}

export class Receiver {
  readonly #options: ReceiverOptions
  readonly #rng: Rng

  constructor(options: ReceiverOptions) {
    this.#options = options
    this.#rng = new Rng(options.seed, 'receiver')
  }

  /** Answers to `process`, in its own time; at once where `signal` aborts. */
  deliver(process: Process, batch: PushBatch, signal: AbortSignal): Promise<Delivery> {
    const { world, plan } = this.#options
    const delay = () => this.#rng.spread(0.1, Math.max(1, plan.delayMs))
    const aborted: Delivery = { outcome: 'failed', reason: 'broken off' }
    return new Promise(resolve => {
      if (signal.aborted) return resolve(aborted)
      signal.addEventListener('abort', () => resolve(aborted))
      world.schedule(delay(), () => {
        const answer = this.#take(batch)
        if (this.#isCalm || !this.#rng.chance(plan.lostAnswerChance))
          world.schedule(delay(), () => resolve(answer), process)
        else world.schedule(delay(), () => resolve({ outcome: 'failed', reason: 'no answer' }), process)
      })
    })
  }

  get #isCalm(): boolean {
    return this.#options.world.time >= this.#options.healMs
  }

  #take(batch: PushBatch): Delivery {
    const { world, history, plan } = this.#options
    const { records } = batch
    const isBad = (offset: number) => plan.badEvery > 0 && offset % plan.badEvery === plan.badEvery - 1
    const firstBad = records.findIndex(({ offset }) => isBad(offset))
    let taken = firstBad < 0 ? records.length : firstBad
    if (!this.#isCalm && this.#rng.chance(plan.refuseChance)) taken = 0
    else if (!this.#isCalm && this.#rng.chance(plan.partChance)) taken = this.#rng.below(taken + 1)
    const tick = world.tick()
    const pushed: Pushed = {
      kind: 'pushed',
      subscription: batch.subscription,
      topic: batch.topic,
      partition: batch.partition,
      records: records.map(({ offset, value }) => ({ offset, value: value!.toString().split('|')[0]! })),
      taken,
      invoked: tick,
      completed: tick,
    }
    history.push(pushed)
    world.count(taken < records.length ? 'push refused' : 'pushed')
    world.note('receiver', () => `takes ${taken} of ${records.map(({ offset }) => offset)} in ${batch.partition}`)
    if (taken === records.length) return { outcome: 'delivered' }
    // A refusal of all may leave open where it began.
    const from = taken > 0 || this.#rng.chance(0.5) ? records[taken]!.offset : undefined
    return { outcome: 'failed', reason: 'refused', ...(from !== undefined && { from }) }
  }
}
