/** All topics are archived, in commits so small that a short history has many, and processes stop in the midst of one. */
import type { Disaster } from './plan.ts'
import type { ArchiveTuning } from './system.ts'
import type { Rng } from './world/rng.ts'

/** As traces tell of them: the pointer, data files, what leads to them, what readers look at. */
const STEPS = [
  'put archives/',
  'put archives/',
  'get archives/',
  '/data/',
  '-added.avro',
  '.metadata.json',
  'version-hint',
  'unpublish',
] as const

export function drawArchiveTuning(rng: Rng, healMs: number): ArchiveTuning {
  return {
    intervalMs: rng.spread(500, Math.max(2_000, healMs / 8)),
    limits: {
      commitBytes: rng.pick([1, 300, 1_000_000]),
      commitFiles: 256,
      fileBytes: rng.pick([1, 2_000, 1_000_000]),
      memoryBytes: 1_000_000,
      mergeCount: rng.pick([2, 3, 8]),
      mergedFiles: rng.pick([2, 10]),
      snapshotsKept: rng.pick([3, 5, 24]),
    },
  }
}

export function drawArchiveDisasters(rng: Rng, gateways: number, healMs: number): Disaster[] {
  return Array.from({ length: rng.pick([0, 1, 3, 6]) }, (): Disaster => {
    return {
      kind: rng.pick(['freeze', 'freeze', 'kill']),
      at: rng.fraction() * healMs,
      afterRequestMs: rng.spread(0.1, 100),
      onRequest: rng.pick(STEPS),
      gateway: rng.below(gateways),
      ms: rng.spread(300, 60_000),
    }
  })
}
