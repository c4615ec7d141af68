import { silentLogger, systemRandom } from '../../lib/base/index.ts'
import { Leases } from '../../lib/leases/index.ts'
import { type Log, Upkeep, type UpkeepFinding, type UpkeepSettings } from '../../lib/log/index.ts'
import { openRig } from './rig.ts'

export const HOUR = 3_600_000

export const WITHOUT_COMPACTION = ['delete-topics', 'retain', 'sweep']
export const ALL_JOBS = [...WITHOUT_COMPACTION, 'compact']

/** A rig of small limits, so that few appends make chunks and snapshots; objects are everything over 200 bytes. */
export function openUpkeepRig(more: Parameters<typeof openRig>[0] = {}) {
  const shardLimits = { headBytesMax: 200, headBytesKept: 50, chunkBytesMax: 150, snapshotIntervalCommits: 4 }
  const rig = openRig({ shardLimits, itemSegmentBytesMax: 200, ...more })
  const upkeepOf = (log: Log, settings: Partial<UpkeepSettings> = {}) => {
    const common = { items: rig.items, clock: rig.clock, random: systemRandom, logger: silentLogger }
    const leases = new Leases({ ...common, owner: 'test' })
    return new Upkeep({ ...common, jobs: log.upkeepJobs(settings), leases, leaseMs: 60_000, pauseMs: 0 })
  }
  /** One pass through a process of its own, or through `log`'s. */
  const runOnce = async (
    settings: Partial<UpkeepSettings> = {},
    { log = rig.open(), dry = false, only = WITHOUT_COMPACTION } = {},
  ) => {
    const findings: UpkeepFinding[] = []
    const options = { withinMs: 600_000, dry, only, onFinding: (found: UpkeepFinding) => findings.push(found) }
    const result = await rig.clock.passUntil(upkeepOf(log, settings).runOnce(options))
    return { ...result, findings }
  }
  const segments = () => ({
    items: [...rig.items.items.values()].filter(({ key }) => key.pk.startsWith('g#')).length,
    objects: rig.objects.blobs.size,
  })
  return { ...rig, upkeepOf, runOnce, segments }
}
