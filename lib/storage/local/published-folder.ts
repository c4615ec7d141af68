/**
 * PublishedFiles in a folder, under their plain names. A file is written beside its place, fsynced and renamed into it, then
 * the folder is fsynced: nobody sees a part of it, and who reads the old one reads on. What a killed process left has the
 * file's name and more, so it is listed with it.
 */
import { promises as fs } from 'node:fs'
import { dirname, join } from 'node:path'
import { drawToken, hexOf, type Random, VarveError } from '../../base/index.ts'
import { checkPublishedName, type PublishedFiles } from '../index.ts'
import { makeDurableFolder, syncPath } from './durable-folders.ts'
import { errorCode, failure } from './file-errors.ts'

export function openPublishedFolder(folder: string, random: Random): PublishedFiles {
  return new PublishedFolder(folder, random)
}

class PublishedFolder implements PublishedFiles {
  readonly #root: string
  readonly #random: Random

  constructor(root: string, random: Random) {
    this.#root = root
    this.#random = random
  }

  put(name: string, parts: readonly Uint8Array[]): Promise<void> {
    return run(`write ${name}`, async () => {
      const path = this.#path(name)
      await makeDurableFolder(dirname(path))
      const temporary = `${path}.tmp-${hexOf(drawToken(this.#random), 14)}`
      try {
        await writeDurably(temporary, parts)
        await fs.rename(temporary, path)
      } catch (error) {
        await fs.rm(temporary, { force: true })
        throw error
      }
      await syncPath(dirname(path))
    })
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return run(`read ${name}`, () => unlessMissing(fs.readFile(this.#path(name)), undefined))
  }

  list(prefix: string): Promise<string[]> {
    return run(`list ${prefix}`, async () => {
      const folder = this.#path(prefix.slice(0, Math.max(0, prefix.lastIndexOf('/'))))
      const entries = await unlessMissing(fs.readdir(folder, { withFileTypes: true, recursive: true }), [])
      return entries
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name).slice(this.#root.length + 1))
        .filter(name => name.startsWith(prefix))
    })
  }

  delete(names: readonly string[]): Promise<void> {
    return run('delete files', async () => {
      for (const name of names) await fs.rm(this.#path(name), { force: true })
    })
  }

  uri(name: string): string {
    return `file://${this.#path(name)}`
  }

  #path(name: string): string {
    checkPublishedName(name)
    return join(this.#root, name)
  }
}

async function run<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof VarveError ? error : failure(doing, error)
  }
}

async function writeDurably(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await fs.open(path, 'wx')
  try {
    for (const part of parts) await handle.appendFile(part)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

async function unlessMissing<T, U>(read: Promise<T>, missing: U): Promise<T | U> {
  try {
    return await read
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return missing
    throw error
  }
}
