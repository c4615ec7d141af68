/** Compaction as a job for whoever schedules it. Running it twice at once costs work and harms nothing. */
import type { Clock } from '../../../base/index.ts'
import type { ItemStore } from '../../../storage/index.ts'
import type { CompactionJobs, CompactionReport, Topic } from '../../contract.ts'
import type { OpenShard, Shards } from '../../shards.ts'
import { type CompactedCommits, type CompactShardParts, compactCommitsOf } from './compact-shard.ts'
import { isDue } from './due-commits.ts'
import { removeChunks } from './remove-chunks.ts'
import { Throttle } from './throttle.ts'

export interface CompactionParts extends Omit<CompactShardParts, 'throttle'> {
  readonly items: ItemStore
  readonly clock: Clock
  readonly shards: Shards
}

/** A head that takes no change for so long: the next run tries again. */
const HEAD_MS_MAX = 60_000
/** Without more time a run ends after so many rounds; the next goes on. */
const ROUNDS_MAX = 1_000

export class Compaction implements CompactionJobs {
  readonly #parts: CompactionParts & CompactShardParts

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

  async #compact(open: OpenShard, topic: Topic, options: { readonly signal?: AbortSignal }): Promise<CompactionReport> {
    const parts = this.#parts
    const { clock, items } = parts
    const done: CompactedCommits[] = []
    let lost = false
    await open.shard.refresh()
    let chunksRemoved = await removeChunks(items, open, clock.monotonic() + HEAD_MS_MAX)
    for (let round = 0; round < ROUNDS_MAX && !options.signal?.aborted; round++) {
      if (!isDue(open.shard, parts.settings, clock.now())) break
      const first = open.shard.number * topic.shardSize
      const compacted = await compactCommitsOf(parts, open, { first, now: clock.now() })
      lost = compacted === 'lost'
      if (!compacted || compacted === 'lost') break
      done.push(compacted)
      chunksRemoved += await removeChunks(items, open, clock.monotonic() + HEAD_MS_MAX)
      if (!compacted.more) break
    }
    const sum = (field: 'commits' | 'extents' | 'bytes') => done.reduce((total, one) => total + one[field], 0)
    return { commits: sum('commits'), extents: sum('extents'), bytes: sum('bytes'), chunksRemoved, lost }
  }
}
