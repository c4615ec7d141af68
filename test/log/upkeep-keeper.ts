/**
 * Compacts, merges, retains and sweeps embedded stores as fast as it can, until it is killed, or until nothing is left to do. Prints a line
 * when the stores are open, one for each thing that it does (job and what), and one for each pass.
 */
import { join } from 'node:path'
import { silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { Leases } from '../../lib/leases/index.ts'
import { type LogOptions, openLog, Upkeep } from '../../lib/log/index.ts'
import { openFileObjects, openLmdbItems } from '../../lib/storage/local/index.ts'
import { childArgument } from '../support/child.ts'

export interface KeeperOptions {
  readonly folder: string
  /** Else until it is killed. */
  readonly untilDone: boolean
}

const SURROUNDINGS = { clock: systemClock, random: systemRandom, logger: silentLogger }
/** So small that a second sees every kind of work. */
const COMPACTION: LogOptions['compaction'] = {
  ...{ dueBytes: 0, dueChunks: 1, dueMs: 0, roundBytesMax: 40_000, extentBytesMax: 400_000, mergeCountMin: 2 },
  bytesPerSecondMax: Number.MAX_SAFE_INTEGER,
}
const SETTINGS = {
  ...{ retentionIntervalMs: 1, sweepIntervalMs: 1, graceMs: 0 },
  ...{ windowHours: 2, wholeLookHours: 0, firstLookHours: 2 },
}
const LEASE_MS = 500

const { folder, untilDone } = childArgument<KeeperOptions>()
const objects = await openFileObjects({ folder, random: systemRandom })
const items = await openLmdbItems({ folder: join(folder, 'items'), clock: systemClock, random: systemRandom })
const log = openLog({ objects, items, ...SURROUNDINGS, flushBudget: Number.POSITIVE_INFINITY, compaction: COMPACTION })
const leases = new Leases({ items, ...SURROUNDINGS, owner: `keeper ${process.pid}` })
const jobs = log.upkeepJobs(SETTINGS, { forgetTopics: async () => {} })
const upkeep = new Upkeep({ ...SURROUNDINGS, jobs, leases, leaseMs: LEASE_MS, pauseMs: 0 })
console.log('open')
for (;;) {
  const onFinding = ({ job }: { readonly job: string }) => console.log(job)
  const { findings, complete, failed } = await upkeep.runOnce({ withinMs: 60_000, onFinding })
  console.log(JSON.stringify({ findings, complete, failed }))
  if (untilDone && complete && findings === 0) break
}
await log.close()
await items.close()
await objects.close()
