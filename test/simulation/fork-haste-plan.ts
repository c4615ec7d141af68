/**
 * Forks in haste, beside compaction and sweeps that come all the time, and gateways that stand still in the middle of a fork or of a
 * sweep. What it is after:
 *
 *   1. A makes a fork: its heads are there, empty, and A has read that the source names segment X. A stands still.
 *   2. Another gateway compacts the source, which needs X no more.
 *   3. A sweep finds X unneeded, and deletes it.
 *   4. A goes on, and fills the fork's head, which names X.
 *
 * The sweep in 3 must have raised the fence of the fork's head, so it must know of that: one that had listed the heads before 1, and
 * stood still before it looked at the source, lists them again. And A's write in 4 must see the fence.
 */
import type { ForkPlan, OneFork } from './fork-plan.ts'
import type { Disaster } from './plan.ts'
import type { CompactionTuning, UpkeepTuning } from './system.ts'
import type { Rng } from './world/rng.ts'

export const FORK_HASTE_GATEWAYS = 3

const HEAL_MS = { low: 20_000, high: 90_000 }

/** As traces tell them: what a gateway asks for as the first thing, when it makes a fork, and when it lists the heads. */
const FORK_REQUEST = 'topics/fork-'
const LISTING_REQUEST = 'query topics'

export function drawForkHaste(rng: Rng) {
  const healMs = rng.spread(HEAL_MS.low, HEAL_MS.high)
  const forks = Array.from({ length: rng.between(1, 3) }, (_, i): ForkPlan => {
    return {
      name: `fork-${i}`,
      at: (rng.fraction() * healMs) / 2,
      source: { batches: rng.between(1, 4), partitions: 1 },
      idempotent: rng.chance(0.5),
      forks: Array.from({ length: rng.between(2, 5) }, () => drawOne(rng)),
      thinkMs: rng.spread(10, 500),
    }
  })
  const disasters = Array.from({ length: FORK_HASTE_GATEWAYS }, (_, gateway) =>
    drawFreezes(rng, gateway, healMs),
  ).flat()
  const faults = {
    rates: rng.pick([{}, { 'slow-request': 0.01, 'slow-answer': 0.01 }]),
    storms: [{ from: 0, to: healMs }],
    latency: 'calm' as const,
    calmFromMs: healMs,
    without: [],
  }
  const upkeep: Partial<UpkeepTuning> = { sweepIntervalMs: rng.spread(100, 2_000), graceMs: 0 }
  const compaction: Partial<CompactionTuning> = {
    everyMs: rng.spread(50, 1_000),
    dueBytes: 0,
    dueMs: -24 * 3_600_000,
    roundBytesMax: 1_000_000,
    bytesPerSecondMax: 1e12,
  }
  return { healMs, forks, disasters, faults, upkeep, compaction }
}

function drawOne(rng: Rng): OneFork {
  const batches = rng.between(1, 2)
  return { cut: 'latest', child: rng.chance(0.2), batches, deletes: false, fate: 'stays', endsSource: 'no' }
}

function drawFreezes(rng: Rng, gateway: number, healMs: number): Disaster[] {
  return Array.from({ length: rng.between(2, 6) }, (): Disaster => {
    return {
      kind: 'freeze',
      at: rng.fraction() * healMs,
      afterRequestMs: rng.spread(1, 150),
      onRequest: rng.pick([FORK_REQUEST, FORK_REQUEST, LISTING_REQUEST]),
      gateway,
      ms: rng.spread(300, 8_000),
    }
  })
}
