/** Runs compaction over all shards: heads are looked at first, and a shard is opened only where something may be due. */
import { LogError } from '../errors.ts'
import { listConfig } from '../topics/topic-configs.ts'
import type { Compaction } from './compaction/compaction.ts'
import type { ShardHeads, ShardPlace } from './shard-heads.ts'
import type { UpkeepPass } from './upkeep.ts'

/** Whether something was compacted, or (dry) would be. @throws StoreError, CorruptDataError, LogError */
export async function compactAll(heads: ShardHeads, compaction: Compaction, pass: UpkeepPass): Promise<boolean> {
  let busy = false
  for await (const place of heads.all()) {
    if (pass.signal.aborted) return busy
    if (place.state !== 'live' || !pass.isMine(`${place.topic.id}/${place.shard}`)) continue
    try {
      if (await compactOne(heads, compaction, place, pass)) busy = true
    } catch (error) {
      // The topic was deleted meanwhile.
      if (!(error instanceof LogError) || error.code !== 'UNKNOWN_TOPIC') throw error
    }
    await pass.pause()
  }
  return busy
}

async function compactOne(
  heads: ShardHeads,
  compaction: Compaction,
  place: ShardPlace,
  pass: UpkeepPass,
): Promise<boolean> {
  const { topic, shard } = place
  const head = await heads.read(place)
  if (!head || head.state === 'sealed') return false
  const keepsKeys = listConfig(topic.configs, 'cleanup.policy').includes('compact')
  const isAllCompacted = head.commits === head.floor && head.removed >= head.floor
  const areCommitsDue = !isAllCompacted && (await compaction.isDue(topic, shard))
  const starts = head.partitions.map(({ start }) => start)
  const isDue = areCommitsDue || (await compaction.hasOldExtents(topic, shard, starts))
  if (!isDue && !keepsKeys) return false
  const what = `${topic.name}, shard ${shard}`
  if (pass.dry) {
    if (isDue)
      pass.tell(
        what,
        areCommitsDue ? 'its commits are due to be compacted' : 'old extents are due in another storage class',
      )
    return isDue
  }
  const compact = (signal: AbortSignal) => compaction.compactShard(topic, shard, { signal })
  // Records of old keys are looked for by reads alone; a lease would be a write where there is nothing to do.
  const report = isDue ? await pass.hold(`compact/${topic.id}/${shard}`, compact) : await compact(pass.signal)
  if (!report) return false
  const { commits, chunksRemoved, replaced } = report
  if (commits + chunksRemoved + replaced === 0) return false
  pass.tell(what, `compacted: ${commits} commits, ${replaced} extents replaced, ${chunksRemoved} chunks removed`)
  return true
}
