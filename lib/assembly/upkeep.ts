/** Upkeep in a server's background, or once: for a command, or a function on a schedule. */
import { type Clock, type Logger, type Random, systemClock, systemRandom } from '../base/index.ts'
import { Leases } from '../leases/index.ts'
import { type Log, type OneRun, type OneRunResult, openLog, Upkeep } from '../log/index.ts'
import type { ItemStore } from '../storage/index.ts'
import type { Config, UpkeepConfig } from './config.ts'
import { EMBEDDED } from './embedded.ts'
import { openStores } from './open-stores.ts'

/** Held by whoever does a piece of work; of one who died, for so long. */
const LEASE_MS = 60_000
/** Between two pieces of work in the background. */
const PAUSE_MS = 10

interface UpkeepParts {
  readonly log: Log
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

interface Place {
  /** Names this process in leases. */
  readonly owner: string
  /** This process ends within minutes. */
  readonly shortLived?: boolean
  readonly isMine?: (key: string) => boolean
}

export function openUpkeep(
  { log, ...parts }: UpkeepParts,
  { background: _, ...settings }: UpkeepConfig,
  { isMine, ...place }: Place,
): Upkeep {
  const leases = new Leases({ ...parts, ...place })
  const jobs = log.upkeepJobs(settings)
  return new Upkeep({ ...parts, jobs, leases, leaseMs: LEASE_MS, pauseMs: PAUSE_MS, ...(isMine && { isMine }) })
}

/** One pass of all jobs over the stores, beside whatever servers run there. @throws ConfigError */
export async function runUpkeep(
  config: Pick<Config, 'objects' | 'items' | 'upkeep'>,
  logger: Logger,
  run: OneRun,
): Promise<OneRunResult> {
  const surroundings = { clock: systemClock, random: systemRandom, logger }
  const stores = await openStores(config, surroundings)
  try {
    const common = { ...surroundings, objects: stores.objects, items: stores.items }
    const log = openLog({ ...common, flushBudget: Number.POSITIVE_INFINITY, ...(stores.prices ? {} : EMBEDDED) })
    const upkeep = openUpkeep({ ...common, log }, config.upkeep, { owner: 'a pass of its own', shortLived: true })
    try {
      return await upkeep.runOnce(run)
    } finally {
      await upkeep.close()
      await log.close()
    }
  } finally {
    await stores.close()
  }
}
