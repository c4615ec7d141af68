/**
 * What the log offers to its faces (Kafka, HTTP, functions) in the log's own words.
 */

import type { Loans } from '../base/index.ts'
import type { ForkPoint } from './fork/fork-point.ts'
import type { UpkeepJob } from './upkeep/upkeep.ts'
import type { UpkeepSettings } from './upkeep/upkeep-settings.ts'

export interface Topic {
  /** UUID, 32 lower-case hex digits. */
  readonly id: string
  readonly name: string
  readonly partitions: number
  /** Partitions that share one head; fixed at creation. Partition p is in shard floor(p / shardSize). */
  readonly shardSize: number
  /** Kafka topic configs that were set, as strings. */
  readonly configs: Readonly<Record<string, string>>
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly configs?: Readonly<Record<string, string>>
}

/** A topic to be made out of another, sharing what that has stored. */
export interface ForkRequest {
  readonly name: string
  /** The name of the topic to be forked. */
  readonly from: string
  /** Where the two part. A batch is not parted: one that has the offset is not in the fork. */
  readonly at: ForkPoint
  /** Besides those of the other, or in their place. */
  readonly configs?: Readonly<Record<string, string>>
  /** As many as the other has, which is the default. */
  readonly partitions?: number
}

export interface Topics {
  /** By name or id (32 hex digits). May answer from a cache a few seconds old; `undefined` is always a strong answer. */
  find(key: { readonly name: string } | { readonly id: string }): Promise<Topic | undefined>
  /** All topics, read strongly, sorted by name. */
  list(): Promise<Topic[]>
  /** @throws LogError TOPIC_EXISTS, INVALID_TOPIC_NAME, INVALID_PARTITIONS, INVALID_CONFIG */
  create(topic: NewTopic): Promise<Topic>
  /** Checks what `create` would refuse, and creates nothing. */
  validate(topic: NewTopic): Promise<void>
  /** Raises the number of partitions to `partitions`. @throws LogError UNKNOWN_TOPIC, INVALID_PARTITIONS */
  addPartitions(name: string, partitions: number): Promise<Topic>
  /**
   * Sets the topic's configs to what `change` makes of those that are set; it may be called several times. Every process
   * goes by them a few seconds later at most. `validateOnly`: checks all and changes nothing.
   * @throws LogError UNKNOWN_TOPIC, INVALID_TOPIC_NAME, INVALID_CONFIG, and what `change` throws
   */
  changeConfigs(
    name: string,
    change: (configs: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
    options?: { readonly validateOnly?: boolean },
  ): Promise<void>
  /** @throws LogError UNKNOWN_TOPIC */
  delete(name: string): Promise<void>
}

export interface AppendRequest {
  readonly topic: Topic
  readonly partition: number
  /** Exactly one record batch v2, as the producer sent it. Must not change until the answer; the log keeps it after. */
  readonly batch: Uint8Array
  /**
   * Of a transactional batch: which of its transactional id's transactions it is part of, counted from 1. The partition
   * must have been added to that transaction before.
   */
  readonly transaction?: number
  /** How long the caller waits, in ms. */
  readonly timeoutMs: number
}

/** The end of a transaction in one partition. */
export interface EndTransactionRequest {
  readonly topic: Topic
  readonly partition: number
  readonly producerId: number
  /** From now on, the producer's lower epochs are refused in the partition. */
  readonly producerEpoch: number
  readonly transaction: number
  readonly outcome: 'commit' | 'abort'
  /** How long the caller waits, in ms. */
  readonly timeoutMs: number
}

/** An idempotent producer as a partition knows it. */
export interface ActiveProducer {
  readonly producerId: number
  readonly producerEpoch: number
  /** -1: none of this epoch. */
  readonly lastSequence: number
  /** Ms since 1970. */
  readonly lastTimestamp: number
  /** First offset of its open transaction; -1 where there is none. */
  readonly transactionStartOffset: number
  /** Which of its transactional id's transactions is open; 0: none. */
  readonly transaction: number
}

export interface Appended {
  readonly baseOffset: number
  readonly logStartOffset: number
  /** Ms since 1970, in topics with message.timestamp.type=LogAppendTime; -1 in others. */
  readonly logAppendTime: number
  /** The batch was there already (an idempotent producer's retry); `baseOffset` is the one it got the first time. */
  readonly duplicate: boolean
}

export type Isolation = 'read_uncommitted' | 'read_committed'

export interface ReadRequest {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
  /** Where there are so many, what is not in memory and has no room as a whole is left for the next read. Absent: maxBytes. */
  readonly enoughBytes?: number
  /** Give the first batch even if it is longer than `maxBytes`. */
  readonly atLeastOneBatch: boolean
  readonly isolation: Isolation
  /** The memory of the batches is lent, until these are given back. Absent: the caller has it for good. */
  readonly loans?: Loans
}

export interface ReadResult {
  /** Whole batches with their offsets written in, the first of which contains `offset` (or is the next above it). */
  readonly batches: readonly Uint8Array[]
  /** Next offset to be given (Kafka's high watermark). */
  readonly endOffset: number
  readonly lastStableOffset: number
  readonly startOffset: number
  readonly abortedTransactions: readonly { readonly producerId: number; readonly firstOffset: number }[]
}

export type OffsetSpec =
  | { readonly at: 'earliest' }
  | { readonly at: 'latest'; readonly isolation: Isolation }
  | { readonly at: 'timestamp'; readonly timestamp: number }
  | { readonly at: 'max-timestamp' }

/** `offset` -1 where no record fits; `timestamp` -1 unless a record was looked at. */
export interface FoundOffset {
  readonly offset: number
  readonly timestamp: number
}

export interface DeleteRecordsRequest {
  readonly topic: Topic
  readonly partition: number
  /** The first record to keep; `end`: none of those that are there now. */
  readonly before: number | 'end'
  /** How long the caller waits, in ms. */
  readonly timeoutMs: number
}

export interface PartitionPosition {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
}

/** Where a partition stands: offsets. */
export interface PartitionStand {
  /** First kept record. */
  readonly start: number
  /** No open transaction has a record below it. */
  readonly stable: number
  /** Next to be given. */
  readonly end: number
  /** Compacted below; extents serve it, with committed records alone. */
  readonly compactedTo: number
}

export interface ProducerIds {
  /** A producer id that nobody else gets, ever. */
  next(): Promise<number>
}

/** What a run of compaction did. */
export interface CompactionReport {
  /** Commits that became part of extents. */
  readonly commits: number
  /** Extents written. */
  readonly extents: number
  readonly bytes: number
  readonly chunksRemoved: number
  /** Extents that were replaced by larger ones, or by ones without the records that a compacted topic drops. */
  readonly replaced: number
  /** Somebody else was faster; what was done may have been in vain. */
  readonly lost: boolean
}

/** Rewrites what was appended, so that a long log stays as fast and as cheap as a short one. Any process may, at any time. */
export interface CompactionJobs {
  /**
   * Compacts a shard's commits into extents as far as is due, and deletes the chunks that are not needed any more.
   * @throws LogError UNKNOWN_TOPIC, REQUEST_TIMED_OUT; StoreError, CorruptDataError
   */
  compactShard(topic: Topic, shard: number, options?: { readonly signal?: AbortSignal }): Promise<CompactionReport>
}

/** The name of a topic that is made of files begins so until it is whole; upkeep gives up what nobody goes on with. */
export const IMPORTING = '__importing.'

/** What brings a topic back that was written to files, with the offsets that its records had. */
export interface Restoring {
  /**
   * Begins a topic that nobody finds before it is renamed, or goes on with one that was begun under this name. It is to be held while it is
   * worked at; the signal aborts when it was given up. @throws LogError TOPIC_EXISTS, INVALID_TOPIC_NAME, INVALID_PARTITIONS, INVALID_CONFIG
   */
  begin(topic: NewTopic): Promise<{
    readonly topic: Topic
    hold<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
  }>
  /**
   * Puts record batches with their offsets behind a partition's end `from` (of a new one: where it shall begin), so that it ends at `to`.
   * @throws LogError UNKNOWN_TOPIC, REQUEST_TIMED_OUT (it does not end there); RecordError
   */
  attach(attachment: {
    readonly topic: Topic
    readonly partition: number
    readonly from: number
    readonly to: number
    readonly batches: readonly Uint8Array[]
  }): Promise<void>
  /** Gives the topic that was begun its name and configs, in one step. @throws LogError TOPIC_EXISTS, UNKNOWN_TOPIC, INVALID_TOPIC_NAME, INVALID_CONFIG */
  rename(topic: Topic, wanted: { readonly name: string; readonly configs: Topic['configs'] }): Promise<void>
}

/** Those who keep something of their own about the log's topics, as upkeep sees them. */
export interface LogUsers {
  /** Removes what they keep by the ids of deleted topics; absent: nobody can be asked, and the topics' tombstones stay. */
  readonly forgetTopics?: (topicIds: ReadonlySet<string>) => Promise<void>
  /**
   * By partition, the first offset that they have not taken yet: retention does not delete it, nor what follows; 0 for
   * partitions beyond. Undefined: they need nothing of the topic. It never goes back. @throws StoreError
   */
  readonly neededFrom?: (topic: Topic) => Promise<readonly number[] | undefined>
}

export interface Log {
  readonly topics: Topics
  readonly producerIds: ProducerIds
  readonly compaction: CompactionJobs
  readonly restoring: Restoring
  /** Durable and readable by everyone when it answers. @throws LogError */
  append(request: AppendRequest): Promise<Appended>
  /**
   * Writes the marker that ends a transaction in a partition; nothing happens where it has ended already.
   * @throws LogError UNKNOWN_TOPIC, REQUEST_TIMED_OUT
   */
  endTransaction(request: EndTransactionRequest): Promise<void>
  /** Read strongly. @throws LogError UNKNOWN_TOPIC */
  activeProducers(topic: Topic, partition: number): Promise<ActiveProducer[]>
  /** Does not wait; an empty answer is strong: nothing was there when it was asked. @throws LogError UNKNOWN_TOPIC, OFFSET_OUT_OF_RANGE */
  read(request: ReadRequest): Promise<ReadResult>
  /** Resolves when one of the positions can be read (or its topic is gone), when `timeoutMs` is over, or `signal` aborts. Never rejects. */
  waitForRecords(positions: readonly PartitionPosition[], timeoutMs: number, signal?: AbortSignal): Promise<void>
  /**
   * Deletes the records below an offset, and answers the first offset that is kept now. Below it every read is refused:
   * at once in this process, within seconds in others.
   * @throws LogError UNKNOWN_TOPIC, OFFSET_OUT_OF_RANGE (above the end), POLICY_VIOLATION, REQUEST_TIMED_OUT
   */
  deleteRecords(request: DeleteRecordsRequest): Promise<number>
  /**
   * Makes a topic out of another as it is at some offsets: the same records at the same offsets, without copying them. What is undecided
   * of transactions is aborted in it; the states of producers and the offsets of groups are not in it. Both live on alone.
   * @throws LogError TOPIC_EXISTS, UNKNOWN_TOPIC, INVALID_TOPIC_NAME, INVALID_PARTITIONS, INVALID_CONFIG, OFFSET_OUT_OF_RANGE, REQUEST_TIMED_OUT
   */
  fork(request: ForkRequest): Promise<Topic>
  /** Checks what `fork` would refuse, and makes nothing: the topic as it would be, but for its id. */
  validateFork(request: ForkRequest): Promise<Topic>
  /** Read strongly. @throws LogError UNKNOWN_TOPIC */
  findOffset(topic: Topic, partition: number, spec: OffsetSpec): Promise<FoundOffset>
  /** Where each partition of the topic stands, read strongly, a read a shard. @throws LogError UNKNOWN_TOPIC */
  standings(topic: Topic): Promise<PartitionStand[]>
  /** What keeps the stores as small as what is in the log, for an Upkeep to run. */
  upkeepJobs(settings?: Partial<UpkeepSettings>, users?: LogUsers): readonly UpkeepJob[]
  /** Bytes of the partition's record batches as they are stored, read strongly. @throws LogError UNKNOWN_TOPIC */
  sizeOf(topic: Topic, partition: number): Promise<number>
  /** Flushes what was accepted, answers it, and refuses more. */
  close(): Promise<void>
}
