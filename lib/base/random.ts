import { randomFillSync } from 'node:crypto'

/** Randomness, as an argument, so that a simulation can draw it from one seed. */
export interface Random {
  bytes(length: number): Uint8Array
}

/** Drawn from the system at once: a draw of a few bytes costs as much as one of these. */
const POOL_BYTES = 4_096

const pool = { bytes: new Uint8Array(POOL_BYTES), used: POOL_BYTES }

/** No byte is given twice. */
export const systemRandom: Random = {
  bytes: length => {
    if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length))
    if (pool.used + length > POOL_BYTES) {
      randomFillSync(pool.bytes)
      pool.used = 0
    }
    const from = pool.used
    pool.used += length
    const drawn = pool.bytes.slice(from, pool.used)
    pool.bytes.fill(0, from, pool.used)
    return drawn
  },
}

/** A uniform integer in [1, 2^53): the version token of an item, never 0. */
export function drawToken(random: Random): number {
  const bytes = random.bytes(7)
  let token = bytes[0]! & 0x1f
  for (let i = 1; i < 7; i++) token = token * 256 + bytes[i]!
  return token === 0 ? 1 : token
}

/** A uniform number in [0, 1). */
export function drawFraction(random: Random): number {
  return (drawToken(random) - 1) / 2 ** 53
}

/** A random (version 4) UUID as 16 bytes. */
export function drawUuid(random: Random): Uint8Array {
  const bytes = random.bytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes
}
