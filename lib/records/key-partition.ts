/** The partition of a key, as the default partitioner of Kafka's Java client chooses it: murmur2 of the key's bytes. */

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
