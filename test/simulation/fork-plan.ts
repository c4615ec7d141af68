import type { Rng } from './world/rng.ts'

/** A topic is forked, once or more, and what comes of it goes on, or is deleted. */
export interface ForkPlan {
  readonly name: string
  readonly at: number
  /** A topic of all; absent: one of its own, with so many batches, which may be deleted. */
  readonly source: number | { readonly batches: number; readonly partitions: number }
  /** All that is written here is written by one idempotent producer, to sources and forks alike. */
  readonly idempotent: boolean
  /** In their order; each is forked from the one before it, where it is a `child`. */
  readonly forks: readonly OneFork[]
  readonly thinkMs: number
}

export interface OneFork {
  /** Latest; or at this part of what is there, by offset. */
  readonly cut: 'latest' | number
  readonly child: boolean
  /** Batches written to it, and to a source of its own, after it is there. */
  readonly batches: number
  /** Records deleted from it. */
  readonly deletes: boolean
  readonly fate: 'stays' | 'deleted'
  /** The source is deleted right after this one was made, or while it is made. */
  readonly endsSource: 'no' | 'after' | 'meanwhile'
}

export function drawForks(rng: Rng, topics: readonly number[], healMs: number): ForkPlan[] {
  return Array.from({ length: rng.pick([1, 1, 2, 3]) }, (_, i): ForkPlan => {
    const own = rng.chance(0.7)
    return {
      name: `fork-${i}`,
      at: rng.fraction() * healMs,
      source: own ? { batches: rng.between(0, 12), partitions: rng.pick([1, 1, 2, 3]) } : rng.below(topics.length),
      forks: Array.from({ length: rng.pick([1, 1, 2]) }, () => drawOne(rng, own)),
      idempotent: rng.chance(0.5),
      thinkMs: rng.spread(1, Math.max(2, healMs / 10)),
    }
  })
}

function drawOne(rng: Rng, own: boolean): OneFork {
  return {
    cut: rng.chance(0.5) ? 'latest' : rng.fraction(),
    child: rng.chance(0.5),
    batches: rng.pick([0, 1, 3]),
    deletes: rng.chance(0.2),
    fate: rng.chance(0.7) ? 'stays' : 'deleted',
    endsSource: own ? rng.pick(['no', 'after', 'after', 'meanwhile']) : 'no',
  }
}
