/**
 * The last offset of each key, for as many keys as fit a bounded memory: an open hash table over typed arrays, with 128 bits
 * of each key's SHA-256 in its place (two keys with the same 128 bits do not happen).
 */
import { hash } from 'node:crypto'

const WORDS = 4
/** Of the slots, so many are used at most: probes stay short. */
const FILL_MAX = 0.7

export class KeyOffsets {
  readonly #slots: number
  readonly #hashes: Uint32Array
  /** -1: free. */
  readonly #offsets: Float64Array
  #size = 0

  /** Room for `keysMax` keys; 34 bytes of memory each. */
  constructor(keysMax: number) {
    this.#slots = Math.ceil(keysMax / FILL_MAX) + 1
    this.#hashes = new Uint32Array(this.#slots * WORDS)
    this.#offsets = new Float64Array(this.#slots).fill(-1)
  }

  get size(): number {
    return this.#size
  }

  /** `offset` must not be below an earlier one of the key. */
  set(key: Uint8Array, offset: number): void {
    const words = wordsOf(key)
    const slot = this.#find(words)
    if (this.#offsets[slot]! < 0) {
      this.#hashes.set(words, slot * WORDS)
      this.#size++
    }
    this.#offsets[slot] = offset
  }

  /** -1: not known. */
  get(key: Uint8Array): number {
    return this.#offsets[this.#find(wordsOf(key))]!
  }

  /** Where the key is, or would be. */
  #find(words: Uint32Array): number {
    for (let slot = words[0]! % this.#slots; ; slot = (slot + 1) % this.#slots) {
      if (this.#offsets[slot]! < 0) return slot
      const at = slot * WORDS
      let word = 0
      while (word < WORDS && this.#hashes[at + word] === words[word]) word++
      if (word === WORDS) return slot
    }
  }
}

function wordsOf(key: Uint8Array): Uint32Array {
  const digest = hash('sha256', key, 'buffer')
  return Uint32Array.from({ length: WORDS }, (_, word) => digest.readUInt32BE(word * 4))
}
