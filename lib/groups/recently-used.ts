/** A map that forgets what was not asked for the longest, once the weights of its values pass a limit. */
export class RecentlyUsed<K, V> {
  readonly #weightMax: number
  readonly #weightOf: (value: V) => number
  /** From the least recently used on. */
  readonly #values = new Map<K, V>()
  #weight = 0

  constructor(weightMax: number, weightOf: (value: V) => number = () => 1) {
    this.#weightMax = weightMax
    this.#weightOf = weightOf
  }

  get(key: K): V | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#values.set(key, value)
    return value
  }

  set(key: K, value: V): void {
    this.#forget(key)
    this.#values.set(key, value)
    this.#weight += this.#weightOf(value)
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.#weightMax) return
      this.#forget(oldest)
    }
  }

  #forget(key: K): void {
    const value = this.#values.get(key)
    if (value === undefined) return
    this.#values.delete(key)
    this.#weight -= this.#weightOf(value)
  }
}
