/**
 * About how much of LMDB's file lies in this process's memory. LMDB maps its file, and whatever page was looked at stays mapped until
 * the file is closed: the system may take it away, but it counts as the process's own, and a compaction looks at every page.
 */

/** Values of less lie on pages with others, which are looked at again and again. */
const VALUE_BYTES_MIN = 4_096
/** Of what is written, about so much of the tree's pages is looked at (seen: 6 %). */
const PART_OF_WRITTEN = 1 / 16
/** What a commit of so much wrote lies in the system's cache in large pieces, and with a page of one all of it is mapped (seen: 300 of 300 MB). */
const LARGE_COMMIT_BYTES = 256 * 1_024

export class MappedPages {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get areTooMany(): boolean {
    return this.#bytes >= this.#bytesMax
  }

  valueRead(bytes: number): void {
    if (bytes >= VALUE_BYTES_MIN) this.#bytes += bytes
  }

  valuesWritten(bytes: number): void {
    this.#bytes += bytes < LARGE_COMMIT_BYTES ? bytes * PART_OF_WRITTEN : bytes
  }

  /** The file was opened anew, or it is to be thought of again after as much more. */
  forget(): void {
    this.#bytes = 0
  }
}
