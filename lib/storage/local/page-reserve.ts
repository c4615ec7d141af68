/**
 * When LMDB's file grows in a commit, the commit also waits for the file system's journal; where it finds free pages in the
 * file, it waits for its bytes alone, a fraction of the time. So a store that grows is given free pages a few MiB at a
 * time: an item is put and taken away. Its key is none that `itemKeyBytes` makes, so nobody sees it.
 */
import { statSync } from 'node:fs'

export const RESERVE_KEY = Buffer.from([0xff])
export const RESERVE_VERSION = 1
/** A run of pages. More would make each commit write a longer list of what is free. */
export const RESERVE_BYTES = 4 * 1_024 * 1_024

/** The file grew by so much since it was looked at: it will go on growing. */
const GROWTH_BYTES = 256 * 1_024

export class PageReserve {
  readonly #path: string
  #size: number

  /** `path`: LMDB's file. */
  constructor(path: string) {
    this.#path = path
    this.#size = this.#currentSize()
  }

  /** Whether the free pages are used up, and more will be wanted. */
  isDue(): boolean {
    return this.#currentSize() - this.#size >= GROWTH_BYTES
  }

  /** The reserve was made, or could not be: not again before the file has grown. */
  settle(): void {
    this.#size = this.#currentSize()
  }

  #currentSize(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0
  }
}
