/** What is simulated: how to start one process of it over the ports, and what the process offers to its clients. */
import type { ArchiveLimits } from '../../lib/archive/index.ts'
import type { Clock, Logger, Random } from '../../lib/base/index.ts'
import type { GroupConfigs } from '../../lib/configs/index.ts'
import type { GroupSettings, Groups } from '../../lib/groups/index.ts'
import type { Ingest } from '../../lib/ingest/index.ts'
import type { Log, LogOptions, Upkeep, UpkeepSettings } from '../../lib/log/index.ts'
import type { Delivery, PushBatch, Subscriptions } from '../../lib/push/index.ts'
import type { ShareGroups } from '../../lib/share/index.ts'
import type { ItemStore, ObjectStore, PublishedFiles } from '../../lib/storage/index.ts'
import type { Transactions } from '../../lib/transactions/index.ts'

import type { ShareTuning } from './share-plan.ts'

export type ShardLimits = NonNullable<LogOptions['shardLimits']>

/** Sizes and limits, small enough that a short history meets them. */
export interface Tuning {
  readonly itemSegmentBytesMax: number
  readonly carriesItems: boolean
  readonly segmentBytesMax: number
  readonly shardSize: number
  readonly cacheBytesMax: number
  readonly shardLimits: ShardLimits
  readonly groups: Partial<GroupSettings>
  /** Undefined: the configs as they are by default. */
  readonly shares?: ShareTuning
  readonly coldCacheBytesMax?: number
  /** Present: every process compacts all shards, now and then. */
  readonly compaction?: CompactionTuning
  /** Every process serves push subscriptions: all the time, or in rounds of so many ms, as functions do, which live for seconds. */
  readonly push?: 'always' | { readonly roundMs: number }
  /** Whether flushes cost money. */
  readonly thrifty: boolean
  /** Absent: there is none. */
  readonly upkeep?: UpkeepTuning
  /** Present: every process removes committed offsets, groups and transactional ids that nobody used for so long by its clock. */
  readonly expiry?: ExpiryTuning
  /** Present: all topics are archived, where there is upkeep. */
  readonly archive?: ArchiveTuning
}

export interface ArchiveTuning {
  readonly intervalMs: number
  readonly limits: ArchiveLimits
}

export interface ExpiryTuning {
  readonly offsetsRetentionMs: number
  readonly transactionalIdExpirationMs: number
  readonly intervalMs: number
}

export interface UpkeepTuning extends Partial<UpkeepSettings> {
  readonly leaseMs: number
  /** Whether it runs by itself; else only when it is told to. */
  readonly background: boolean
}

export interface CompactionTuning extends NonNullable<LogOptions['compaction']> {
  /** Between two runs where there is something to do. */
  readonly everyMs: number
}

export interface ProcessParts {
  /** Unlike any other process's, ever. */
  readonly name: string
  readonly tuning: Tuning
  readonly objects: ObjectStore
  readonly items: ItemStore
  readonly files: PublishedFiles
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** What push subscriptions deliver to. */
  deliver(batch: PushBatch, signal: AbortSignal): Promise<Delivery>
}

export interface Service {
  readonly log: Log
  readonly groups: Groups
  readonly shares: {
    readonly records: ShareGroups['records']
    positions: ShareGroups['positions']
    heartbeat: ShareGroups['heartbeat']
    describe: ShareGroups['describe']
    readonly configs: GroupConfigs
  }
  readonly transactions: Transactions
  /** Into a topic, by name; the same for the life of the process. */
  ingest(topic: string): Ingest
  /** Where the tuning has it. */
  readonly push: { readonly subscriptions: Subscriptions } | undefined
  readonly upkeep: Upkeep | undefined
  close(): Promise<void>
}

export interface SystemUnderTest {
  start(parts: ProcessParts): Promise<Service>
}
