/** Stores and a log for one command, beside whatever servers run there. */
import { type Clock, type Logger, type Random, systemClock, systemRandom } from '../base/index.ts'
import { type Log, openLog } from '../log/index.ts'
import type { Config } from './config.ts'
import { EMBEDDED } from './embedded.ts'
import { openStores, type Stores } from './open-stores.ts'

export interface OpenedLog {
  readonly log: Log
  readonly stores: Stores
  /** What the log's parts are made with. */
  readonly common: {
    readonly clock: Clock
    readonly random: Random
    readonly logger: Logger
    readonly objects: Stores['objects']
    readonly items: Stores['items']
  }
}

/** Closes what it opened, whatever `use` comes to. @throws ConfigError where the stores cannot be had; what `use` throws */
export async function withLog<T>(
  config: Pick<Config, 'objects' | 'items'> & Partial<Pick<Config, 'catalog'>>,
  logger: Logger,
  use: (opened: OpenedLog) => Promise<T>,
): Promise<T> {
  const surroundings = { clock: systemClock, random: systemRandom, logger }
  const stores = await openStores(config, surroundings)
  try {
    const common = { ...surroundings, objects: stores.objects, items: stores.items }
    const log = openLog({ ...common, flushBudget: Number.POSITIVE_INFINITY, ...(stores.prices ? {} : EMBEDDED) })
    try {
      return await use({ log, stores, common })
    } finally {
      await log.close()
    }
  } finally {
    await stores.close()
  }
}
