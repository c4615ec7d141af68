/**
 * Pages of a walk through the folders. A walk that gave a page is kept for the next, so that a long listing reads each
 * folder once; where it was dropped (or belongs to another process) the cursor, the last key given, is enough to go on.
 */
import { readdir, stat } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkPageLimit, type ObjectPage } from '../index.ts'
import { errorCode } from './file-errors.ts'
import { folderPrefix, isFolderName, isObjectName, objectKey, objectPath, prefixPath } from './object-path.ts'

const LIST_PAGE_MAX = 1_000
const WALKS_KEPT_MAX = 8

const readFolder = promisify(readdir)
const statFile = promisify(stat)

type Walk = AsyncGenerator<string, undefined>

export class ObjectWalks {
  readonly #root: string
  readonly #walks = new Map<string, Walk>()

  constructor(root: string) {
    this.#root = root
  }

  async page(
    prefix: string,
    { cursor, limit = LIST_PAGE_MAX }: { cursor?: string; limit?: number },
  ): Promise<ObjectPage> {
    checkPageLimit(limit, LIST_PAGE_MAX)
    const walk = this.#resume(prefix, cursor)
    const keys: string[] = []
    while (keys.length < limit) {
      const { value } = await walk.next()
      if (value === undefined) return { objects: await this.#measure(keys) }
      keys.push(value)
    }
    const last = keys.at(-1)!
    this.#keep(prefix, last, walk)
    return { objects: await this.#measure(keys), cursor: last }
  }

  #resume(prefix: string, cursor: string | undefined): Walk {
    if (cursor === undefined) return this.#walk(prefix, prefixPath(prefix), [])
    const name = walkName(prefix, cursor)
    const kept = this.#walks.get(name)
    this.#walks.delete(name)
    const start = prefixPath(prefix)
    return kept ?? this.#walk(prefix, start, objectPath(cursor).slice(start.length))
  }

  #keep(prefix: string, cursor: string, walk: Walk): void {
    this.#walks.set(walkName(prefix, cursor), walk)
    if (this.#walks.size > WALKS_KEPT_MAX) this.#walks.delete(this.#walks.keys().next().value!)
  }

  /** Keys with `prefix` in the folder with these names and below it, in the order of the names, behind `after`. */
  async *#walk(prefix: string, names: readonly string[], after: readonly string[]): Walk {
    const [first, ...rest] = after
    for (const name of (await readNames(join(this.#root, ...names))).sort()) {
      if (first !== undefined && (name < first || (name === first && rest.length === 0))) continue
      const path = [...names, name]
      if (isObjectName(name)) {
        const key = objectKey(path)
        if (key.startsWith(prefix)) yield key
      } else if (isFolderName(name) && mayHold(prefix, path)) {
        yield* this.#walk(prefix, path, name === first ? rest : [])
      }
    }
    return undefined
  }

  /** Objects that were deleted meanwhile are left out. */
  async #measure(keys: readonly string[]): Promise<ObjectPage['objects']> {
    const objects = await Promise.all(
      keys.map(async key => {
        const size = await sizeOf(join(this.#root, ...objectPath(key)))
        return size === undefined ? [] : [{ key, size }]
      }),
    )
    return objects.flat()
  }
}

function walkName(prefix: string, cursor: string): string {
  return JSON.stringify([prefix, cursor])
}

function mayHold(prefix: string, names: readonly string[]): boolean {
  const begin = folderPrefix(names)
  return begin === undefined || begin.startsWith(prefix) || prefix.startsWith(begin)
}

async function readNames(path: string): Promise<string[]> {
  try {
    return await readFolder(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await statFile(path)).size
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
