/** Upkeep once, for a command. */
import type { Logger } from '../base/index.ts'
import type { OneRun, OneRunResult } from '../log/index.ts'
import type { Config } from './config.ts'
import { openUpkeep } from './open-upkeep.ts'
import { withLog } from './with-log.ts'

/** One pass of all jobs over the stores, beside whatever servers run there. @throws ConfigError */
export async function runUpkeep(
  config: Pick<Config, 'objects' | 'items' | 'catalog' | 'upkeep'>,
  logger: Logger,
  run: OneRun,
): Promise<OneRunResult> {
  return withLog(config, logger, async ({ log, stores, common }) => {
    const upkeep = openUpkeep({ ...common, archives: stores.archives, catalog: stores.catalog, log }, config.upkeep, {
      owner: 'a pass of its own',
      shortLived: true,
    })
    try {
      return await upkeep.runOnce(run)
    } finally {
      await upkeep.close()
    }
  })
}
