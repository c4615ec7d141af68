/** The part of a plan that is about transactional producers: how each lives, and what it makes of its transactions. */
import type { Rng } from './world/rng.ts'

export interface TransactorPlan {
  readonly name: string
  /** Two with the same one are rivals: the one that begins later fences the other. */
  readonly transactionalId: string
  /** 1: adds partitions first, keeps its epoch; 2 (KIP-890): a new epoch after every end. */
  readonly protocol: 1 | 2
  readonly startAt: number
  readonly transactions: number
  readonly topic: number
  readonly partitions: readonly number[]
  /** Batches to each partition in one transaction, at most. */
  readonly batchesMax: number
  readonly inFlight: number
  readonly abortChance: number
  /** Of a transaction that also commits an offset for a group. */
  readonly offsetsChance: number
  /** After so long the coordinator aborts. */
  readonly timeoutMs: number
  readonly thinkMs: number
  /** It stands still, and goes on as if nothing had happened. */
  readonly pauses: readonly { readonly at: number; readonly ms: number }[]
  /** It is never heard of again. */
  readonly dieAt?: number
  /** Its last transaction's end is asked for once, and it is never heard of again. */
  readonly diesEnding: boolean
}

export function drawTransactors(rng: Rng, topics: readonly number[], healMs: number): TransactorPlan[] {
  const ids = rng.pick([1, 1, 2])
  return Array.from({ length: rng.pick([1, 2, 2, 3]) }, (_, i): TransactorPlan => {
    const topic = rng.below(topics.length)
    const all = Array.from({ length: topics[topic]! }, (_, p) => p)
    const transactions = rng.between(1, 8)
    const timeoutMs = Math.round(rng.spread(2_000, Math.max(4_000, healMs)))
    return {
      name: `t${i}`,
      transactionalId: `id${rng.below(ids)}`,
      protocol: rng.pick([1, 2]),
      startAt: rng.chance(0.5) ? 0 : rng.fraction() * healMs,
      transactions,
      topic,
      partitions: all
        .filter(() => rng.chance(0.8))
        .concat(all.slice(0, 1))
        .filter(isFirst),
      batchesMax: rng.pick([1, 2, 4]),
      inFlight: rng.pick([1, 2, 5]),
      abortChance: rng.pick([0, 0.3, 0.7]),
      offsetsChance: rng.pick([0, 0, 0.5]),
      timeoutMs,
      thinkMs: rng.spread(0.5, Math.max(1, healMs / transactions)),
      pauses: Array.from({ length: rng.pick([0, 0, 1, 2]) }, () => ({
        at: rng.fraction() * healMs,
        ms: rng.spread(100, 3 * timeoutMs),
      })),
      ...(rng.chance(0.2) && { dieAt: rng.fraction() * healMs }),
      diesEnding: rng.chance(0.3),
    }
  })
}

function isFirst(value: number, index: number, all: readonly number[]): boolean {
  return all.indexOf(value) === index
}
