/** Writes of topics' items by compare-and-swap, again until one fits. */
import { type Clock, drawFraction, drawToken, type Random } from '../../base/index.ts'
import { type Item, type ItemKey, type ItemStore, StoreError, type WriteOperation } from '../../storage/index.ts'

export interface TopicWritesParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

/** A head that others commit to changes between every look and write, some dozens of times in a row. */
export const ATTEMPTS_MAX = 200
const PAUSE_MS = 20
const PAUSES_MAX = 5

export class TopicWrites {
  readonly #parts: TopicWritesParts

  constructor(parts: TopicWritesParts) {
    this.#parts = parts
  }

  /** In the place of `replaced`, or of nothing. */
  put(key: ItemKey, value: Uint8Array, replaced?: Item): WriteOperation {
    const version = drawToken(this.#parts.random)
    return { kind: 'put', key, expected: replaced?.version ?? 'absent', version, value }
  }

  /** false: it was not written, or nobody knows; look again. */
  async try(operations: readonly WriteOperation[]): Promise<boolean> {
    try {
      return (await this.#parts.items.write(operations)).written
    } catch (error) {
      if (error instanceof StoreError && error.code !== 'STORE_REFUSED') return false
      throw error
    }
  }

  /**
   * Writes what `change` makes of an item until it is written, or until it makes nothing of it. Answers the item as it
   * was before.
   * @throws StoreError STORE_THROTTLED after too many attempts
   */
  async change(
    key: ItemKey,
    change: (item: Item | undefined) => WriteOperation[] | undefined,
  ): Promise<Item | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (attempt > 1)
        await this.#parts.clock.sleep(Math.min(attempt, PAUSES_MAX) * PAUSE_MS * drawFraction(this.#parts.random))
      const item = await this.#parts.items.get(key)
      const operations = change(item)
      if (!operations || (await this.try(operations))) return item
    }
    throw contended(key.pk)
  }

  /** One that is gone already is no error. @throws StoreError */
  async deleteItem(key: ItemKey): Promise<void> {
    await this.change(key, item => item && [{ kind: 'delete', key, expected: item.version }])
  }
}

export function contended(name: string): StoreError {
  return new StoreError('STORE_THROTTLED', `'${name}' changed ${ATTEMPTS_MAX} times in a row`)
}
