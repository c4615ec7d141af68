import type { Random } from '../../../lib/base/index.ts'

/**
 * Seeded randomness (sfc32). Every use in a simulation has a stream of its own, derived from the seed and a label, so
 * that leaving one actor or one fault out while shrinking does not change what all the others draw.
 */
export class Rng implements Random {
  #a: number
  #b: number
  #c: number
  #d = 1

  constructor(...labels: readonly (number | string)[]) {
    let hash = 0x9e3779b9
    for (const label of labels) {
      const text = typeof label === 'string' ? label : `#${label}`
      for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
      hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
      hash ^= hash >>> 13
    }
    this.#a = hash
    this.#b = Math.imul(hash, 0xc2b2ae35) ^ labels.length
    this.#c = Math.imul(hash ^ 0x27d4eb2f, 0x165667b1)
    for (let i = 0; i < 12; i++) this.uint32()
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000
  }

  /** A uniform integer in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.fraction() * bound)
  }

  /** A uniform integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** Between `low` and `high` with every order of magnitude as likely as the next; low > 0. */
  spread(low: number, high: number): number {
    return low * (high / low) ** this.fraction()
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[this.below(from.length)]
    if (chosen === undefined) throw new RangeError('nothing to pick from')
    return chosen
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i += 4) {
      const word = this.uint32()
      for (let j = i; j < i + 4 && j < length; j++) bytes[j] = word >>> ((j - i) * 8)
    }
    return bytes
  }
}
