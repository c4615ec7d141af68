/** The part of a plan that is about an event source, whose deliveries become records. */
import type { Rng } from './world/rng.ts'

export interface IngestPlan {
  readonly name: string
  /** `stream`: in order, and again from the first that failed; `queue`: in any order, each by itself, several at once. */
  readonly kind: 'stream' | 'queue'
  readonly partitions: number
  readonly records: number
  /** How many keys they have; 0: none. */
  readonly keys: number
  /** Between the times at which the source took them, in ms. */
  readonly spacingMs: number
  readonly batchMax: number
  /** Deliveries under way at once, of a queue. */
  readonly atOnce: number
  readonly thinkMs: number
  /** How often a delivery has records that are under way, or done. */
  readonly againChance: number
  /** What a function has for one delivery, in ms. */
  readonly timeoutMs: number
}

export function drawIngest(rng: Rng, place: number, healMs: number): IngestPlan {
  const records = rng.pick([3, 10, 40])
  return {
    name: `source-${place}`,
    kind: rng.pick(['stream', 'queue'] as const),
    partitions: rng.pick([1, 2, 3]),
    records,
    keys: rng.pick([0, 1, 3]),
    spacingMs: rng.pick([1, 1_000, 20_000, 120_000]),
    batchMax: rng.pick([1, 3, 10, 40]),
    atOnce: rng.pick([1, 2, 3]),
    thinkMs: rng.spread(1, Math.max(2, (2 * healMs) / records)),
    againChance: rng.pick([0, 0.1, 0.5]),
    timeoutMs: Math.round(rng.spread(500, 30_000)),
  }
}
