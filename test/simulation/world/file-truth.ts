/** The published files as they are. Synchronous and exact to the port's contract. */
import { checkPublishedName } from '../../../lib/storage/index.ts'

interface PublishedFile {
  readonly bytes: Uint8Array
  readonly createdAt: number
}

export class FileTruth {
  readonly #files = new Map<string, PublishedFile>()

  put(name: string, bytes: Uint8Array, now = 0): void {
    checkPublishedName(name)
    this.#files.set(name, { bytes, createdAt: this.#files.get(name)?.createdAt ?? now })
  }

  /** Nobody may change its bytes. */
  get(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.bytes
  }

  /** `visibleUntil`: files made after it are missed. */
  list(prefix: string, visibleUntil = Infinity): string[] {
    const found = [...this.#files].filter(
      ([name, { createdAt }]) => name.startsWith(prefix) && createdAt <= visibleUntil,
    )
    return found.map(([name]) => name).reverse()
  }

  delete(names: readonly string[]): void {
    for (const name of names) this.#files.delete(name)
  }
}
