/** Upkeep once, for a command. */
import { type Logger, systemClock, systemRandom } from '../base/index.ts'
import { type OneRun, type OneRunResult, openLog } from '../log/index.ts'
import type { Config } from './config.ts'
import { EMBEDDED } from './embedded.ts'
import { openStores } from './open-stores.ts'
import { openUpkeep } from './open-upkeep.ts'

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
    const upkeep = openUpkeep({ ...common, archives: stores.archives, log }, config.upkeep, {
      owner: 'a pass of its own',
      shortLived: true,
    })
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
