/**
 * Deliveries of event sources become records, each source record once, however often it is delivered and whoever dies on the way.
 *
 * A delivery: look for claims of its records; drop those whose claim landed; claim the rest (one compare-and-swap) for this
 * process's producer, with the sequences that their batches will have; append the batches, all in one segment. Races:
 * - Dies before the claim: nothing happened. After it, before or in the append: the next delivery finds the claim and learns from
 *   the log what became of it (`fates.ts`): landed, or fenced for ever and claimed anew.
 * - Two processes have the same record at once (a delivery timed out and came again): the claims meet in a compare-and-swap, so
 *   the second sees the first's claim, and the log decides: if the first's batch is not in, it is fenced out, whether its
 *   process is dead, frozen or only slow. A fenced process is refused, reports failure, and takes another producer.
 * - A frozen and thawed process has an old view of claims and heads: both are only ever used under compare-and-swap.
 * - An append without an answer: the producer is dropped, the records are reported as failed, and the next delivery finds out.
 *
 * Exactly once as long as claims and producer states are kept: a day (`PRODUCER_EXPIRATION_MS` of the log, `upkeep.ts`). A delivery that
 * was stored but not acknowledged, and that comes again after more than that, is stored twice.
 */
import { type Clock, type Logger, Mailbox, type Random } from '../base/index.ts'
import { type Log, LogError, numberConfig, type Topic } from '../log/index.ts'
import { buildBatch, type NewRecord, partitionOfKey } from '../records/index.ts'
import { type ItemStore, StoreError } from '../storage/index.ts'
import { type Claim, minuteOf, recordName, sourceName } from './claim.ts'
import { ClaimBook, MINUTES_MAX } from './claim-book.ts'
import { type Delivery, IngestError, type SourceRecord } from './contract.ts'
import { Fates } from './fates.ts'

export interface IngestOptions {
  readonly log: Log
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Name of the topic that the records go to. */
  readonly topic: string
}

/** Attempts of one delivery against others that claim at the same time. */
const ATTEMPTS_MAX = 20
/** Sources that one process hears of. */
const SOURCES_MAX = 100
/** A batch's header, with room for what the records' lengths add. */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 32
const SEQUENCE_MAX = 2 ** 31 - 1
/**
 * Then another takes its place, well before it is so old that a partition which does not know it might take its second batch without the
 * first: that claim's fate is told by the last sequence alone. The log does not, as long as it remembers that the first failed.
 */
const PRODUCER_MS_MAX = 12 * 3_600_000

interface Pending {
  readonly index: number
  readonly record: SourceRecord
  readonly name: string
  readonly minute: number
}

interface Producer {
  readonly id: number
  /** By the wall clock, for a function's other one may stand still with it; ms since 1970. */
  readonly since: number
  /** Next sequence of each partition of the topic. */
  sequences: ReadonlyMap<number, number>
}

interface PlannedBatch {
  readonly partition: number
  readonly baseSequence: number
  readonly records: readonly Pending[]
}

export class Ingest {
  readonly #options: IngestOptions
  readonly #fates: Fates
  readonly #books = new Map<string, ClaimBook>()
  readonly #mailbox = new Mailbox(1_000)
  #producer: Producer | undefined
  #openTopic: string | undefined

  constructor(options: IngestOptions) {
    this.#options = options
    this.#fates = new Fates(options)
  }

  /**
   * Stores the records of a delivery that are not stored yet, and answers the indices of those that could not be.
   * @throws IngestError UNKNOWN_TOPIC
   */
  take(delivery: Delivery, timeoutMs: number): Promise<readonly number[]> {
    return this.#mailbox.run(() => this.#take(delivery, timeoutMs))
  }

  async #take(delivery: Delivery, timeoutMs: number): Promise<readonly number[]> {
    const { log, clock, logger } = this.#options
    const deadline = clock.monotonic() + timeoutMs
    const topic = await log.topics.find({ name: this.#options.topic })
    if (!topic) {
      throw new IngestError('UNKNOWN_TOPIC', `There is no topic ${this.#options.topic} to ingest into: create it.`)
    }
    const failed = new Set<number>()
    const first = new Map<string, Pending>()
    /** Records that are in the delivery more than once share the fate of their first. */
    const repeats: { index: number; of: number }[] = []
    for (const [index, record] of delivery.records.entries()) {
      const name = recordName(record.id)
      const same = first.get(name)
      if (same) repeats.push({ index, of: same.index })
      else if (isTooLarge(record, topic)) {
        logger.error('a record is larger than the topic takes', { source: delivery.source, receipt: record.receipt })
        failed.add(index)
      } else first.set(name, { index, record, name, minute: minuteOf(record.time) })
    }
    const book = this.#bookOf(delivery.source)
    let rest = [...first.values()]
    while (rest.length > 0) {
      const round = roundOf(rest)
      rest = rest.slice(round.length)
      const lost = await this.#store(topic, book, round, deadline)
      for (const index of lost) failed.add(index)
      // What comes after what failed would lie before it.
      if (lost.length > 0) break
    }
    for (const { index } of rest) failed.add(index)
    for (const { index, of } of repeats) if (failed.has(of)) failed.add(index)
    return [...failed].sort((a, b) => a - b)
  }

  /** Claims and appends; answers the indices that failed. */
  async #store(topic: Topic, book: ClaimBook, records: readonly Pending[], deadline: number): Promise<number[]> {
    const { clock, logger } = this.#options
    for (let attempt = 1; attempt <= ATTEMPTS_MAX && clock.monotonic() < deadline; attempt++) {
      try {
        const open = await this.#unstored(book, records)
        if (open.length === 0) return []
        await this.#openShards(topic)
        const producer = await this.#producerOf()
        const { batches, sequences } = this.#plan(topic, producer, open)
        if (!(await book.add(this.#claimsOf(topic, producer, batches)))) continue
        // Not before: a claim that was refused uses no sequences.
        producer.sequences = sequences
        return await this.#append(topic, producer, batches, deadline)
      } catch (error) {
        if (!(error instanceof StoreError || error instanceof LogError)) throw error
        logger.warn('a delivery meets an obstacle', { attempt, error: String(error) })
        // What was sent may have happened: the claim, if it is there, is found and fenced.
        this.#producer = undefined
        if (error instanceof LogError || error.code === 'STORE_REFUSED') break
      }
    }
    return records.map(({ index }) => index)
  }

  /** Those without a claim that landed. */
  async #unstored(book: ClaimBook, records: readonly Pending[]): Promise<Pending[]> {
    const open: Pending[] = []
    for (const record of records) {
      let landed = false
      for (const claim of await book.claimsOf(record.minute, record.name)) {
        landed ||= await this.#fates.hasLanded(claim)
      }
      if (!landed) open.push(record)
    }
    return open
  }

  /** A topic's shards are opened before the first append, so that the batches of a delivery come at the same moment. */
  async #openShards(topic: Topic): Promise<void> {
    if (this.#openTopic === topic.id) return
    const firsts: number[] = []
    for (let partition = 0; partition < topic.partitions; partition += topic.shardSize) firsts.push(partition)
    const spec = { at: 'latest', isolation: 'read_uncommitted' } as const
    await Promise.all(firsts.map(partition => this.#options.log.findOffset(topic, partition, spec)))
    this.#openTopic = topic.id
  }

  async #producerOf(): Promise<Producer> {
    const { log, clock } = this.#options
    const now = clock.now()
    if (this.#producer && Math.abs(now - this.#producer.since) < PRODUCER_MS_MAX) return this.#producer
    this.#producer = { id: await log.producerIds.next(), since: now, sequences: new Map() }
    return this.#producer
  }

  /** Records of a partition side by side, in their order, in batches that the topic takes; and the producer's sequences after them. */
  #plan(topic: Topic, producer: Producer, records: readonly Pending[]) {
    const sequences = new Map(producer.sequences)
    const bytesMax = numberConfig(topic.configs, 'max.message.bytes')
    const anywhere = this.#options.random.bytes(4).reduce((sum, byte) => sum * 256 + byte, 0) % topic.partitions
    const byPartition = Map.groupBy(records, ({ record: { key } }) =>
      key === null ? anywhere : partitionOfKey(key, topic.partitions),
    )
    const batches = [...byPartition].flatMap(([partition, ours]) =>
      splitBySize(ours, bytesMax).map((batch): PlannedBatch => {
        const next = sequences.get(partition) ?? 0
        sequences.set(partition, next + batch.length)
        return { partition, baseSequence: next, records: batch }
      }),
    )
    return { batches, sequences }
  }

  #claimsOf(topic: Topic, producer: Producer, batches: readonly PlannedBatch[]): Map<number, Claim[]> {
    const claimedAt = Math.max(0, Math.floor(this.#options.clock.now()))
    const claims = new Map<number, Claim[]>()
    for (const { partition, baseSequence, records } of batches) {
      const lastSequence = baseSequence + records.length - 1
      for (const [minute, ours] of Map.groupBy(records, record => record.minute)) {
        const names = ours.map(({ name }) => name)
        const claim = { producerId: producer.id, topicId: topic.id, partition, lastSequence, claimedAt, records: names }
        claims.set(minute, [...(claims.get(minute) ?? []), claim])
      }
    }
    return claims
  }

  async #append(topic: Topic, producer: Producer, batches: readonly PlannedBatch[], deadline: number) {
    const { log, clock, logger } = this.#options
    const timeoutMs = Math.max(1, deadline - clock.monotonic())
    const answers = await Promise.allSettled(
      batches.map(({ partition, baseSequence, records }) => {
        const batch = buildBatch({
          records: records.map(({ record }) => newRecord(record)),
          producerId: producer.id,
          producerEpoch: 0,
          baseSequence,
        })
        return log.append({ topic, partition, batch, timeoutMs })
      }),
    )
    const failed: number[] = []
    for (const [at, answer] of answers.entries()) {
      const { partition, baseSequence, records } = batches[at]!
      if (answer.status === 'fulfilled') {
        const lastSequence = baseSequence + records.length - 1
        this.#fates.noteLanded({ producerId: producer.id, topicId: topic.id, partition, lastSequence })
      } else {
        logger.warn('an append of a delivery failed', { partition, error: String(answer.reason) })
        failed.push(...records.map(({ index }) => index))
      }
    }
    const spent = [...producer.sequences.values()].some(next => next > SEQUENCE_MAX / 2)
    if (failed.length > 0 || spent) this.#producer = undefined
    return failed
  }

  #bookOf(arn: string): ClaimBook {
    const source = sourceName(arn)
    let book = this.#books.get(source)
    if (!book) {
      book = new ClaimBook(source, arn, this.#options)
      this.#books.set(source, book)
      if (this.#books.size > SOURCES_MAX) this.#books.delete(this.#books.keys().next().value!)
    }
    return book
  }
}

/** The first records, of so many minutes as one write can claim. */
function roundOf(records: readonly Pending[]): readonly Pending[] {
  const minutes = new Set<number>()
  const end = records.findIndex(({ minute }) => {
    minutes.add(minute)
    return minutes.size > MINUTES_MAX
  })
  return end === -1 ? records : records.slice(0, end)
}

function splitBySize(records: readonly Pending[], bytesMax: number): Pending[][] {
  const batches: Pending[][] = []
  let room = 0
  for (const pending of records) {
    const bytes = sizeOf(pending.record)
    if (batches.length === 0 || bytes > room) {
      batches.push([])
      room = bytesMax - BATCH_OVERHEAD_BYTES
    }
    batches.at(-1)!.push(pending)
    room -= bytes
  }
  return batches
}

function isTooLarge(record: SourceRecord, topic: Topic): boolean {
  return sizeOf(record) + BATCH_OVERHEAD_BYTES > numberConfig(topic.configs, 'max.message.bytes')
}

/** At most so many bytes in a batch. */
function sizeOf({ key, value, headers }: SourceRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) bytes += 10 + Buffer.byteLength(header.key) + header.value.length
  return bytes
}

function newRecord({ time, key, value, headers }: SourceRecord): NewRecord {
  return { timestamp: time, key, value, headers }
}
