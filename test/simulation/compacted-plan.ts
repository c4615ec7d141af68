/** Topics with cleanup.policy=compact: records of few keys, some of them tombstones, and a cleaner that comes all the time. */
import type { CompactionTuning } from './system.ts'
import type { Rng } from './world/rng.ts'

export interface CompactedPlan {
  /** Those of the plan's that are compacted. */
  readonly topics: readonly number[]
  /** Whether those are that are made to be forked. */
  readonly forkSources: boolean
  readonly policy: 'compact' | 'compact,delete'
  readonly keys: number
  readonly tombstoneChance: number
  readonly deleteRetentionMs: number
  /** Zero wherever clocks are wrong: what becomes old enough in an idle hour would make work in it. */
  readonly minLagMs: number
  readonly maxLagMs: number | null
  readonly minDirtyRatio: number
}

interface Drawn {
  readonly topics: readonly number[]
  readonly clocksRight: boolean
}

export function drawCompacted(rng: Rng, { topics, clocksRight }: Drawn): CompactedPlan {
  const hasLags = clocksRight && rng.chance(0.5)
  const minLagMs = hasLags ? rng.pick([0, 1_000, 20_000]) : 0
  return {
    topics: [...topics.keys()].filter(topic => topic === 0 || rng.chance(0.5)),
    forkSources: rng.chance(0.8),
    policy: rng.pick(['compact', 'compact', 'compact,delete'] as const),
    keys: rng.pick([1, 2, 2, 3, 6]),
    tombstoneChance: rng.pick([0, 0.2, 0.4]),
    deleteRetentionMs: rng.pick([0, 1_000, 30_000, 24 * 3_600_000]),
    minLagMs,
    maxLagMs: hasLags ? minLagMs + rng.pick([1, 5_000, 40_000]) : null,
    minDirtyRatio: rng.pick([0, 0, 0.3, 0.7]),
  }
}

/** Mostly so eager that what was just acknowledged is cleaned. */
export function drawCleaning(rng: Rng, drawn: CompactionTuning, healMs: number): CompactionTuning {
  return {
    ...drawn,
    everyMs: rng.spread(10, Math.max(20, healMs / 20)),
    dueBytes: rng.pick([0, 0, 0, 300]),
    dueMs: -24 * 3_600_000,
    keysMax: rng.pick([1, 2, 4, 1_000]),
    // With memory for one key, all is rewritten for each batch.
    bytesPerSecondMax: 1e12,
  }
}

/** Of a compacted topic. */
export function configsOf(plan: CompactedPlan): Record<string, string> {
  const { policy, deleteRetentionMs, minLagMs, maxLagMs, minDirtyRatio } = plan
  return {
    'cleanup.policy': policy,
    'delete.retention.ms': String(deleteRetentionMs),
    'min.compaction.lag.ms': String(minLagMs),
    ...(maxLagMs !== null && { 'max.compaction.lag.ms': String(maxLagMs) }),
    'min.cleanable.dirty.ratio': String(minDirtyRatio),
  }
}
