import { crc32c } from '@node-rs/crc32'
import { type BatchView, POSITION } from './batch-view.ts'

/** The CRC-32C that belongs into the header of `batch`: one native pass, no copy. */
export function checksumOf(batch: Buffer): number {
  return crc32c(batch.subarray(POSITION.attributes))
}

/**
 * The CRC-32C of bytes with the CRC-32C `before` and the batch after them. The batch's own, which must be right, says already what its
 * records add, so nobody looks at them again.
 */
export function checksumWith(before: number, { bytes, crc }: BatchView): number {
  const withHeader = crc32c(bytes.subarray(0, POSITION.attributes), before)
  return (multiply(shiftBy(bytes.length - POSITION.attributes), withHeader) ^ crc) >>> 0
}

// CRCs are remainders of polynomials over GF(2): bytes that follow multiply what came before by a power of x. This is how zlib's
// crc32_combine does it. The highest bit is x^0.

const POLYNOMIAL = 0x82f63b78
const ONE = 0x80000000
/** x^(8 · 2^k) for each k. */
const POWERS: number[] = []
/** Batches of a client are often equally long; as many lengths are kept. */
const SHIFTS_MAX = 256
const shifts = new Map<number, number>()

/** x^(8 · length): what `length` bytes multiply by. */
function shiftBy(length: number): number {
  let shift = shifts.get(length)
  if (shift !== undefined) return shift
  shift = ONE
  for (let rest = length, k = 0; rest > 0; rest = Math.floor(rest / 2), k++) {
    POWERS[k] ??= k === 0 ? ONE >>> 8 : multiply(POWERS[k - 1]!, POWERS[k - 1]!)
    if (rest % 2 === 1) shift = multiply(POWERS[k]!, shift)
  }
  if (shifts.size >= SHIFTS_MAX) shifts.clear()
  shifts.set(length, shift)
  return shift
}

/** The product of two polynomials, modulo that of CRC-32C. */
function multiply(a: number, b: number): number {
  let product = 0
  let power = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= power
    power = (power & 1) !== 0 ? (power >>> 1) ^ POLYNOMIAL : power >>> 1
  }
  return product >>> 0
}
