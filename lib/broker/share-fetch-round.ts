/** One ShareFetch's partitions: acquires what there is, or waits until there is enough or the time is over. */
import { LogError, type Topic } from '../log/index.ts'
import type { Acquired, Place, ShareSession } from '../share/index.ts'
import { isHere } from './coordination.ts'
import { errorCodes, errorMessageOf } from './errors.ts'
import type { RequestContext } from './handler.ts'
import { partitionErrorOf } from './share-acknowledgements.ts'
import { lookUpTopic } from './topic-lookup.ts'

export interface ShareFetchLimits {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxRecords: number
  /** Never more than `maxRecords`; else to the end of a record batch. */
  readonly strict: boolean
}

/** What became of one partition. */
export interface SharePart extends Place {
  readonly topic: Topic | undefined
  errorCode: number
  errorMessage: string | null
  acquired: Acquired | undefined
  bytes: number
  waitFrom: number | undefined
}

export class ShareFetchRound {
  readonly parts: readonly SharePart[]
  readonly #session: ShareSession
  readonly #limits: ShareFetchLimits
  readonly #context: RequestContext
  readonly #signal: AbortSignal

  constructor(parts: readonly SharePart[], session: ShareSession, limits: ShareFetchLimits, context: RequestContext) {
    this.parts = parts
    this.#session = session
    this.#limits = limits
    this.#context = context
    this.#signal = AbortSignal.any([session.signal, context.signal])
  }

  static async of(session: ShareSession, limits: ShareFetchLimits, context: RequestContext): Promise<ShareFetchRound> {
    const parts = await Promise.all([...session.partitions.values()].map(place => findPart(place, context)))
    return new ShareFetchRound(parts, session, limits, context)
  }

  async acquireOrWait(): Promise<void> {
    const { clock, letNextBegin, shares, memory, config } = this.#context
    const deadline = clock.monotonic() + this.#limits.maxWaitMs
    const bytesMax = Math.min(this.#limits.maxBytes, config.fetchBytesMax)
    for (;;) {
      const there = await this.#look()
      const leftMs = deadline - clock.monotonic()
      const isOver = leftMs <= 0 || this.#signal.aborted
      if (there > 0 && (there >= this.#limits.minBytes || isOver)) {
        const reserved = memory.reserve(bytesMax)
        if (reserved > 0 && (await this.#acquire(reserved)) > 0) return
        memory.release(reserved)
      }
      if (isOver || this.parts.length === 0 || this.parts.some(({ errorCode }) => errorCode !== 0)) return
      letNextBegin()
      const waiting = this.parts.map(({ topic, partition, waitFrom }) => ({
        topic: topic!,
        partition,
        ...(waitFrom === undefined ? {} : { waitFrom }),
      }))
      const room = there > 0 ? memory.room() : undefined
      const woken = new AbortController()
      void room?.then(() => woken.abort())
      await shares.records.waitForRecords(
        this.#session.groupId,
        waiting,
        leftMs,
        AbortSignal.any([this.#signal, woken.signal]),
      )
    }
  }

  /** About how many bytes can be acquired, counted to `minBytes`. */
  async #look(): Promise<number> {
    const { shares } = this.#context
    const bytes = await Promise.all(
      this.parts.map(part =>
        this.#try(part, async () => {
          const seen = await shares.records.look(
            this.#session,
            { topic: part.topic!, partition: part.partition },
            this.#limits.minBytes,
          )
          part.bytes = seen.bytes
          part.waitFrom = seen.waitFrom
          return seen.bytes
        }),
      ),
    )
    return bytes.reduce((sum, some) => sum + some, 0)
  }

  /** How many bytes were acquired. */
  async #acquire(bytesMax: number): Promise<number> {
    let recordsLeft = this.#limits.maxRecords
    let bytesLeft = bytesMax
    let bytes = 0
    // From where a request begins differs, so that no partition is always the last.
    const from = this.#session.epoch % Math.max(1, this.parts.length)
    for (const part of [...this.parts.slice(from), ...this.parts.slice(0, from)]) {
      if (part.errorCode !== 0 || part.bytes === 0 || recordsLeft <= 0 || bytesLeft <= 0) continue
      bytes += await this.#try(part, async () => {
        const { topic, partition } = part
        const { groupId, memberId, number: session } = this.#session
        const { strict } = this.#limits
        const acquired = await this.#context.shares.records.acquire({
          ...{ groupId, memberId, session, topic: topic!, partition, strict },
          ...{ recordsMax: recordsLeft, bytesMax: bytesLeft, signal: this.#signal },
        })
        part.acquired = acquired
        recordsLeft -= acquired.spans.reduce((sum, { first, last }) => sum + last - first + 1, 0)
        const length = acquired.batches.reduce((sum, batch) => sum + batch.length, 0)
        bytesLeft -= length
        return length
      })
    }
    return bytes
  }

  /** 0 where the partition is refused. */
  async #try(part: SharePart, work: () => Promise<number>): Promise<number> {
    if (part.errorCode !== 0) return 0
    try {
      return await work()
    } catch (error) {
      part.errorCode =
        error instanceof LogError && error.code === 'UNKNOWN_TOPIC'
          ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION
          : partitionErrorOf(error, this.#context)
      part.errorMessage = errorMessageOf(error)
      return 0
    }
  }
}

/** One gateway serves a share partition while all agree, so that its members meet in one memory. */
async function findPart(place: Place, context: RequestContext): Promise<SharePart> {
  const topic = await lookUpTopic({ id: place.topicId }, context)
  const part = { ...place, errorMessage: null, acquired: undefined, bytes: 0, waitFrom: undefined }
  if (typeof topic === 'number') return { ...part, topic: undefined, errorCode: topic }
  const { partition } = place
  if (partition < 0 || partition >= topic.partitions) {
    return { ...part, topic, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION }
  }
  const leader = context.cluster.leaderOf(topic.id, Math.floor(partition / topic.shardSize))
  const errorCode = isHere(leader, context.cluster) ? 0 : errorCodes.NOT_LEADER_OR_FOLLOWER
  return { ...part, topic, errorCode }
}
