/**
 * Fetch, versions 4 to 18. Waits until there are `minBytes` or `maxWaitMs` are over; partitions are served in the order
 * asked for, and the first batch is given even if it is larger than every limit. While it waits, the connection's next
 * request may begin.
 *
 * Departures from Apache Kafka: fetch sessions (KIP-227) are declined with session id 0, which clients take as it is;
 * fetching as a replica is no different from fetching as a consumer; a client whose rack is not
 * this gateway's is sent to one of its zone by any gateway, not by the leader alone (KIP-392);
 * where the memory for answers is used up, an answer holds less than was asked for.
 */
import { Loans } from '../../base/index.ts'
import type { Isolation, ReadResult, Topic } from '../../log/index.ts'
import { Fetch, type FetchRequest, type FetchResponse, type Message, type MessageInput } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { preferredReplica } from '../partition-replicas.ts'
import { leaderEpochError, lookUpTopic } from '../topic-lookup.ts'

type Request = Message<typeof FetchRequest>
type PartitionAnswer = MessageInput<typeof FetchResponse>['responses'][number]['partitions'][number]

const topicIdVersion = 13
/** Session epochs with which a request is a full one, whatever session it names (KIP-227). */
const fullFetchEpochs = [0, -1]

/** One partition of a request, and what was read for it last. */
interface Slot {
  readonly topic: Topic | undefined
  readonly partition: number
  readonly fetchOffset: number
  readonly maxBytes: number
  /** Where the client is to go for the records; -1: they are here. */
  readonly preferredReplica: number
  errorCode: number
  read: ReadResult | undefined
}

export const fetch = handler(Fetch, {
  async handle(request, context) {
    if (!fullFetchEpochs.includes(request.sessionEpoch)) {
      return { throttleTimeMs: 0, errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] }
    }
    const slots = await Promise.all(
      request.topics.map(async ({ topic, topicId, partitions }) => {
        const found = await lookUpTopic(
          context.apiVersion >= topicIdVersion ? { id: topicId } : { name: topic },
          context,
        )
        return partitions.map(partition => newSlot(found, partition, request.rackId, context))
      }),
    )
    const round = new FetchRound(slots.flat(), request, context)
    await round.readUntilEnough()
    context.whenSent(() => round.loans.giveBack())
    return {
      throttleTimeMs: 0,
      responses: request.topics.map(({ topic, topicId }, index) => ({
        topic,
        topicId,
        partitions: slots[index]!.map(slot => answerPartition(slot, round.isolation)),
      })),
    }
  },
})

function newSlot(
  found: Topic | number,
  asked: Request['topics'][number]['partitions'][number],
  clientRack: string,
  { cluster }: RequestContext,
): Slot {
  const { partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch } = asked
  const unknown = partition < 0 ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : 0
  const topic = typeof found === 'number' ? undefined : found
  const preferred = topic && !unknown ? preferredReplica(clientRack, topic, partition, cluster) : undefined
  return {
    topic,
    partition,
    fetchOffset,
    maxBytes: preferred ? 0 : Math.max(0, partitionMaxBytes),
    preferredReplica: preferred?.nodeId ?? -1,
    errorCode: typeof found === 'number' ? found : unknown || leaderEpochError(currentLeaderEpoch),
    read: undefined,
  }
}

const unknownCodes: readonly number[] = [errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorCodes.UNKNOWN_TOPIC_ID]

function answerPartition(
  { partition, errorCode, read, preferredReplica: preferred }: Slot,
  isolation: Isolation,
): PartitionAnswer {
  if (errorCode !== 0 || !read) {
    return {
      partitionIndex: partition,
      errorCode,
      highWatermark: -1,
      lastStableOffset: -1,
      abortedTransactions: unknownCodes.includes(errorCode) ? [] : null,
      records: [],
    }
  }
  return {
    partitionIndex: partition,
    errorCode: 0,
    highWatermark: read.endOffset,
    lastStableOffset: read.lastStableOffset,
    logStartOffset: read.startOffset,
    abortedTransactions: isolation === 'read_committed' ? read.abortedTransactions : null,
    preferredReadReplica: preferred,
    records: read.batches,
  }
}

/** Reads a request's partitions, again and again until there is enough or the time is over. */
class FetchRound {
  readonly isolation: Isolation
  /** What the records lie in, until they have been sent. */
  readonly loans = new Loans()
  readonly #slots: readonly Slot[]
  readonly #request: Request
  readonly #context: RequestContext
  readonly #bytesMax: number
  #bytes = 0
  #reserved = 0

  constructor(slots: readonly Slot[], request: Request, context: RequestContext) {
    this.isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
    this.#slots = slots
    this.#request = request
    this.#context = context
    this.#bytesMax = Math.min(Math.max(0, request.maxBytes), context.config.fetchBytesMax)
  }

  async readUntilEnough(): Promise<void> {
    const { clock, signal, letNextBegin, log } = this.#context
    const deadline = clock.monotonic() + this.#request.maxWaitMs
    for (;;) {
      await this.#readOnce(await this.#waitForMemory(deadline))
      const leftMs = deadline - clock.monotonic()
      if (this.#isEnough() || leftMs <= 0 || signal.aborted) return
      const positions = this.#slots.map(({ topic, partition, read }) => ({
        topic: topic!,
        partition,
        offset: read!.endOffset,
      }))
      this.#context.memory.release(this.#reserved)
      this.#reserved = 0
      letNextBegin()
      await log.waitForRecords(positions, leftMs, signal)
    }
  }

  #isEnough(): boolean {
    return (
      this.#slots.length === 0 ||
      this.#bytes >= this.#request.minBytes ||
      this.#slots.some(slot => slot.errorCode !== 0 || slot.preferredReplica >= 0)
    )
  }

  /** Reserves some memory for the records; false where there is none until the deadline. */
  async #waitForMemory(deadline: number): Promise<boolean> {
    const { clock, signal, memory, letNextBegin } = this.#context
    const wanted = Math.min(
      this.#bytesMax,
      sumOf(this.#slots, slot => slot.maxBytes),
    )
    for (;;) {
      this.#reserved = memory.reserve(wanted)
      const leftMs = deadline - clock.monotonic()
      if (this.#reserved > 0 || wanted === 0) return true
      if (leftMs <= 0 || signal.aborted) return false
      letNextBegin()
      const answered = new AbortController()
      await Promise.race([memory.room(), clock.sleep(leftMs, AbortSignal.any([signal, answered.signal]))])
      answered.abort('answered')
    }
  }

  /** Reads every partition once; `withRecords` false: only their offsets. */
  async #readOnce(withRecords: boolean): Promise<void> {
    this.#bytes = 0
    let rest = this.#slots.filter(slot => slot.errorCode === 0)
    while (rest.length > 0) {
      const wave = this.#nextWave(rest)
      await Promise.all(wave.map(({ slot, maxBytes }) => this.#read(slot, maxBytes, false)))
      rest = rest.slice(wave.length)
    }
    if (withRecords && this.#bytes === 0) await this.#readFirstBatch()
  }

  /** The next partitions that can be read side by side without passing the limits, each with its own. */
  #nextWave(rest: readonly Slot[]): { readonly slot: Slot; readonly maxBytes: number }[] {
    const room = this.#reserved - this.#bytes
    // Once the room is used up, the partitions that are left are only asked for their offsets.
    if (room <= 0) return rest.map(slot => ({ slot, maxBytes: 0 }))
    const wave: { slot: Slot; maxBytes: number }[] = []
    let left = room
    for (const slot of rest) {
      if (wave.length > 0 && slot.maxBytes > left) break
      wave.push({ slot, maxBytes: Math.min(slot.maxBytes, left) })
      left -= slot.maxBytes
    }
    return wave
  }

  /** Nothing fitted: the first batch that there is fits always. */
  async #readFirstBatch(): Promise<void> {
    for (const slot of this.#slots) {
      const { read } = slot
      if (slot.errorCode !== 0 || slot.preferredReplica >= 0 || !read) continue
      const end = this.isolation === 'read_committed' ? read.lastStableOffset : read.endOffset
      if (end <= slot.fetchOffset) continue
      await this.#read(slot, 1, true)
      if (this.#bytes > 0) return
    }
  }

  async #read(slot: Slot, maxBytes: number, atLeastOneBatch: boolean): Promise<void> {
    const { topic, partition, fetchOffset: offset } = slot
    try {
      const { isolation } = this
      slot.read = await this.#context.log.read({
        topic: topic!,
        partition,
        offset,
        maxBytes,
        enoughBytes: this.#request.minBytes,
        atLeastOneBatch,
        isolation,
        loans: this.loans,
      })
      this.#bytes += sumOf(slot.read.batches, batch => batch.length)
    } catch (error) {
      slot.errorCode = errorCodeOf(error, this.#context.logger)
    }
  }
}

function sumOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0)
}
