/**
 * Gathers appended batches of all partitions into segments. A segment is flushed when it is full, when the flush budget
 * allows, or when it has gathered long enough; the puts of several run in parallel. Each shard's committer gets its part
 * of a segment at the moment of the flush, so commits are made in the order of the appends, whichever put ends first.
 */
import { type Clock, totalLength } from '../../base/index.ts'
import { LogError } from '../errors.ts'
import type { SegmentId, SegmentIds } from '../segment/segment-id.ts'
import type { SegmentRef, SegmentStore } from '../segment/segment-store.ts'
import { type FlushBudget, GATHER_MS_MAX } from './flush-budget.ts'
import { Followers } from './followers.ts'
import { layOutSegment, type PendingBatch, type PendingCommit, type PlacedBatch } from './pending-segment.ts'

export interface BatcherParts {
  readonly segments: SegmentStore
  readonly segmentIds: SegmentIds
  readonly budget: FlushBudget
  readonly clock: Clock
  /** List price in dollars of a flush of so many bytes to so many shards. */
  readonly priceOfFlush: (bytes: number, shards: number) => number
  /** A segment is full at this many bytes of batches. */
  readonly segmentBytesMax: number
}

/** Puts under way at once: full ones, and those that do not wait to be full. */
const PUTS_MAX = 6
const EAGER_PUTS_MAX = 2
/** … where a put costs nothing. */
const FREE_EAGER_PUTS_MAX = 4
/** Bounds a commit's bytes: 100 KB even if each batch has a producer of its own. */
export const SEGMENT_BATCHES_MAX = 2_000
/** Bytes accepted and not yet answered. */
export const PENDING_BYTES_MAX = 256 * 1_024 * 1_024

export class Batcher {
  readonly #parts: BatcherParts
  #gathered: PendingBatch[] = []
  #gatheredBytes = 0
  /** When the oldest of them came, on the monotonic clock. */
  #gatheringSince = 0
  #pendingBytes = 0
  #puts = 0
  /** Of them, segments that go with their commit: while one does, the next gathers, for it could only wait. */
  #carried = 0
  readonly #followers: Followers
  #flushScheduled = false
  /** When the next look is due that nobody else's coming asks for; monotonic, ms. */
  #looksAt = Number.POSITIVE_INFINITY

  constructor(parts: BatcherParts) {
    this.#parts = parts
    this.#followers = new Followers(parts.clock)
  }

  /** Room for a batch on its way to `add`, until `release`. @throws LogError OVERLOADED */
  reserve(bytes: number): void {
    if (this.#pendingBytes + bytes > PENDING_BYTES_MAX) {
      throw new LogError('OVERLOADED', `${this.#pendingBytes} bytes are waiting to be stored`)
    }
    this.#pendingBytes += bytes
  }

  release(bytes: number): void {
    this.#pendingBytes -= bytes
  }

  add(batch: PendingBatch): void {
    if (this.#gathered.length === 0) this.#gatheringSince = this.#parts.clock.monotonic()
    this.#gathered.push(batch)
    this.#gatheredBytes += batch.batch.bytes.length
    this.#followers.came(batch.batch.producerId)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#gathered.length === 0 || this.#flushScheduled || this.#puts >= PUTS_MAX) return
    const eagerMax = this.#parts.budget.unlimited ? FREE_EAGER_PUTS_MAX : EAGER_PUTS_MAX
    if (!this.#isFull() && (this.#puts >= eagerMax || this.#carried > 0)) return
    const waitMs = this.#isFull() ? 0 : this.#waitMs()
    if (waitMs > 0) {
      this.#scheduleLater(waitMs)
      return
    }
    // Not at once: the other partitions of the same request come in the same turn.
    this.#flushScheduled = true
    void Promise.resolve().then(() => {
      this.#flushScheduled = false
      this.#flush()
    })
  }

  /** A sleep is not ended before its time: it costs less to look in vain. */
  #scheduleLater(waitMs: number): void {
    const looksAt = this.#parts.clock.monotonic() + waitMs
    if (this.#looksAt <= looksAt) return
    this.#looksAt = looksAt
    void this.#parts.clock.sleep(waitMs).then(() => {
      if (this.#looksAt === looksAt) this.#looksAt = Number.POSITIVE_INFINITY
      this.#schedule()
    })
  }

  #waitMs(): number {
    const gatherMsLeft = this.#gatheringSince + GATHER_MS_MAX - this.#parts.clock.monotonic()
    const count = this.#gathered.length
    // One batch more of the usual size must not make of an item an object.
    const followersMs = this.#parts.segments.mayBeCarried((this.#gatheredBytes / count) * (count + 1))
      ? this.#followers.waitMs()
      : 0
    return Math.min(Math.max(this.#parts.budget.waitMs(), followersMs), gatherMsLeft)
  }

  #isFull(): boolean {
    return this.#gatheredBytes >= this.#parts.segmentBytesMax || this.#gathered.length >= SEGMENT_BATCHES_MAX
  }

  #flush(): void {
    const batches = this.#take()
    if (batches.length === 0) return
    const { parts, placed } = layOutSegment(batches)
    const byShard = Map.groupBy(placed, ({ pending }) => pending.committer)
    this.#parts.budget.spend(this.#parts.priceOfFlush(bytesOf(batches), byShard.size))
    const id = this.#parts.segmentIds.next()
    if (byShard.size === 1 && this.#parts.segments.mayBeCarried(totalLength(parts))) {
      this.#carry(batches)
      batches[0]!.committer.enqueue(carriedCommit(id, placed, parts))
    } else {
      const stored = this.#underWay(this.#parts.segments.put(id, parts))
      for (const [committer, shardPlaced] of byShard) {
        committer.enqueue(pendingCommit(id, shardPlaced, stored, byShard.size === 1))
      }
    }
    this.#schedule()
  }

  /** The longest run of gathered batches that fits a segment; a batch larger than the mark is a segment of its own. */
  #take(): PendingBatch[] {
    let bytes = 0
    let count = 0
    while (count < this.#gathered.length && count < SEGMENT_BATCHES_MAX) {
      bytes += this.#gathered[count]!.batch.bytes.length
      if (count > 0 && bytes > this.#parts.segmentBytesMax) break
      count++
    }
    const taken = this.#gathered.slice(0, count)
    this.#gathered = this.#gathered.slice(count)
    this.#gatheredBytes -= bytesOf(taken)
    return taken
  }

  /** Until all of them have ended. */
  #carry(batches: readonly PendingBatch[]): void {
    this.#carried++
    this.#puts++
    let left = batches.length
    const ended = () => {
      if (--left > 0) return
      this.#carried--
      this.#puts--
      const producers = batches.map(({ batch }) => batch.producerId)
      this.#followers.expect(producers, this.#gathered.length)
      this.#schedule()
    }
    for (const { answer } of batches) answer.whenEnded(ended)
  }

  async #underWay<T>(put: Promise<T>): Promise<T> {
    this.#puts++
    try {
      return await put
    } finally {
      this.#puts--
      this.#schedule()
    }
  }
}

function carriedCommit(id: SegmentId, placed: readonly PlacedBatch[], carried: readonly Uint8Array[]): PendingCommit {
  const segment: SegmentRef = { id, medium: 'item' }
  return {
    id,
    formerIds: [],
    placed,
    alone: true,
    markers: [],
    segment,
    carried,
    failure: undefined,
    arrival: 0,
    attemptedInEpoch: undefined,
    stored: Promise.resolve(),
  }
}

function pendingCommit(
  id: SegmentId,
  placed: readonly PlacedBatch[],
  stored: Promise<SegmentRef>,
  alone: boolean,
): PendingCommit {
  const commit: PendingCommit = {
    id,
    formerIds: [],
    placed,
    alone,
    markers: [],
    segment: undefined,
    carried: undefined,
    failure: undefined,
    arrival: 0,
    attemptedInEpoch: undefined,
    stored: stored.then(
      segment => {
        commit.segment = segment
      },
      error => {
        commit.failure = error
      },
    ),
  }
  return commit
}

function bytesOf(batches: readonly PendingBatch[]): number {
  return batches.reduce((sum, { batch }) => sum + batch.bytes.length, 0)
}
