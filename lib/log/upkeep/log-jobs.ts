/** The log's jobs of upkeep. */
import type { Clock, Logger, Random } from '../../base/index.ts'
import type { ItemStore, ObjectStore } from '../../storage/index.ts'
import { IMPORTING, type LogUsers } from '../contract.ts'
import type { Shards } from '../shards.ts'
import { FORK_RENEWED_MS } from '../topics/fork-names.ts'
import type { StoredTopics, UnfinishedTopic } from '../topics/stored-topics.ts'
import { listTombstones, removeTombstone } from '../topics/tombstones.ts'
import { compactAll } from './compact-job.ts'
import type { Compaction } from './compaction/compaction.ts'
import { giveUpPuts } from './give-up-puts.ts'
import { upkeepIntervals } from './job-for-each.ts'
import { Retention } from './retention.ts'
import { ShardHeads } from './shard-heads.ts'
import { Sweep } from './sweep.ts'
import type { UpkeepJob, UpkeepPass } from './upkeep.ts'
import type { UpkeepSettings } from './upkeep-settings.ts'

export interface LogJobsParts extends LogUsers {
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

/** Deleted topics whose tombstones go in one pass. */
const FORGOTTEN_MAX = 1_000
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
      ...upkeepIntervals(settings.retentionIntervalMs),
      run: async pass => {
        let found = false
        for await (const topic of parts.topics.unfinished()) {
          if (pass.signal.aborted) break
          if (topic.state === 'forking') {
            if (isKept(topic, parts.clock, settings.importKeptMs)) continue
            await giveUpHalfMade(parts.topics, topic, pass)
          } else {
            pass.tell(`topic ${topic.name}`, 'its deletion is not finished')
            if (!pass.dry) await parts.topics.finishDeletion(topic.name)
          }
          found = true
          await pass.pause()
        }
        return found
      },
    },
    ...(parts.forgetTopics
      ? [
          {
            name: 'forget-topics',
            ...upkeepIntervals(settings.retentionIntervalMs),
            run: async (pass: UpkeepPass) => pass.isMine('forget-topics') && forgetTopics(parts, pass),
          },
        ]
      : []),
    {
      name: 'compact',
      // Never as seldom as the others: a burst after a quiet hour must not fill the memory with chunks' places.
      intervalMs: Math.min(COMPACTION_INTERVAL_MS_MAX, settings.retentionIntervalMs),
      intervalMsMax: settings.retentionIntervalMs,
      run: pass => compactAll(heads, parts.compaction, pass),
    },
    { name: 'retain', ...upkeepIntervals(settings.retentionIntervalMs), run: pass => retention.run(pass) },
    {
      name: 'sweep',
      ...upkeepIntervals(settings.sweepIntervalMs),
      run: async pass => pass.isMine('sweep') && sweep.run(pass),
    },
    {
      name: 'give-up-puts',
      ...upkeepIntervals(settings.sweepIntervalMs),
      run: async pass => pass.isMine('give-up-puts') && giveUpPuts(parts, graceMs, pass),
    },
  ]
}

/** Of an import another process may go on with what is there. A wrong clock takes that away, and no more: who is at it renews it. */
function isKept({ name, renewedAt }: UnfinishedTopic, clock: Clock, importKeptMs: number): boolean {
  return name.startsWith(IMPORTING) && Math.abs(clock.now() - renewedAt) < importKeptMs
}

/** Whoever makes it renews it as long as it is at it. */
async function giveUpHalfMade(topics: StoredTopics, topic: UnfinishedTopic, pass: UpkeepPass): Promise<void> {
  const { name, id, version, renewedAt } = topic
  if (!pass.isAbandoned(`fork/${id}`, { version, renewedAt, durationMs: FORK_RENEWED_MS })) return
  const what = name.startsWith(IMPORTING) ? 'imported' : 'a fork'
  pass.tell(`topic ${name}`, `it was to be ${what}, and whoever made it is gone`)
  if (!pass.dry) await topics.abandonFork(topic)
}

/** The tombstone is the to-do list: it goes last. */
async function forgetTopics({ forgetTopics: forget, ...parts }: LogJobsParts, pass: UpkeepPass): Promise<boolean> {
  const tombstones = await listTombstones(parts.items, FORGOTTEN_MAX)
  if (tombstones.length === 0) return false
  for (const { name, id } of tombstones) pass.tell(`tombstone of topic ${name}`, `topic ${id} was deleted`)
  if (pass.dry) return true
  await forget?.(new Set(tombstones.map(({ id }) => id)))
  for (const tombstone of tombstones) {
    if (pass.signal.aborted) break
    await removeTombstone(parts, tombstone)
    await pass.pause()
  }
  return true
}
