import type { Rng } from './world/rng.ts'

/** A topic is made of record batches that were exported, by one process after the other, or by two at once. */
export interface ImportPlan {
  readonly name: string
  readonly at: number
  /** Batches of each partition. */
  readonly batches: readonly number[]
  /** The first offset of each partition. */
  readonly starts: readonly number[]
  /** What goes into one write. */
  readonly extentBytes: number
  readonly importers: number
  /** After so many attempts in vain an importer gives it up; null: never. */
  readonly attemptsMax: number | null
  /** Between two attempts. */
  readonly thinkMs: number
}

export function drawImports(rng: Rng, healMs: number): ImportPlan[] {
  return Array.from({ length: rng.pick([1, 1, 2]) }, (_, i): ImportPlan => {
    const partitions = rng.pick([1, 1, 2, 3])
    return {
      name: `imported-${i}`,
      at: rng.fraction() * healMs,
      batches: Array.from({ length: partitions }, () => rng.pick([0, 1, 5, 20])),
      starts: Array.from({ length: partitions }, () => rng.pick([0, 0, 7])),
      extentBytes: rng.pick([1, 300, 2_000]),
      importers: rng.pick([1, 1, 2]),
      attemptsMax: rng.pick([null, null, 1, 3]),
      thinkMs: rng.spread(100, 60_000),
    }
  })
}
