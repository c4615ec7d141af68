/** What a log is opened with. */
import { BytesPool, type Clock, type Logger, type Random } from '../base/index.ts'
import type { ItemStore, ObjectStore } from '../storage/index.ts'
import type { ShardLimits } from './head/shard-limits.ts'
import type { CompactionSettings } from './upkeep/compaction/settings.ts'

export interface LogOptions {
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** What flushes and polls may cost in dollars a month by list price; Infinity for stores that cost nothing. */
  readonly flushBudget: number
  /** List prices in dollars; needed where the budget is finite. */
  readonly prices?: LogPrices
  /** Segments up to this many bytes become items. Default 4 KiB. */
  readonly itemSegmentBytesMax?: number
  /** Small segments go with their commit in one write; for stores in which that costs nothing more. Default false. */
  readonly carriesItems?: boolean
  /** A segment is full at this many bytes. Default 8 MiB. */
  readonly segmentBytesMax?: number
  /** Partitions that share a head, for new topics. Default 16. */
  readonly shardSize?: number
  /** Bytes of slices kept in memory for readers at the tail. Default 64 MiB. */
  readonly cacheBytesMax?: number
  /**
   * Memory of slices and blocks, used again when they have left the caches and every reader, and of segments on their way into the
   * item store. Default: a pool of 16 MiB at most.
   */
  readonly readMemory?: BytesPool
  /** Bytes of extents and old slices kept in memory for readers far behind. Default 32 MiB. */
  readonly coldCacheBytesMax?: number
  /** A put without an answer for so long is sent a second time. Default 1,500 ms. */
  readonly hedgeAfterMs?: number
  /** When commits are compacted into extents, and how much that may take. */
  readonly compaction?: Partial<CompactionSettings>
  /** When a head sheds commits into chunks, and when snapshots are written; for tests. */
  readonly shardLimits?: Partial<ShardLimits>
}

export interface LogPrices {
  /** A flush of so many bytes to so many shards: the put and the head writes. */
  readonly flush: (bytes: number, shards: number) => number
  /** A strong read of a head. */
  readonly poll: number
}

const DEFAULTS = {
  itemSegmentBytesMax: 4 * 1_024,
  carriesItems: false,
  segmentBytesMax: 8 * 1_024 * 1_024,
  shardSize: 16,
  cacheBytesMax: 64 * 1_024 * 1_024,
  coldCacheBytesMax: 32 * 1_024 * 1_024,
  hedgeAfterMs: 1_500,
  shardLimits: {},
  compaction: {},
  prices: { flush: () => 0, poll: 0 } satisfies LogPrices,
}
/** Two batches of a busy client with its defaults; less costs less to allocate than to count. */
const READ_MEMORY = { idleBytesMax: 16 * 1_024 * 1_024, bytesMin: 24 * 1_024 }

export function withDefaults(options: LogOptions): Required<LogOptions> {
  return { ...DEFAULTS, readMemory: new BytesPool(READ_MEMORY), ...options }
}
