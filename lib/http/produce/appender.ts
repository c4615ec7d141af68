/**
 * Records into batches, batches into the log. Records of a partition stay in their order; each partition succeeds or fails for
 * itself. Where the log refuses a batch because of some of its records, these are found (`acceptBatch` is pure) and the
 * others are appended without them, so that each record has its own answer.
 */
import type { Clock } from '../../base/index.ts'
import { type Appended, acceptBatch, type Log, LogError, numberConfig, type Topic } from '../../log/index.ts'
import { buildBatch, partitionOfKey, RecordError } from '../../records/index.ts'
import { HttpError } from '../errors.ts'
import type { Identity } from './identity.ts'
import type { InputRecord } from './record-input.ts'
import type { StickyPartitions } from './sticky-partitions.ts'

/** A batch is closed at so many bytes or records, whichever comes first. */
const BATCH_BYTES = 512 * 1_024
const BATCH_RECORDS_MAX = 10_000
/** Header and lengths of a batch of one record, at most. */
const BATCH_OVERHEAD = 128
const RECORD_OVERHEAD = 32

export type Outcome =
  | { readonly partition: number; readonly offset: number; readonly timestamp?: number; readonly duplicate?: true }
  | { readonly error: unknown }

export interface AppendOptions {
  readonly timeoutMs: number
  /** Makes a repetition of the request exact. */
  readonly identity?: Identity | undefined
}

interface AppenderParts {
  readonly log: Log
  readonly clock: Clock
  readonly sticky: StickyPartitions
}

interface Placed {
  readonly record: InputRecord
  /** Where in the request. */
  readonly index: number
}

export class Appender {
  readonly #parts: AppenderParts

  constructor(parts: AppenderParts) {
    this.#parts = parts
  }

  /**
   * The outcome of each record, in order. Every append has begun when it returns.
   * @throws HttpError BODY_TOO_LARGE: too much to be repeated exactly; nothing was appended
   */
  append(topic: Topic, records: readonly InputRecord[], options: AppendOptions): Promise<Outcome[]> {
    const outcomes = new Array<Outcome>(records.length)
    const byPartition = new Map<number, Placed[]>()
    for (const [index, record] of records.entries()) {
      const partition = this.#partitionOf(topic, record, options.identity)
      if (partition >= topic.partitions) {
        outcomes[index] = { error: unknownPartition(topic, partition) }
        continue
      }
      const placed = byPartition.get(partition)
      if (placed) placed.push({ record, index })
      else byPartition.set(partition, [{ record, index }])
    }
    const jobs = [...byPartition].map(([partition, placed]) => {
      const batches = batchesOf(placed, numberConfig(topic.configs, 'max.message.bytes'))
      options.identity?.checkBatches(batches.length)
      return { partition, batches }
    })
    const appends = jobs.flatMap(({ partition, batches }) =>
      batches.map(batch => this.#appendBatch({ topic, partition, placed: batch, outcomes }, options)),
    )
    return Promise.all(appends).then(() => outcomes)
  }

  #partitionOf(topic: Topic, { partition, key, value }: InputRecord, identity: Identity | undefined): number {
    if (partition !== undefined) return partition
    const partitions = identity?.partitions ?? topic.partitions
    if (key) return partitionOfKey(key, partitions)
    return identity?.keylessPartition ?? this.#parts.sticky.next(topic.id, partitions, value?.length ?? 0)
  }

  /** Never rejects. */
  async #appendBatch(
    job: { topic: Topic; partition: number; placed: readonly Placed[]; outcomes: Outcome[] },
    options: AppendOptions,
  ): Promise<void> {
    const { topic, partition, placed, outcomes } = job
    try {
      const records = placed.map(({ record }) => record)
      const batch = buildBatch({ records, ...options.identity?.numbersFor(partition, records.length) })
      const appended = await this.#parts.log.append({ topic, partition, batch, timeoutMs: options.timeoutMs })
      for (const [delta, { index }] of placed.entries()) outcomes[index] = outcomeOf(partition, appended, delta)
    } catch (error) {
      const flaws =
        placed.length > 1 && isOfRecords(error) ? this.#flawsIn(topic, partition, placed) : new Map<number, unknown>()
      const sound = placed.filter(({ index }) => !flaws.has(index))
      for (const [index, flaw] of flaws) outcomes[index] = { error: flaw }
      if (flaws.size > 0 && sound.length > 0 && !options.identity) {
        return this.#appendBatch({ ...job, placed: sound }, options)
      }
      for (const { index } of sound) outcomes[index] = { error }
    }
  }

  /** What is wrong with each record by itself. */
  #flawsIn(topic: Topic, partition: number, placed: readonly Placed[]): Map<number, unknown> {
    const { configs } = topic
    const now = this.#parts.clock.now()
    const flaws = new Map<number, unknown>()
    for (const { record, index } of placed) {
      try {
        acceptBatch(buildBatch({ records: [record] }), { topic: topic.name, partition, configs, now })
      } catch (error) {
        flaws.set(index, error)
      }
    }
    return flaws
  }
}

function outcomeOf(partition: number, appended: Appended, delta: number): Outcome {
  return {
    partition,
    offset: appended.baseOffset + delta,
    ...(appended.logAppendTime >= 0 ? { timestamp: appended.logAppendTime } : {}),
    ...(appended.duplicate ? { duplicate: true } : {}),
  }
}

/** The batch was refused for what is in it, before anything happened. */
function isOfRecords(error: unknown): boolean {
  if (error instanceof RecordError) return true
  return (
    error instanceof LogError &&
    ['INVALID_RECORD', 'MISSING_KEY', 'INVALID_TIMESTAMP', 'BATCH_TOO_LARGE'].includes(error.code)
  )
}

function batchesOf(placed: readonly Placed[], messageBytesMax: number): Placed[][] {
  const bytesMax = Math.min(BATCH_BYTES, messageBytesMax - BATCH_OVERHEAD)
  const batches: Placed[][] = []
  let bytes = 0
  for (const one of placed) {
    const size = sizeOf(one.record)
    const last = batches.at(-1)
    if (last && bytes + size <= bytesMax && last.length < BATCH_RECORDS_MAX) {
      last.push(one)
      bytes += size
    } else {
      batches.push([one])
      bytes = size
    }
  }
  return batches
}

/** A little more than the record takes in a batch. */
export function sizeOf({ key, value, headers = [] }: InputRecord): number {
  const lengths = headers.map(header => Buffer.byteLength(header.key) + (header.value?.length ?? 0) + RECORD_OVERHEAD)
  return lengths.reduce((sum, length) => sum + length, RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0))
}

export function unknownPartition(topic: Pick<Topic, 'name' | 'partitions'>, partition: number): HttpError {
  const message = `topic '${topic.name}' has ${topic.partitions} partitions, and so no ${partition}`
  return new HttpError('UNKNOWN_PARTITION', message)
}
