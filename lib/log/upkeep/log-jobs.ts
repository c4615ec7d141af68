/** The log's jobs of upkeep. */
import type { Clock, Logger, Random } from '../../base/index.ts'
import type { ItemStore, ObjectStore } from '../../storage/index.ts'
import type { Shards } from '../shards.ts'
import type { StoredTopics } from '../topics/stored-topics.ts'
import { compactAll } from './compact-job.ts'
import type { Compaction } from './compaction/compaction.ts'
import { Retention } from './retention.ts'
import { ShardHeads } from './shard-heads.ts'
import { Sweep } from './sweep.ts'
import type { UpkeepJob } from './upkeep.ts'
import type { UpkeepSettings } from './upkeep-settings.ts'

export interface LogJobsParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly topics: StoredTopics
  readonly shards: Shards
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly compaction: Compaction
  readonly carriesItems: boolean
}

/** While a job finds nothing it runs ever more seldom, up to this part of its interval. */
const IDLE_FACTOR = 12
/** Between two looks for commits to compact, while there are some. */
const COMPACTION_INTERVAL_MS_MAX = 60_000

export function logJobs(parts: LogJobsParts, settings: UpkeepSettings): readonly UpkeepJob[] {
  const heads = new ShardHeads(parts)
  const retention = new Retention({ ...parts, heads })
  const { graceMs, windowHours, wholeLookHours, firstLookHours } = settings
  const sweep = new Sweep({
    ...parts,
    heads,
    graceMs,
    windowHours,
    wholeLookHours,
    firstLookHours,
    deletesItemsTogether: parts.carriesItems,
  })
  return [
    {
      name: 'delete-topics',
      ...intervals(settings.retentionIntervalMs),
      run: async pass => {
        let found = false
        for await (const name of parts.topics.unfinishedDeletions()) {
          if (pass.signal.aborted) break
          found = true
          pass.tell(`topic ${name}`, 'its deletion is not finished')
          if (!pass.dry) await parts.topics.finishDeletion(name)
          await pass.pause()
        }
        return found
      },
    },
    {
      name: 'compact',
      // Never as seldom as the others: a burst after a quiet hour must not fill the memory with chunks' places.
      intervalMs: Math.min(COMPACTION_INTERVAL_MS_MAX, settings.retentionIntervalMs),
      intervalMsMax: settings.retentionIntervalMs,
      run: pass => compactAll(heads, parts.compaction, pass),
    },
    { name: 'retain', ...intervals(settings.retentionIntervalMs), run: pass => retention.run(pass) },
    {
      name: 'sweep',
      ...intervals(settings.sweepIntervalMs),
      run: async pass => pass.isMine('sweep') && sweep.run(pass),
    },
  ]
}

function intervals(intervalMs: number) {
  return { intervalMs, intervalMsMax: intervalMs * IDLE_FACTOR }
}
