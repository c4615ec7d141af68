/** The log over its two ports: puts the parts together and keeps Log's promises at the edge. */
import { LRUCache } from 'lru-cache'
import { type Clock, Deadlines, type PooledBytes } from '../base/index.ts'
import type { BatchView } from '../records/index.ts'
import { acceptBatch } from './append/accept-batch.ts'
import { Answer } from './append/answer.ts'
import { Batcher } from './append/batcher.ts'
import { FlushBudget } from './append/flush-budget.ts'
import { markerCommit, type PlacedBatch } from './append/pending-segment.ts'
import { RecentFailures } from './append/recent-failures.ts'
import type {
  ActiveProducer,
  Appended,
  AppendRequest,
  DeleteRecordsRequest,
  EndTransactionRequest,
  ForkRequest,
  FoundOffset,
  Log,
  LogUsers,
  OffsetSpec,
  PartitionPosition,
  PartitionStand,
  ProducerIds,
  ReadRequest,
  ReadResult,
  Restoring,
  Topic,
  Topics,
} from './contract.ts'
import { LogError } from './errors.ts'
import { ExtentList } from './extent/extent-list.ts'
import { Forks } from './fork/forks.ts'
import type { Commit } from './head/commit.ts'
import { DEFAULT_SHARD_LIMITS } from './head/shard-limits.ts'
import { type LogOptions, withDefaults } from './log-options.ts'
import { BlockProducerIds } from './producers/producer-ids.ts'
import { BatchCache } from './read/batch-cache.ts'
import { ExtentReader } from './read/extent-reader.ts'
import { findOffset } from './read/find-offset.ts'
import { sizeOfPartition } from './read/partition-size.ts'
import { readPartition } from './read/read-partition.ts'
import { SliceCache, type UnplacedBatch } from './read/slice-cache.ts'
import { type ReadParts, stateOf } from './read/walk.ts'
import { restoringOf } from './restore/restoring.ts'
import { SegmentIds } from './segment/segment-id.ts'
import { SegmentStore } from './segment/segment-store.ts'
import { type OpenShard, Shards } from './shards.ts'
import { StoredTopics } from './topics/stored-topics.ts'
import { Compaction } from './upkeep/compaction/compaction.ts'
import { DEFAULT_COMPACTION_SETTINGS } from './upkeep/compaction/settings.ts'
import { deleteRecords } from './upkeep/delete-records.ts'
import { logJobs } from './upkeep/log-jobs.ts'
import type { UpkeepJob } from './upkeep/upkeep.ts'
import { defaultUpkeepSettings, type UpkeepSettings } from './upkeep/upkeep-settings.ts'

/** As stored; decoded they take some ten times as much. */
const CHUNK_CACHE_BYTES_MAX = 4 * 1_024 * 1_024

export function openLog(options: LogOptions): Log {
  return new StoredLog(withDefaults(options))
}

class StoredLog implements Log {
  readonly topics: Topics
  readonly producerIds: ProducerIds
  readonly #options: Required<LogOptions>
  readonly #topics: StoredTopics
  readonly compaction: Compaction
  readonly restoring: Restoring
  readonly #clock: Clock
  readonly #cache: SliceCache
  readonly #reading: ReadParts
  readonly #segments: SegmentStore
  readonly #deadlines: Deadlines
  readonly #batcher: Batcher
  readonly #segmentIds: SegmentIds
  readonly #failures: RecentFailures
  readonly #shards: Shards
  readonly #forks: Forks
  readonly #pending = new Set<Promise<unknown>>()
  #closed = false

  constructor(options: Required<LogOptions>) {
    const { clock, random, items, logger } = options
    const segmentIds = new SegmentIds(clock, random)
    const segments = new SegmentStore({ ...options, itemBytesMax: options.itemSegmentBytesMax })
    const budget = new FlushBudget(clock, options.flushBudget)
    this.#clock = clock
    this.#deadlines = new Deadlines(clock)
    this.#segmentIds = segmentIds
    this.#failures = new RecentFailures(clock)
    this.#segments = segments
    const pool = options.readMemory
    const far = new BatchCache(options.coldCacheBytesMax, pool)
    this.#cache = new SliceCache({ segments, far, bytesMax: options.cacheBytesMax, pool, clock })
    this.#options = options
    this.#topics = new StoredTopics(options)
    this.topics = this.#topics
    const extents = new ExtentReader(options.objects, far)
    const extentList = new ExtentList(items, clock)
    this.#reading = { cache: this.#cache, extents, extentList }
    this.producerIds = new BlockProducerIds({ items, clock, random })
    this.#batcher = new Batcher({
      segments,
      segmentIds,
      budget,
      clock,
      priceOfFlush: options.prices.flush,
      segmentBytesMax: options.segmentBytesMax,
    })
    const limits = { ...DEFAULT_SHARD_LIMITS, ...options.shardLimits }
    const shards = new Shards({
      items,
      segments,
      segmentIds,
      clock,
      random,
      logger,
      budget,
      priceOfPoll: options.prices.poll,
      limits,
      chunks: new LRUCache({ maxSize: CHUNK_CACHE_BYTES_MAX }),
      onCommitted: (commit, placed, stored) => this.#keepCommitted(commit, placed, stored),
    })
    this.#shards = shards
    const settings = { ...DEFAULT_COMPACTION_SETTINGS, ...options.compaction }
    const { objects } = options
    const stores = { items, objects, segments, segmentIds, shards, extentList, cache: this.#cache }
    this.restoring = restoringOf({ ...stores, clock, random, topics: this.#topics })
    this.compaction = new Compaction({ ...stores, clock, random, logger, settings })
    this.#forks = new Forks({
      ...stores,
      clock,
      random,
      topics: this.#topics,
      reading: this.#reading,
      limits,
      drawId: () => segmentIds.next(),
      now: () => clock.now(),
    })
  }

  append(request: AppendRequest): Promise<Appended> {
    if (this.#closed) return Promise.reject(closed())
    const deadline = this.#clock.monotonic() + request.timeoutMs
    const { topic, partition } = request
    const destination = { topic: topic.name, partition, configs: topic.configs, now: this.#clock.now() }
    try {
      const batch = acceptBatch(request.batch, destination)
      this.#batcher.reserve(batch.bytes.length)
      return this.#admit(request, batch, { deadline, cameAt: destination.now })
    } catch (error) {
      this.#failures.noteUnaccepted(topic.id, partition, request.batch)
      return Promise.reject(error)
    }
  }

  endTransaction(request: EndTransactionRequest): Promise<void> {
    if (this.#closed) return Promise.reject(closed())
    return this.#mark(request)
  }

  async activeProducers(topic: Topic, partition: number): Promise<ActiveProducer[]> {
    const { open, slot } = await this.#shards.find(topic, partition)
    await open.shard.refresh()
    if (!stateOf({ shard: open.shard, slot })) throw new LogError('UNKNOWN_TOPIC', 'no such partition')
    await open.shard.loadFold()
    return [...(open.shard.fold?.producers(slot) ?? [])].map(([producerId, state]) => ({
      producerId,
      producerEpoch: state.epoch,
      lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
      lastTimestamp: state.lastTime,
      transactionStartOffset: state.open?.firstOffset ?? -1,
      transaction: state.open?.transaction ?? 0,
    }))
  }

  async read(request: ReadRequest): Promise<ReadResult> {
    const { open, slot } = await this.#shards.find(request.topic, request.partition)
    const { shard } = open
    return readPartition(this.#reading, { shard, slot, partition: request.partition }, request, this.#clock)
  }

  async deleteRecords(request: DeleteRecordsRequest): Promise<number> {
    if (this.#closed) throw closed()
    const deadline = this.#clock.monotonic() + request.timeoutMs
    return this.#inTime(deleteRecords(this.#shards, request, deadline), deadline)
  }

  async waitForRecords(
    positions: readonly PartitionPosition[],
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const done = new AbortController()
    const finish = () => done.abort()
    signal?.addEventListener('abort', finish)
    if (signal?.aborted) finish()
    for (const position of positions) void this.#watch(position, done)
    await this.#clock.sleep(timeoutMs, done.signal)
    finish()
    signal?.removeEventListener('abort', finish)
  }

  async findOffset(topic: Topic, partition: number, spec: OffsetSpec): Promise<FoundOffset> {
    const { open, slot } = await this.#shards.find(topic, partition)
    return findOffset(this.#reading, { shard: open.shard, slot, partition }, spec)
  }

  async standings(topic: Topic): Promise<PartitionStand[]> {
    const stands: PartitionStand[] = []
    for (let first = 0; first < topic.partitions; first += topic.shardSize) {
      const { open } = await this.#shards.find(topic, first)
      await open.shard.refresh()
      const partitions = open.shard.state?.head.partitions
      if (!partitions) throw new LogError('UNKNOWN_TOPIC', 'the topic was deleted')
      for (const { start, stable, next, extentsTo } of partitions)
        stands.push({ start, stable, end: next, compactedTo: extentsTo })
    }
    return stands.slice(0, topic.partitions)
  }

  upkeepJobs(settings: Partial<UpkeepSettings> = {}, users: LogUsers = {}): readonly UpkeepJob[] {
    const { compaction } = this
    const parts = { ...this.#options, ...users, topics: this.#topics, shards: this.#shards, compaction }
    return logJobs(parts, { ...defaultUpkeepSettings, ...settings })
  }

  fork(request: ForkRequest): Promise<Topic> {
    if (this.#closed) return Promise.reject(closed())
    return this.#track(this.#forks.fork(request))
  }

  validateFork(request: ForkRequest): Promise<Topic> {
    return this.#forks.validate(request)
  }

  async sizeOf(topic: Topic, partition: number): Promise<number> {
    const { open, slot } = await this.#shards.find(topic, partition)
    await open.shard.refresh()
    return sizeOfPartition({ shard: open.shard, slot, partition }, this.#reading.extentList)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#pending)
  }

  #mark({ topic, partition, timeoutMs, ...marker }: EndTransactionRequest): Promise<void> {
    const deadline = this.#clock.monotonic() + timeoutMs
    const timestamp = this.#clock.now()
    const answer = this.#answer<void>(deadline)
    this.#shards
      .admit(topic, partition, (open, slot) => {
        holdOpen(open, answer)
        const pending = { marker: { ...marker, slot, timestamp }, deadline, answer }
        open.committer.enqueue(markerCommit(this.#segmentIds.next(), [pending]))
      })
      ?.catch(answer.reject)
    return answer.told
  }

  /** The batch has its room. */
  #admit(
    { topic, partition, transaction = 0 }: AppendRequest,
    batch: BatchView,
    { deadline, cameAt }: { readonly deadline: number; readonly cameAt: number },
  ): Promise<Appended> {
    const { length } = batch.bytes
    const failures = this.#failures
    const answer = this.#answer<Appended>(deadline)
    answer.whenEnded(() => {
      this.#batcher.release(length)
      if (answer.hasFailed) failures.note({ topicId: topic.id, partition, batch })
    })
    this.#shards
      .admit(topic, partition, (open, slot) => {
        holdOpen(open, answer)
        const { committer } = open
        const topicId = topic.id
        const pending = { topicId, committer, partition, slot, batch, cameAt, deadline, transaction, answer, failures }
        this.#batcher.add(pending)
      })
      ?.catch(answer.reject)
    return answer.told
  }

  /** `close` waits for it. */
  #answer<T>(deadline: number): Answer<T> {
    const answer = new Answer<T>(this.#deadlines, deadline)
    this.#pending.add(answer.told)
    answer.whenEnded(() => this.#pending.delete(answer.told))
    return answer
  }

  /** The answer, or REQUEST_TIMED_OUT at the deadline: what is under way goes on. */
  #inTime<T>(work: Promise<T>, deadline: number): Promise<T> {
    const answer = this.#answer<T>(deadline)
    work.then(answer.resolve, answer.reject)
    return answer.told
  }

  async #track<T>(promise: Promise<T>): Promise<T> {
    this.#pending.add(promise)
    try {
      return await promise
    } finally {
      this.#pending.delete(promise)
    }
  }

  /** Aborts `done` as soon as the position can be read, or can never be; listens until `done` aborts. */
  async #watch({ topic, partition, offset }: PartitionPosition, done: AbortController): Promise<void> {
    try {
      const { open, slot } = await this.#shards.find(topic, partition)
      if (done.signal.aborted) return
      const check = () => {
        const state = stateOf({ shard: open.shard, slot })
        if (!state || offset < state.next) done.abort()
      }
      const stop = open.watcher.watch(check)
      done.signal.addEventListener('abort', stop)
      check()
    } catch {
      // A partition that cannot be watched cannot be read either: the read that follows says why.
      done.abort()
    }
  }

  /**
   * A writer's own slices start in the cache: their offsets are written into the very bytes that were put; or into those that the
   * item store took, whose memory is used again when they leave the cache. The producer's frames are then soon garbage, and young: cheap.
   */
  #keepCommitted(commit: Commit, placed: readonly PlacedBatch[], stored: PooledBytes | undefined): void {
    if (this.#segments.isUnderWay(commit.segment.id)) return
    const memory = stored && commit.slices.length === 1 ? stored : undefined
    for (const slice of commit.slices) {
      const batches: UnplacedBatch[] = []
      for (const { slot, position, batch } of placed) {
        if (slot !== slice.slot || position < slice.position || position >= slice.position + slice.length) continue
        const { recordCount, maxTimestamp } = batch
        const bytes = memory ? memory.bytes.subarray(position, position + batch.bytes.length) : batch.bytes
        batches.push({ bytes, recordCount, maxTimestamp })
      }
      this.#cache.add(commit.segment, slice, batches, memory)
    }
  }
}

/** The shard stays open until the answer. */
function holdOpen(open: OpenShard, answer: Pick<Answer<unknown>, 'whenEnded'>): void {
  open.appends++
  answer.whenEnded(() => {
    open.appends--
  })
}

function closed(): LogError {
  return new LogError('CLOSED', 'this process is shutting down')
}
