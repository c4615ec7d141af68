/**
 * What became of a claimed batch. The log knows: its producer's last sequence in the partition is at or past the claim's, or
 * not. If not, the claimer may be dead, frozen, or about to append, so the producer is fenced in that partition before the claim
 * is called dead:
 *
 * 1. read the partition's end, then the producer's state: a batch that is not there by now can only come at or after that end;
 * 2. store both (if nobody has), so that whoever resumes knows where to look;
 * 3. fence: a marker raises the producer's epoch, and what it sends after that is refused;
 * 4. look for its batches between the stored end and the marker, and store the last sequence found: for ever the truth.
 *
 * A crash after any step is resumed by the next delivery. Two that resolve at once store the same answer.
 */
import {
  ByteReader,
  ByteWriter,
  type Clock,
  CorruptDataError,
  checkFormat,
  drawToken,
  type Random,
} from '../base/index.ts'
import { type Log, LogError, type Topic } from '../log/index.ts'
import { splitBatches } from '../records/index.ts'
import type { Item, ItemKey, ItemStore } from '../storage/index.ts'
import type { Claim } from './claim.ts'

export const FENCES_PK = 'ingest/fences'
const FORMAT_VERSION = 1
/** A claimer never uses another epoch but 0; the fence is its producer's only transaction. */
const FENCED_EPOCH = 1
const FENCE_TIMEOUT_MS = 20_000
const SCAN_BYTES_MAX = 1_024 * 1_024
/** How often retention may overtake a scan. */
const SCAN_ATTEMPTS_MAX = 5
const KNOWN_MAX = 10_000

export interface Fence {
  /** Where the partition ended before the fence. */
  readonly from: number
  /** Last sequence of the producer that was there; -1: none. Final once `resolved`. */
  readonly lastSequence: number
  readonly resolved: boolean
  /** Ms since 1970. */
  readonly fencedAt: number
}

export interface FatesParts {
  readonly log: Log
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export class Fates {
  readonly #parts: FatesParts
  /** Last sequence known to be in the log, of each producer and partition. */
  readonly #landed = new Map<string, number>()
  /** The same, final: nothing of the producer comes after it. */
  readonly #final = new Map<string, number>()

  constructor(parts: FatesParts) {
    this.#parts = parts
  }

  /** This process had the answer to its append. */
  noteLanded({ producerId, topicId, partition, lastSequence }: Omit<Claim, 'records' | 'claimedAt'>): void {
    this.#note(this.#landed, `${producerId}/${topicId}/${partition}`, lastSequence)
  }

  /** True: its batch is in the log. False: it is not, and never will be. @throws LogError, StoreError */
  async hasLanded(claim: Claim): Promise<boolean> {
    const name = `${claim.producerId}/${claim.topicId}/${claim.partition}`
    if ((this.#landed.get(name) ?? -1) >= claim.lastSequence) return true
    const final = this.#final.get(name)
    if (final !== undefined) return final >= claim.lastSequence
    const topic = await this.#parts.log.topics.find({ id: claim.topicId })
    // With the topic went its records: what it held of the source may come again.
    if (!topic || claim.partition >= topic.partitions) return false
    const end = await this.#parts.log.findOffset(topic, claim.partition, {
      at: 'latest',
      isolation: 'read_uncommitted',
    })
    const { epoch, lastSequence } = await this.#stateOf(topic, claim)
    this.#note(this.#landed, name, lastSequence)
    if (lastSequence >= claim.lastSequence) return true
    const last = await this.#fence(
      topic,
      claim,
      { from: end.offset, lastSequence, resolved: false, fencedAt: 0 },
      epoch,
    )
    this.#note(this.#final, name, last)
    return last >= claim.lastSequence
  }

  async #stateOf(topic: Topic, { partition, producerId }: Claim): Promise<{ epoch: number; lastSequence: number }> {
    const producers = await this.#parts.log.activeProducers(topic, partition)
    const state = producers.find(producer => producer.producerId === producerId)
    return { epoch: state?.producerEpoch ?? 0, lastSequence: state?.producerEpoch === 0 ? state.lastSequence : -1 }
  }

  /** The last sequence that the producer ever appended. */
  async #fence(topic: Topic, claim: Claim, found: Fence, epoch: number): Promise<number> {
    const key = fenceKey(claim)
    const stored = await this.#storedFence(key, found)
    if (stored.fence.resolved) return stored.fence.lastSequence
    const { partition, producerId } = claim
    if (epoch < FENCED_EPOCH) {
      await this.#parts.log.endTransaction({
        topic,
        partition,
        producerId,
        producerEpoch: FENCED_EPOCH,
        transaction: FENCED_EPOCH,
        // Not an abort: readers of committed records would be told of one.
        outcome: 'commit',
        timeoutMs: FENCE_TIMEOUT_MS,
      })
    }
    const scanned = await this.#scan(topic, claim, stored.fence.from)
    const lastSequence = Math.max(stored.fence.lastSequence, scanned)
    const resolved = { ...stored.fence, lastSequence, resolved: true }
    // Whoever is in the way found the same.
    await this.#put(key, stored.item.version, resolved)
    return lastSequence
  }

  async #storedFence(key: ItemKey, found: Fence): Promise<{ fence: Fence; item: Item }> {
    const there = await this.#parts.items.get(key)
    if (there) return { fence: decodeFence(there.value), item: there }
    const fence = { ...found, fencedAt: this.#parts.clock.now() }
    const conflict = await this.#put(key, 'absent', fence)
    if (typeof conflict === 'number') return { fence, item: { key, version: conflict, value: encodeFence(fence) } }
    if (conflict) return { fence: decodeFence(conflict.value), item: conflict }
    throw new CorruptDataError(`the fence ${key.sk} is gone`)
  }

  /** The new version, or what is in the way. */
  async #put(key: ItemKey, expected: number | 'absent', fence: Fence): Promise<number | Item | undefined> {
    const version = drawToken(this.#parts.random)
    const value = encodeFence(fence)
    const outcome = await this.#parts.items.write([{ kind: 'put', key, expected, version, value }])
    return outcome.written ? version : outcome.conflicts[0]?.item
  }

  /**
   * From `from` to the fence, of what is left of that. Whoever resumes days later may find that retention, or a deletion of records,
   * has taken a part. A batch that is not to be found any more counts as one that never came: its records are stored again, so that
   * none is lost, and readers from the start still see each once.
   */
  async #scan(topic: Topic, claim: Claim, from: number): Promise<number> {
    const { log } = this.#parts
    for (let attempt = 0; ; attempt++) {
      const { offset: start } = await log.findOffset(topic, claim.partition, { at: 'earliest' })
      try {
        return await this.#scanFrom(topic, claim, Math.max(from, start))
      } catch (error) {
        const overtaken = error instanceof LogError && error.code === 'OFFSET_OUT_OF_RANGE'
        if (!overtaken || attempt >= SCAN_ATTEMPTS_MAX) throw error
      }
    }
  }

  async #scanFrom(topic: Topic, { partition, producerId }: Claim, from: number): Promise<number> {
    const limits = { maxBytes: SCAN_BYTES_MAX, atLeastOneBatch: true, isolation: 'read_uncommitted' } as const
    let last = -1
    for (let offset = from; ; ) {
      const { batches } = await this.#parts.log.read({ topic, partition, offset, ...limits })
      // Only an empty answer is sure to be the end.
      if (batches.length === 0) return last
      for (const batch of batches.flatMap(bytes => splitBatches(bytes))) {
        offset = batch.baseOffset + batch.lastOffsetDelta + 1
        if (batch.producerId !== producerId) continue
        if (batch.isControl) return last
        last = Math.max(last, batch.baseSequence + batch.lastOffsetDelta)
      }
    }
  }

  #note(map: Map<string, number>, name: string, sequence: number): void {
    map.set(name, Math.max(sequence, map.get(name) ?? -1))
    if (map.size > KNOWN_MAX) map.delete(map.keys().next().value!)
  }
}

export function fenceKey({ producerId, topicId, partition }: Claim): ItemKey {
  return { pk: FENCES_PK, sk: `${producerId}#${topicId}#${partition}` }
}

export function fenceTime(value: Uint8Array): number {
  return decodeFence(value).fencedAt
}

export function encodeFence({ from, lastSequence, resolved, fencedAt }: Fence): Uint8Array {
  const writer = new ByteWriter(32).uint8(FORMAT_VERSION).uint(from).int(lastSequence)
  return writer
    .uint8(resolved ? 1 : 0)
    .uint(fencedAt)
    .finish()
}

/** @throws CorruptDataError */
export function decodeFence(bytes: Uint8Array): Fence {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('fence', version, FORMAT_VERSION)
  return { from: reader.uint(), lastSequence: reader.int(), resolved: reader.uint8() === 1, fencedAt: reader.uint() }
}
