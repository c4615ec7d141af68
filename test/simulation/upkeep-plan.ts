import type { UpkeepTuning } from './system.ts'
import type { Rng } from './world/rng.ts'

/** Records deleted by offset. */
export interface DeletionPlan {
  readonly at: number
  readonly topic: number
  readonly partition: number
  /** The part of what is there that goes; 1: all, by Kafka's -1. */
  readonly part: number
}

export interface UpkeepPlan {
  readonly deletions: readonly DeletionPlan[]
  /** For each topic its retention.bytes, where it has one. */
  readonly retentionBytes: readonly (number | null)[]
  /** After all, a sweep leaves nothing that nothing refers to. */
  readonly sweepAtEnd: boolean
}

export function drawUpkeep(rng: Rng, topics: readonly number[], healMs: number): UpkeepPlan {
  const deletions = Array.from({ length: rng.pick([0, 1, 2, 4]) }, () => {
    const topic = rng.below(topics.length)
    const part = rng.chance(0.4) ? 1 : rng.fraction()
    return { at: rng.fraction() * healMs, topic, partition: rng.below(topics[topic]!), part }
  })
  const retentionBytes = topics.map(() => (rng.chance(0.2) ? rng.pick([0, 300, 3_000]) : null))
  return { deletions, retentionBytes, sweepAtEnd: true }
}

/** So eager that a short history meets sweeps, however its clocks go. */
export function drawUpkeepTuning(rng: Rng, healMs: number): UpkeepTuning {
  return {
    retentionIntervalMs: rng.spread(2_000, Math.max(5_000, healMs / 2)),
    sweepIntervalMs: rng.spread(2_000, Math.max(5_000, healMs / 2)),
    graceMs: rng.pick([0, 0, 1_000, 60_000]),
    windowHours: 1,
    wholeLookHours: 0,
    firstLookHours: rng.pick([1, 2, 12]),
    leaseMs: rng.spread(500, 30_000),
    background: true,
  }
}
