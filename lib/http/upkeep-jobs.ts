/** The jobs of upkeep that remove what HTTP keeps in the item store. */
import type { Clock } from '../base/index.ts'
import type { UpkeepJob } from '../log/index.ts'
import type { ItemStore } from '../storage/index.ts'
import { forgetKeysJob } from './forget-keys.ts'
import { forgetIdempotencyKeysJob } from './produce/idempotency-keys.ts'
import { forgetInstancesJob } from './rest-proxy/consumer-instances.ts'

export function httpUpkeepJobs(parts: { readonly items: ItemStore; readonly clock: Clock }): readonly UpkeepJob[] {
  return [forgetIdempotencyKeysJob(parts), forgetInstancesJob(parts), forgetKeysJob(parts)]
}
