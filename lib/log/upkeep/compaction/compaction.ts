/** Compaction as a job for whoever schedules it. Running it twice at once costs work and harms nothing. */
import type { Clock } from '../../../base/index.ts'
import type { ItemStore } from '../../../storage/index.ts'
import type { CompactionJobs, CompactionReport, Topic } from '../../contract.ts'
import type { OpenShard, Shards } from '../../shards.ts'
import { listConfig, numberConfig } from '../../topics/topic-configs.ts'
import { classRule } from './class-rule.ts'
import { type CleanParts, cleanPartition } from './clean-partition.ts'
import { type CompactedCommits, type CompactShardParts, compactCommitsOf } from './compact-shard.ts'
import { isDue } from './due-commits.ts'
import { type MergeParts, mergeExtents } from './merge-extents.ts'
import { hasExtentsToMove, moveExtents } from './move-extents.ts'
import { hasChunksToRemove, removeChunks } from './remove-chunks.ts'
import type { CompactionSettings } from './settings.ts'
import { Throttle } from './throttle.ts'

export interface CompactionParts extends Omit<CompactShardParts & MergeParts & CleanParts, 'throttle'> {
  readonly items: ItemStore
  readonly clock: Clock
  readonly shards: Shards
}

/** A head that takes no change for so long: the next run tries again. */
const HEAD_MS_MAX = 60_000
/** Without more time a run ends after so many rounds; the next goes on. */
const ROUNDS_MAX = 1_000

export class Compaction implements CompactionJobs {
  readonly #parts: CompactionParts & CompactShardParts & MergeParts & CleanParts

  constructor(parts: CompactionParts) {
    this.#parts = { ...parts, throttle: new Throttle(parts.clock, parts.settings.bytesPerSecondMax) }
  }

  /**
   * Compacts a shard's commits into extents as far as is due by `settings`, and deletes the chunks that are not needed any more.
   * @throws LogError UNKNOWN_TOPIC, REQUEST_TIMED_OUT; StoreError, CorruptDataError
   */
  async compactShard(
    topic: Topic,
    shard: number,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<CompactionReport> {
    const open = await this.#parts.shards.get(topic.id, shard)
    open.appends++
    try {
      return await this.#compact(open, topic, options)
    } finally {
      open.appends--
    }
  }

  /** Whether commits should be compacted, or chunks deleted, by `settings`. @throws LogError UNKNOWN_TOPIC; StoreError, CorruptDataError */
  async isDue(topic: Topic, shard: number): Promise<boolean> {
    const open = await this.#parts.shards.get(topic.id, shard)
    await open.shard.refresh()
    return (
      hasChunksToRemove(open.shard) ||
      isDue(open.shard, settingsFor(topic, this.#parts.settings), this.#parts.clock.now())
    )
  }

  /** Whether extents belong in another storage class by now. `starts`: of the shard's partitions. @throws StoreError, CorruptDataError */
  async hasOldExtents(topic: Topic, shard: number, starts: readonly number[]): Promise<boolean> {
    const rule = classRule(topic.configs, this.#parts.settings, this.#parts.clock.now())
    if (!rule) return false
    for (const [slot, start] of starts.entries()) {
      const partition = shard * topic.shardSize + slot
      if (await hasExtentsToMove(this.#parts, { topicId: topic.id, partition, start }, rule)) return true
    }
    return false
  }

  async #compact(open: OpenShard, topic: Topic, options: { readonly signal?: AbortSignal }): Promise<CompactionReport> {
    const parts = { ...this.#parts, settings: settingsFor(topic, this.#parts.settings) }
    const { clock, items } = parts
    const rule = classRule(topic.configs, parts.settings, clock.now())
    const done: CompactedCommits[] = []
    let lost = false
    /** Slots with new extents. */
    const grown = new Set<number>()
    await open.shard.refresh()
    let chunksRemoved = await removeChunks(items, open, clock.monotonic() + HEAD_MS_MAX)
    for (let round = 0; round < ROUNDS_MAX && !options.signal?.aborted; round++) {
      if (!(await isDue(open.shard, parts.settings, clock.now()))) break
      const first = open.shard.number * topic.shardSize
      const compacted = await compactCommitsOf(parts, open, { first, now: clock.now(), rule })
      lost = compacted === 'lost'
      if (!compacted || compacted === 'lost') break
      done.push(compacted)
      for (const slot of compacted.slots) grown.add(slot)
      chunksRemoved += await removeChunks(items, open, clock.monotonic() + HEAD_MS_MAX)
      if (!compacted.more) break
    }
    const rewritten = await this.#rewriteExtents(open, topic, grown, options)
    const sum = (field: 'commits' | 'extents' | 'bytes') => done.reduce((total, one) => total + one[field], 0)
    return {
      commits: sum('commits'),
      extents: sum('extents'),
      bytes: sum('bytes'),
      chunksRemoved,
      ...rewritten,
      lost: lost || rewritten.lost,
    }
  }

  /**
   * Merges small extents where there are new ones, drops what a compacted topic does not keep, and moves old ones to their
   * storage class, as far as is due.
   */
  async #rewriteExtents(
    open: OpenShard,
    topic: Topic,
    grown: ReadonlySet<number>,
    { signal }: { readonly signal?: AbortSignal },
  ): Promise<{ replaced: number; lost: boolean }> {
    const { configs } = topic
    const isCompacted = listConfig(configs, 'cleanup.policy').includes('compact')
    const rule = classRule(configs, this.#parts.settings, this.#parts.clock.now())
    let replaced = 0
    for (const [slot, { start }] of (open.shard.state?.head.partitions ?? []).entries()) {
      const partition = open.shard.number * topic.shardSize + slot
      const jobs = [
        ...(grown.has(slot) ? [() => mergeExtents(this.#parts, open, { partition, start, rule })] : []),
        ...(isCompacted ? [() => cleanPartition(this.#parts, open, { partition, start, configs })] : []),
      ]
      for (const job of jobs) {
        for (let round = 0; round < ROUNDS_MAX && !signal?.aborted; round++) {
          const done = await job()
          if (done === 'lost') return { replaced, lost: true }
          if (!done) break
          replaced += done.replaced
        }
      }
      const moved = rule ? await moveExtents(this.#parts, open, { partition, start, rule, signal }) : 0
      if (moved === 'lost') return { replaced, lost: true }
      replaced += moved
    }
    return { replaced, lost: false }
  }
}

/** A compacted topic's records may not wait for longer than it says. */
function settingsFor({ configs }: Topic, settings: CompactionSettings): CompactionSettings {
  if (!listConfig(configs, 'cleanup.policy').includes('compact')) return settings
  return { ...settings, dueMs: Math.min(settings.dueMs, numberConfig(configs, 'max.compaction.lag.ms')) }
}
