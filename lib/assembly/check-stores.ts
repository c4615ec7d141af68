import { silentLogger, systemClock, systemRandom } from '../base/index.ts'
import { type CheckedSoFar, type CheckOptions, checkLog } from '../log/index.ts'
import type { Config } from './config.ts'
import { openStores } from './open-stores.ts'

/** Reads everything in the stores and tells what is wrong; servers may run there. @throws ConfigError, StoreError */
export async function checkStores(
  config: Pick<Config, 'objects' | 'items'>,
  options: Pick<CheckOptions, 'quick' | 'onFinding' | 'onProgress'>,
): Promise<CheckedSoFar> {
  const surroundings = { clock: systemClock, random: systemRandom, logger: silentLogger }
  const stores = await openStores(config, surroundings)
  try {
    return await checkLog({ ...surroundings, objects: stores.objects, items: stores.items, ...options })
  } finally {
    await stores.close()
  }
}
