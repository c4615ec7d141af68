const SLAB_BYTES = 65_536
const POOLED_BYTES_MAX = 4_096

let slab = new Uint8Array(SLAB_BYTES)
let used = 0

/** A copy of its own, out of a pool: an ArrayBuffer for each of the many small values is most of the cost of copying. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length > POOLED_BYTES_MAX) return Uint8Array.from(bytes)
  if (used + bytes.length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES)
    used = 0
  }
  const copy = new Uint8Array(slab.buffer, used, bytes.length)
  used += bytes.length
  copy.set(bytes)
  return copy
}
