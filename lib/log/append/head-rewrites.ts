/**
 * Writes of a shard's head together with other items (extents), taken in turn with the commits of this process, so that the
 * two never race here; against other processes each is a compare-and-swap of its own, planned anew on every head. One
 * whose outcome is unknown is planned again on the head as it is then: where it has happened, its plan finds that it
 * does not fit any more.
 */
import { type Clock, drawToken, type Random } from '../../base/index.ts'
import { type ItemStore, StoreError, type WriteOperation } from '../../storage/index.ts'
import { LogError } from '../errors.ts'
import { encodeHead, type Head, headKey } from '../head/head.ts'
import type { Shard } from '../head/shard.ts'

/** What to write on top of a head: the head after it (absent: it stays, and must not change meanwhile) and more. */
export interface PlannedRewrite {
  readonly head?: Head
  readonly operations: readonly WriteOperation[]
}

/** Decides what becomes of a head; undefined: it does not fit (any more). Called again for each attempt. */
export type PlanRewrite = (head: Head) => PlannedRewrite | undefined

interface HeadRewriteParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

interface Waiting {
  readonly plan: PlanRewrite
  attempts: number
  readonly resolve: (written: boolean) => void
  readonly reject: (error: unknown) => void
}

/** Others commit to the head between every look and write, some dozens of times in a row. */
const ATTEMPTS_MAX = 100
const WAITING_MAX = 100

export class HeadRewrites {
  readonly #shard: Shard
  readonly #parts: HeadRewriteParts
  readonly #waiting: Waiting[] = []

  constructor(shard: Shard, parts: HeadRewriteParts) {
    this.#shard = shard
    this.#parts = parts
  }

  get waiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Resolves with false where the plan did not fit. @throws LogError REQUEST_TIMED_OUT, OVERLOADED; StoreError */
  add(plan: PlanRewrite): Promise<boolean> {
    if (this.#waiting.length >= WAITING_MAX)
      return Promise.reject(new LogError('OVERLOADED', `${WAITING_MAX} writes of a head wait`))
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    this.#waiting.push({ plan, attempts: 0, resolve, reject })
    return promise
  }

  /** One attempt at the first that waits. `setback`: it came to nothing, and waits on. Never rejects. */
  async attempt(): Promise<'settled' | 'setback'> {
    const waiting = this.#waiting[0]!
    try {
      const outcome = await this.#try(waiting)
      if (outcome === 'setback' && ++waiting.attempts < ATTEMPTS_MAX) return outcome
      if (outcome === 'setback')
        throw new LogError('REQUEST_TIMED_OUT', `the head changed ${ATTEMPTS_MAX} times in a row`)
      waiting.resolve(outcome === 'written')
    } catch (error) {
      waiting.reject(error)
    }
    this.#waiting.shift()
    return 'settled'
  }

  async #try({ plan }: Waiting): Promise<'written' | 'refused' | 'setback'> {
    const base = this.#shard.state
    const planned = base?.head.state === 'open' ? plan(base.head) : undefined
    if (!base || !planned) return 'refused'
    const state = { head: planned.head ?? base.head, version: drawToken(this.#parts.random) }
    const key = headKey(this.#shard.topicId, this.#shard.number)
    const first: WriteOperation = planned.head
      ? { kind: 'put', key, expected: base.version, version: state.version, value: encodeHead(state.head) }
      : { kind: 'check', key, expected: base.version }
    const sentAt = this.#parts.clock.monotonic()
    try {
      const outcome = await this.#parts.items.write([first, ...planned.operations])
      if (outcome.written) {
        if (planned.head) await this.#shard.adoptWritten(state, [], sentAt)
        return 'written'
      }
      const inTheWay = outcome.conflicts.find(conflict => conflict.index === 0)
      await (inTheWay ? this.#shard.adopt(inTheWay.item) : this.#shard.refresh())
      // Not the head, but something else that the plan relies on is not as it was.
      return this.#shard.state?.version === base.version ? 'refused' : 'setback'
    } catch (error) {
      if (!(error instanceof StoreError) || error.code === 'STORE_REFUSED') throw error
      if (error.effect === 'unknown') await this.#shard.refresh()
      return 'setback'
    }
  }
}
