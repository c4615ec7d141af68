/**
 * Sends one partition's records to a subscription's target, in order, one delivery at a time. Races, and what holds:
 * - It dies after a delivery and before the checkpoint: the next one delivers again (at least once).
 * - Another process delivers too (a lease ran out in a freeze): both deliver, one's checkpoint loses the compare-and-swap,
 *   and that one stops (`lost`) and reads again.
 * - The subscription is deleted or paused meanwhile: what was sent is sent; a first checkpoint checks the document, later
 *   ones find theirs gone.
 * - Retention takes what was not delivered yet: it goes on at what is there, and says so in the log.
 */
import { type Clock, drawToken, type Logger, type Random } from '../base/index.ts'
import { type Log, LogError, readPage, type Topic } from '../log/index.ts'
import { type BatchRecord, buildBatch } from '../records/index.ts'
import { type Expected, type ItemStore, StoreError, type WriteOperation } from '../storage/index.ts'
import {
  afterFailure,
  afterPart,
  afterSuccess,
  backoffMs,
  type Checkpoint,
  checkpointKey,
  decodeCheckpoint,
  encodeCheckpoint,
  startAt,
} from './checkpoint.ts'
import type { Delivery, PushBatch, RecordFormat, Subscription, Target } from './contract.ts'
import { type CompiledPattern, compilePattern } from './event-pattern.ts'
import { subscriptionKey } from './subscription-item.ts'
import type { StoredSubscription } from './subscriptions.ts'

export interface PartitionPusherParts {
  readonly items: ItemStore
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Asked for with the first delivery. */
  readonly loadFormat: () => Promise<RecordFormat>
}

/** Records looked at in a row that match no pattern; then the checkpoint moves. */
const PASSED_OVER_MAX = 10_000
const PAGE_RECORDS_MAX = 1_000
const APPEND_TIMEOUT_MS = 30_000
const RECORD_OVERHEAD_BYTES = 32

/** `idle`: everything was sent. `lost`: somebody else moves the checkpoint, or it is deleted. `waiting`: after a failure, for so many ms more. */
export type Pumped =
  | { readonly status: 'idle'; readonly offset: number }
  | { readonly status: 'lost' | 'ended' }
  | { readonly status: 'waiting'; readonly ms: number }

export interface PumpBounds {
  readonly signal: AbortSignal
  /** No delivery begins after this, and no pause lasts longer; monotonic, ms. */
  readonly until: number
  /** For how long more records are waited for before it is idle, in ms. */
  readonly lingerMs: number
}

interface Gathered {
  readonly records: readonly BatchRecord[]
  /** The offset after what was looked at. */
  readonly next: number
}

interface Known {
  readonly checkpoint: Checkpoint
  readonly version: Expected
}

export class PartitionPusher {
  readonly #parts: PartitionPusherParts
  readonly #stored: StoredSubscription
  readonly #topic: Topic
  readonly #partition: number
  readonly #target: Target
  readonly #patterns: readonly CompiledPattern[]
  #format: RecordFormat | undefined

  constructor(
    parts: PartitionPusherParts,
    {
      stored,
      topic,
      partition,
      target,
    }: { stored: StoredSubscription; topic: Topic; partition: number; target: Target },
  ) {
    this.#parts = parts
    this.#stored = stored
    this.#topic = topic
    this.#partition = partition
    this.#target = target
    this.#patterns = stored.subscription.patterns.map(compilePattern)
  }

  /** Where it stands, as stored. @throws StoreError, CorruptDataError */
  async position(): Promise<number> {
    return (await this.#load()).checkpoint.offset
  }

  /** Whether the subscription is as it was when this began. @throws StoreError */
  async isCurrent(): Promise<boolean> {
    const item = await this.#parts.items.get(subscriptionKey(this.#subscription.name))
    return item?.version === this.#stored.version
  }

  /** @throws LogError UNKNOWN_TOPIC, StoreError, CorruptDataError */
  async pump({ signal, until, lingerMs }: PumpBounds): Promise<Pumped> {
    const { clock, log } = this.#parts
    this.#format ??= await this.#parts.loadFormat()
    let known = await this.#load()
    // Without a checkpoint it begins at the first record: not where the subscription was deleted meanwhile.
    if (known.version === 'absent' && !(await this.isCurrent())) return { status: 'lost' }
    let pauseMs = this.#leftOfPause(known.checkpoint)
    for (;;) {
      if (pauseMs > 0) {
        if (clock.monotonic() + pauseMs > until) return { status: 'waiting', ms: pauseMs }
        await clock.sleep(pauseMs, signal)
        pauseMs = 0
      }
      if (signal.aborted || clock.monotonic() >= until) return { status: 'ended' }
      const gathered = await this.#gather(known.checkpoint, { signal, until })
      const { next } = gathered
      if (gathered.records.length === 0) {
        if (next > known.checkpoint.offset) {
          const moved = await this.#store(known, { ...startAt(next), limit: known.checkpoint.limit })
          if (!moved) return { status: 'lost' }
          known = moved
          continue
        }
        const waitMs = Math.min(lingerMs, until - clock.monotonic())
        const place = { topic: this.#topic, partition: this.#partition, offset: next }
        if (waitMs > 0) await log.waitForRecords([place], waitMs, signal)
        if (waitMs <= 0 || (await this.#isAtEnd(next))) return { status: 'idle', offset: next }
        continue
      }
      const batch = this.#batchOf(gathered.records)
      const delivery = await this.#target.deliver(batch, signal)
      if (signal.aborted && delivery.outcome === 'failed') return { status: 'ended' }
      const left = gathered.records[batch.records.length]
      const after = await this.#judge(known.checkpoint, batch.records, left?.offset ?? next, delivery)
      const stored = await this.#store(known, after.checkpoint)
      if (!stored) return { status: 'lost' }
      known = stored
      pauseMs = after.pauseMs
    }
  }

  /** Another process's failure is judged by wall clocks, which may be wrong: never longer than the whole pause. */
  #leftOfPause(checkpoint: Checkpoint): number {
    const pause = backoffMs(checkpoint)
    return Math.min(pause, Math.max(0, checkpoint.failedAt + pause - this.#parts.clock.now()))
  }

  async #judge(
    checkpoint: Checkpoint,
    records: readonly BatchRecord[],
    next: number,
    delivery: Delivery,
  ): Promise<{ checkpoint: Checkpoint; pauseMs: number }> {
    const { policy, name } = this.#stored.subscription
    if (delivery.outcome === 'delivered') return { checkpoint: afterSuccess(checkpoint, next, policy), pauseMs: 0 }
    const { reason, from = 0, retryAfterMs = 0 } = delivery
    const rest = records.filter(({ offset }) => offset >= from)
    if (rest.length === 0) return { checkpoint: afterSuccess(checkpoint, next, policy), pauseMs: 0 }
    const begin = rest.length < records.length ? afterPart(checkpoint, rest[0]!.offset) : checkpoint
    const where = { subscription: name, partition: this.#partition, offset: rest[0]!.offset }
    const failure = { records: rest.length, reason, now: this.#parts.clock.now() }
    const failed = afterFailure(begin, failure, policy)
    this.#parts.logger.warn('a delivery failed', {
      ...where,
      failures: failed.checkpoint.failures,
      reason: failed.checkpoint.reason,
    })
    if (failed.givesUp && (await this.#setAside(rest[0]!, failed.checkpoint))) {
      this.#parts.logger.warn('a record was given up', where)
      return { checkpoint: afterPart(begin, rest[0]!.offset + 1), pauseMs: 0 }
    }
    return { checkpoint: failed.checkpoint, pauseMs: Math.max(backoffMs(failed.checkpoint), retryAfterMs) }
  }

  /** Into the dead-letter topic, with where it came from and why. False: it could not be. */
  async #setAside(record: BatchRecord, { failures, reason }: Checkpoint): Promise<boolean> {
    const { log, logger } = this.#parts
    const { policy, name, topic } = this.#stored.subscription
    if (policy.deadLetterTopic === undefined) return true
    const facts = { subscription: name, topic, partition: this.#partition, offset: record.offset, failures, reason }
    const headers = [
      ...record.headers,
      ...Object.entries(facts).map(([key, value]) => ({ key: `varve-push-${key}`, value: Buffer.from(String(value)) })),
    ]
    try {
      const target = await log.topics.find({ name: policy.deadLetterTopic })
      if (!target) throw new LogError('UNKNOWN_TOPIC', `there is no topic ${policy.deadLetterTopic}`)
      const { key, value, timestamp } = record
      const batch = buildBatch({ records: [{ key, value, headers, timestamp }] })
      const partition = this.#partition % target.partitions
      await log.append({ topic: target, partition, batch, timeoutMs: APPEND_TIMEOUT_MS })
      return true
    } catch (error) {
      if (!(error instanceof LogError || error instanceof StoreError)) throw error
      logger.error('a dead letter could not be stored', { ...facts, error: String(error) })
      return false
    }
  }

  /** The next delivery's records: waits for more, up to the window, once there is a first. */
  async #gather(checkpoint: Checkpoint, bounds: { signal: AbortSignal; until: number }): Promise<Gathered> {
    const { log, clock } = this.#parts
    const { policy } = this.#stored.subscription
    const recordsMax = checkpoint.limit ?? policy.recordsMax
    const records: BatchRecord[] = []
    let bytes = 0
    let next = checkpoint.offset
    let windowEnds = Number.POSITIVE_INFINITY
    while (next - checkpoint.offset < PASSED_OVER_MAX || records.length > 0) {
      const page = await this.#page(next)
      for (const record of page.records) {
        if (this.#matches(record)) {
          const size = sizeOf(record)
          if (records.length > 0 && bytes + size > policy.bytesMax) return { records, next: record.offset }
          if (records.length === 0) windowEnds = clock.monotonic() + policy.windowMs
          records.push(record)
          bytes += size
          if (records.length === recordsMax) return { records, next: record.offset + 1 }
        }
      }
      if (page.next > next) {
        next = page.next
        continue
      }
      const leftMs = Math.min(windowEnds, bounds.until) - clock.monotonic()
      if (records.length === 0 || leftMs <= 0 || bounds.signal.aborted) break
      await log.waitForRecords(
        [{ topic: this.#topic, partition: this.#partition, offset: next }],
        leftMs,
        bounds.signal,
      )
    }
    return { records, next }
  }

  async #page(offset: number): Promise<{ records: readonly BatchRecord[]; next: number }> {
    const { log, logger } = this.#parts
    const place = { topic: this.#topic, partition: this.#partition }
    const { bytesMax } = this.#stored.subscription.policy
    try {
      const bounds = { recordsMax: PAGE_RECORDS_MAX, bytesMax, isolation: 'read_committed' } as const
      const page = await readPage(log, { ...place, offset, ...bounds })
      return { records: page.records, next: page.nextOffset }
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'OFFSET_OUT_OF_RANGE') throw error
      const { offset: start } = await log.findOffset(this.#topic, this.#partition, { at: 'earliest' })
      if (start <= offset) return { records: [], next: offset }
      const { name } = this.#stored.subscription
      logger.warn('records were gone before they were sent', {
        subscription: name,
        partition: this.#partition,
        offset,
        start,
      })
      return { records: [], next: start }
    }
  }

  async #isAtEnd(offset: number): Promise<boolean> {
    return (await this.#page(offset)).next === offset
  }

  #matches(record: BatchRecord): boolean {
    if (this.#patterns.length === 0) return true
    const event = JSON.parse(this.#lineOf(record))
    const headers = Object.fromEntries(record.headers.map(({ key, value }) => [key, value?.toString() ?? null]))
    const { topic } = this.#stored.subscription
    return this.#patterns.some(matches => matches({ ...event, topic, headers }))
  }

  #lineOf(record: BatchRecord): string {
    return this.#format!(record, { partition: this.#partition })
  }

  /** Of the first of them, as many as the target takes in a call. */
  #batchOf(gathered: readonly BatchRecord[]): PushBatch {
    const { name, topic } = this.#stored.subscription
    const factsOf = (last: BatchRecord) =>
      JSON.stringify({
        subscription: name,
        topic,
        partition: this.#partition,
        firstOffset: gathered[0]!.offset,
        lastOffset: last.offset,
      }).slice(0, -1)
    const all = gathered.map(record => this.#lineOf(record))
    const around = Buffer.byteLength(`${factsOf(gathered.at(-1)!)},"records":[]}`)
    const lines = fitting(all, (this.#target.bodyBytesMax ?? Number.POSITIVE_INFINITY) - around)
    const records = gathered.slice(0, lines.length)
    const body = `${factsOf(records.at(-1)!)},"records":[${lines.join(',')}]}`
    return { subscription: name, topic, partition: this.#partition, records, lines, body }
  }

  // ---------------------------------------------------------------- the checkpoint

  get #subscription(): Subscription {
    return this.#stored.subscription
  }

  get #key() {
    return checkpointKey(this.#subscription.id, this.#topic.id, this.#partition)
  }

  async #load(): Promise<Known> {
    const item = await this.#parts.items.get(this.#key)
    if (item) return { checkpoint: decodeCheckpoint(item.value), version: item.version }
    const { offset } = await this.#parts.log.findOffset(this.#topic, this.#partition, { at: 'earliest' })
    return { checkpoint: startAt(offset), version: 'absent' }
  }

  /** undefined: somebody else moved it, or the subscription is gone. @throws StoreError */
  async #store({ version: expected }: Known, checkpoint: Checkpoint): Promise<Known | undefined> {
    const { items, random } = this.#parts
    const version = drawToken(random)
    const value = encodeCheckpoint(checkpoint)
    const put: WriteOperation = { kind: 'put', key: this.#key, expected, version, value }
    const { name } = this.#subscription
    const document: WriteOperation = { kind: 'check', key: subscriptionKey(name), expected: this.#stored.version }
    try {
      const outcome = await items.write(expected === 'absent' ? [put, document] : [put])
      return outcome.written ? { checkpoint, version } : undefined
    } catch (error) {
      if (!(error instanceof StoreError) || error.effect === 'none') throw error
      if ((await items.get(this.#key))?.version === version) return { checkpoint, version }
      throw error
    }
  }
}

function sizeOf({ key, value, headers }: BatchRecord): number {
  const ofHeaders = headers.reduce((sum, header) => sum + header.key.length + (header.value?.length ?? 0), 0)
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders
}

/** The first of the lines that have so many bytes with commas between them, and one at least. */
function fitting(lines: readonly string[], bytesMax: number): readonly string[] {
  let bytes = 0
  for (const [index, line] of lines.entries()) {
    bytes += Buffer.byteLength(line) + (index > 0 ? 1 : 0)
    if (bytes > bytesMax && index > 0) return lines.slice(0, index)
  }
  return lines
}
