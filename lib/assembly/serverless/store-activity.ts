/**
 * Counts store calls that have no answer yet. What begins after a function has answered may be frozen with it for hours, so a
 * function answers when nothing is under way: snapshots and second puts run beside the appends that began them.
 */
import type { Clock } from '../../base/index.ts'
import type { ItemStore, ObjectStore } from '../../storage/index.ts'

const TURN_MS = 5

export class StoreActivity {
  readonly #clock: Clock
  #underWay = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  objects(store: ObjectStore): ObjectStore {
    return {
      ...store,
      put: (...args) => this.#counted(store.put(...args)),
      putStream: (...args) => this.#counted(store.putStream(...args)),
      get: (...args) => this.#counted(store.get(...args)),
      list: (...args) => this.#counted(store.list(...args)),
      delete: (...args) => this.#counted(store.delete(...args)),
    }
  }

  items(store: ItemStore): ItemStore {
    return {
      ...store,
      get: (...args) => this.#counted(store.get(...args)),
      query: (...args) => this.#counted(store.query(...args)),
      write: (...args) => this.#counted(store.write(...args)),
    }
  }

  /** Resolves when nothing is under way, or after `ms`. */
  async settle(ms: number): Promise<void> {
    const deadline = this.#clock.monotonic() + ms
    while (this.#underWay > 0 && this.#clock.monotonic() < deadline) await this.#clock.sleep(TURN_MS)
  }

  async #counted<T>(answer: Promise<T>): Promise<T> {
    this.#underWay++
    try {
      return await answer
    } finally {
      this.#underWay--
    }
  }
}
