/** The partition of a key, as the default partitioner of Kafka's Java client chooses it: murmur2 of the key's bytes. */

const SEED = 0x9747b28c
const MULTIPLIER = 0x5bd1e995

export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

function murmur2(bytes: Uint8Array): number {
  const { length } = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const rest = length & ~3
  let hash = SEED ^ length
  for (let i = 0; i < rest; i += 4) {
    let word = Math.imul(view.getInt32(i, true), MULTIPLIER)
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER)
    hash = Math.imul(hash, MULTIPLIER) ^ word
  }
  if (rest < length) {
    for (let i = length - 1; i >= rest; i--) hash ^= bytes[i]! << (8 * (i - rest))
    hash = Math.imul(hash, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}
