/**
 * Which partition a record goes to that does not say: keyed records by Kafka's murmur2, so that they land where Kafka's
 * clients would put them; keyless ones stick to one partition until it has had a batch, then go on to another
 * (KIP-480, KIP-794).
 */
import { drawFraction, type Random } from '../../base/index.ts'

/** Kafka's batch.size: how much goes to one partition before the next. */
const STICKY_BYTES = 16 * 1_024
const TOPICS_MAX = 10_000

export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** MurmurHash2 with the seed of Kafka's Utils.murmur2; a signed 32-bit integer. */
export function murmur2(data: Uint8Array): number {
  const m = 0x5bd1e995
  const { length } = data
  let h = 0x9747b28c ^ length
  const end = length - (length % 4)
  for (let i = 0; i < end; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const rest = length - end
  if (rest === 3) h ^= data[end + 2]! << 16
  if (rest >= 2) h ^= data[end + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ data[end]!, m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

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
