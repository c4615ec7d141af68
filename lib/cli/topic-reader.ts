import { Consumer, type RecordsBatch } from '@platformatic/kafka'
import { connectOptions, type TopicDescription } from './cluster.ts'
import { CommandError, failureHas } from './failure.ts'
import type { PartitionRange } from './position.ts'

/**
 * Reads partitions of a topic by assignment: no group is joined and nothing is committed, so nobody is disturbed. One
 * fetch is in flight to each leader, and records come in offset order within a partition. Only committed records.
 */
export interface ReadRecord {
  readonly partition: number
  readonly offset: bigint
  /** Ms since 1970. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [Uint8Array | null, Uint8Array | null])[]
}

export interface TopicReaderOptions {
  readonly bootstrap: string
  readonly topic: TopicDescription
  readonly from: ReadonlyMap<number, bigint>
  /** Where to stop, per partition; undefined: never. */
  readonly until: ReadonlyMap<number, bigint> | undefined
  /** Leaders anew, after they moved or a server went away. */
  readonly refresh: () => Promise<{ readonly topic: TopicDescription; readonly ranges: readonly PartitionRange[] }>
  readonly warn: (sentence: string) => void
}

type FetchResponse = Awaited<ReturnType<Consumer['fetch']>>

const fetchBytesMax = 8 * 1024 * 1024
const partitionBytesMax = 1024 * 1024
const fetchWaitMs = 500
const retryDelayMs = 500
const retriesMax = 20
const readCommitted = 1
const controlBatch = 0x20
const transactionalBatch = 0x10
const logAppendTime = 0x08

interface Cursor {
  next: bigint
  readonly end: bigint | undefined
}

type Fetched =
  | { readonly leader: number; readonly response: FetchResponse }
  | { readonly leader: number; readonly error: unknown }

export class TopicReader {
  readonly #options: TopicReaderOptions
  readonly #cursors: Map<number, Cursor>
  readonly #consumer: Consumer<Buffer, Buffer, Buffer, Buffer>
  #topic: TopicDescription

  constructor(options: TopicReaderOptions) {
    this.#options = options
    this.#topic = options.topic
    this.#cursors = new Map(
      [...options.from].map(([partition, next]) => [partition, { next, end: options.until?.get(partition) }]),
    )
    // The client wants a group's name; it uses it only to join, which `fetch` never does.
    this.#consumer = new Consumer({ ...connectOptions(options.bootstrap), groupId: 'varve-tail', retries: 0 })
  }

  /** Records as they come, one partition's batch at a time; ends when every partition is at its end. */
  async *read(): AsyncGenerator<readonly ReadRecord[]> {
    const flights = new Map<number, Promise<Fetched>>()
    let failures = 0
    for (;;) {
      const unread = this.#unreadByLeader()
      if (unread.size === 0) return
      for (const [leader, partitions] of unread) {
        if (!flights.has(leader)) flights.set(leader, this.#fetch(leader, partitions))
      }
      const fetched = await Promise.race(flights.values())
      flights.delete(fetched.leader)
      if ('error' in fetched) {
        failures++
        await this.#recover(fetched.error, failures)
        continue
      }
      failures = 0
      for (const partition of fetched.response.responses.flatMap(topic => topic.partitions)) {
        const cursor = this.#cursors.get(partition.partitionIndex)
        if (cursor) yield this.#take(cursor, partition)
      }
    }
  }

  async close(): Promise<void> {
    await this.#consumer.close(true)
  }

  #unreadByLeader(): Map<number, number[]> {
    const unread = [...this.#cursors].filter(([, { next, end }]) => end === undefined || next < end)
    return Map.groupBy(
      unread.map(([partition]) => partition),
      partition => this.#topic.leaders[partition] ?? -1,
    )
  }

  async #fetch(leader: number, partitions: readonly number[]): Promise<Fetched> {
    try {
      const response = await this.#consumer.fetch({
        node: leader,
        isolationLevel: readCommitted,
        minBytes: 1,
        maxBytes: fetchBytesMax,
        maxWaitTime: fetchWaitMs,
        topics: [
          {
            topicId: this.#topic.id,
            partitions: partitions.map(partition => ({
              partition,
              fetchOffset: this.#cursors.get(partition)!.next,
              partitionMaxBytes: partitionBytesMax,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
            })),
          },
        ],
      })
      return { leader, response }
    } catch (error) {
      return { leader, error }
    }
  }

  /** Waits a little, learns leaders and ranges anew, and moves cursors that fell out of what is kept. */
  async #recover(error: unknown, failures: number): Promise<void> {
    const following = this.#options.until === undefined
    if (failures >= retriesMax && !following) throw error
    if (failures === 2) this.#options.warn('The server does not answer; trying again.')
    if (failures > 1) await new Promise(resolve => setTimeout(resolve, retryDelayMs))
    try {
      const { topic, ranges } = await this.#options.refresh()
      if (topic.id !== this.#topic.id)
        throw new CommandError(`Topic ${topic.name} was deleted and made anew: start again.`)
      this.#topic = topic
      if (failureHas(error, 'apiId', 'OFFSET_OUT_OF_RANGE')) this.#moveInto(ranges)
    } catch (refreshError) {
      if (refreshError instanceof CommandError) throw refreshError
      // Not reachable now: the next fetch fails too, and counts.
    }
  }

  #moveInto(ranges: readonly PartitionRange[]): void {
    for (const { partition, start, end } of ranges) {
      const cursor = this.#cursors.get(partition)
      if (!cursor || (cursor.next >= start && cursor.next <= end)) continue
      this.#options.warn(`Partition ${partition} no longer has offset ${cursor.next}; going on at ${start}.`)
      cursor.next = start
    }
  }

  /** The partition's wanted records, with the cursor moved behind them. */
  #take(cursor: Cursor, partition: FetchResponse['responses'][number]['partitions'][number]): ReadRecord[] {
    const records: ReadRecord[] = []
    const isAborted = abortedBatches(partition.abortedTransactions ?? [])
    for (const batch of partition.records ?? []) {
      const hidden = isAborted(batch) || (batch.attributes & controlBatch) !== 0
      for (const record of hidden ? [] : batch.records) {
        const offset = batch.firstOffset + BigInt(record.offsetDelta)
        if (offset < cursor.next || (cursor.end !== undefined && offset >= cursor.end)) continue
        const timestamp =
          batch.attributes & logAppendTime ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta
        const { key, value, headers } = record
        records.push({ partition: partition.partitionIndex, offset, timestamp: Number(timestamp), key, value, headers })
      }
      const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
      if (after > cursor.next) cursor.next = after
    }
    return records
  }
}

/**
 * Tells for each batch, in offset order, whether it belongs to an aborted transaction: a transaction is aborted from its
 * first offset to its producer's next abort marker (KIP-98).
 */
function abortedBatches(
  aborted: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[],
): (batch: RecordsBatch) => boolean {
  const waiting = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const open = new Set<bigint>()
  return batch => {
    const lastOffset = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    while (waiting[0] !== undefined && waiting[0].firstOffset <= lastOffset) open.add(waiting.shift()!.producerId)
    if ((batch.attributes & controlBatch) !== 0) {
      const abortMarker = batch.records[0]?.key?.readInt16BE(2) === 0
      if (abortMarker) open.delete(batch.producerId)
      return true
    }
    return (batch.attributes & transactionalBatch) !== 0 && open.has(batch.producerId)
  }
}
