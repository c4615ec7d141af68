/** The port of published files as a simulated process sees it: as the others, each request meets its fate (`stores.ts`). */
import { crc32 } from 'node:zlib'
import { checkPublishedName, type PublishedFiles } from '../../../lib/storage/index.ts'
import type { Process } from './process.ts'
import { LIST_LAG_MS, type StoreLink, type Truth } from './stores.ts'
import type { World } from './world.ts'

/** What names of files have before them in URIs. */
export const FILES_URI = 'simulated:/'

export class SimulatedFiles implements PublishedFiles {
  readonly #world: World
  readonly #process: Process
  readonly #truth: Truth
  readonly #link: StoreLink

  constructor(world: World, process: Process, truth: Truth, link: StoreLink) {
    this.#world = world
    this.#process = process
    this.#truth = truth
    this.#link = link
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<void> {
    checkPublishedName(name)
    const bytes = new Uint8Array(Buffer.concat(parts))
    const { files, observer } = this.#truth
    observer.publishes?.(name, bytes, this.#process)
    return this.#link.send({
      kind: 'write',
      store: 'files',
      what: () => `publish ${name} ${bytes.length}:${crc32(bytes).toString(16)}`,
      effect: () => {
        const before = files.get(name)
        files.put(name, bytes, this.#world.time)
        observer.published?.(name, bytes, before)
      },
      describe: () => 'published',
    })
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return this.#link.send({
      kind: 'read',
      store: 'files',
      what: () => `get ${name}`,
      effect: () => {
        this.#truth.observer.lookedAt?.(name, this.#process)
        return this.#truth.files.get(name)?.slice()
      },
      describe: bytes => (bytes ? `${bytes.length} bytes` : 'nothing'),
    })
  }

  list(prefix: string): Promise<string[]> {
    return this.#link.send({
      kind: 'list',
      store: 'files',
      what: () => `list ${prefix}`,
      effect: ({ fault }) =>
        this.#truth.files.list(prefix, this.#world.time - (fault === 'stale-list' ? LIST_LAG_MS : 0)),
      describe: names => `${names.length} files`,
    })
  }

  delete(names: readonly string[]): Promise<void> {
    const copy = [...names]
    return this.#link.send({
      kind: 'write',
      store: 'files',
      what: () => `unpublish ${copy.join(' ')}`,
      effect: () => {
        this.#truth.files.delete(copy)
        this.#truth.observer.unpublished?.(copy)
      },
      describe: () => 'unpublished',
    })
  }

  uri(name: string): string {
    return `${FILES_URI}${name}`
  }
}
