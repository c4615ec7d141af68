/**
 * Which partition a record goes to that has no key and does not say: records stick to one partition until it has had a batch,
 * then go on to another (KIP-480, KIP-794).
 */
import { drawFraction, type Random } from '../../base/index.ts'

/** Kafka's batch.size: how much goes to one partition before the next. */
const STICKY_BYTES = 16 * 1_024
const TOPICS_MAX = 10_000

export class StickyPartitions {
  readonly #random: Random
  readonly #topics = new Map<string, { partition: number; bytes: number }>()

  constructor(random: Random) {
    this.#random = random
  }

  /** For a keyless record of so many bytes. */
  next(topicId: string, partitions: number, bytes: number): number {
    let sticky = this.#topics.get(topicId)
    if (!sticky || sticky.bytes >= STICKY_BYTES || sticky.partition >= partitions) {
      if (this.#topics.size >= TOPICS_MAX) this.#topics.clear()
      sticky = { partition: Math.floor(drawFraction(this.#random) * partitions), bytes: 0 }
      this.#topics.set(topicId, sticky)
    }
    sticky.bytes += bytes
    return sticky.partition
  }
}
