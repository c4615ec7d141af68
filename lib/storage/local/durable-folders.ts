/**
 * Folders whose names are on disk. A new file is durable only when the folder that names it is, and so on up to the
 * root. Each open folder is fsynced up to its parent once and then remembered by an open handle. Several who wait for an
 * fsync of one folder share it. Another process may remove an empty folder and make it anew: `isCurrent` tells, and must
 * be asked after a name was added and before it is relied on.
 */
import { close, fstatSync, fsync, mkdir, open, stat, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { errorCode } from './file-errors.ts'

const FOLDERS_OPEN_MAX = 64
/** How often a folder may vanish under our hands before we give up. */
const ATTEMPTS_MAX = 10

const openFile = promisify(open)
const closeFile = promisify(close)
const syncFile = promisify(fsync)
const statPath = promisify(stat)
const makeFolder = promisify(mkdir)

export class DurableFolder {
  readonly path: string
  readonly #handle: number
  readonly #inode: bigint
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #users = 0
  #retired = false

  constructor(path: string, handle: number, inode: bigint) {
    this.path = path
    this.#handle = handle
    this.#inode = inode
  }

  /** The path still leads to this folder. */
  isCurrent(): boolean {
    return statSync(this.path, { bigint: true, throwIfNoEntry: false })?.ino === this.#inode
  }

  /** Resolves when every name that was in the folder at the call is on disk. */
  sync(): Promise<void> {
    this.#next ??= this.#syncAfter(this.#running)
    return this.#next
  }

  /** Keeps the handle open until `leave`; false where it is too late. */
  enter(): boolean {
    if (this.#retired) return false
    this.#users++
    return true
  }

  async leave(): Promise<void> {
    this.#users--
    if (this.#retired && this.#users === 0) await closeFile(this.#handle)
  }

  /** Lets nobody in any more, and closes the handle when the last user leaves. */
  async retire(): Promise<void> {
    if (this.#retired) return
    this.#retired = true
    if (this.#users === 0) await closeFile(this.#handle)
  }

  async #syncAfter(running: Promise<void> | undefined): Promise<void> {
    // A failure of the fsync before is not ours: its own callers are told.
    await running?.catch(() => undefined)
    this.#running = this.#next
    this.#next = undefined
    await syncFile(this.#handle)
  }
}

export class DurableFolders {
  readonly #root: string
  /** In the order of last use. */
  readonly #folders = new Map<string, Promise<DurableFolder>>()

  /** `root` must be there, and durable. */
  constructor(root: string) {
    this.#root = root
  }

  /** Gives `work` the folder, made where it is missing, with its name and all above it on disk. */
  async use<T>(path: string, work: (folder: DurableFolder) => Promise<T>): Promise<T> {
    let folder = await this.#find(path)
    while (!folder.enter()) folder = await this.#find(path)
    try {
      return await work(folder)
    } finally {
      await folder.leave()
    }
  }

  /** The folder is gone, or was replaced. */
  async forget(folder: DurableFolder): Promise<void> {
    const opening = this.#folders.get(folder.path)
    const remembered = await opening?.catch(() => undefined)
    if (remembered === folder && this.#folders.get(folder.path) === opening) this.#folders.delete(folder.path)
    await folder.retire()
  }

  async close(): Promise<void> {
    const folders = await Promise.allSettled(this.#folders.values())
    this.#folders.clear()
    for (const found of folders) if (found.status === 'fulfilled') await found.value.retire()
  }

  async #find(path: string): Promise<DurableFolder> {
    const opening = this.#folders.get(path) ?? this.#open(path)
    this.#folders.delete(path)
    this.#folders.set(path, opening)
    if (this.#folders.size > FOLDERS_OPEN_MAX) this.#forgetOldest()
    try {
      return await opening
    } catch (error) {
      if (this.#folders.get(path) === opening) this.#folders.delete(path)
      throw error
    }
  }

  async #open(path: string): Promise<DurableFolder> {
    if (path === this.#root) return openFolder(path)
    for (let attempt = 1; ; attempt++) {
      const opened = await this.use(dirname(path), parent => this.#openBelow(parent, path))
      if (opened) return opened
      if (attempt === ATTEMPTS_MAX) throw new Error(`${path} is removed again and again`)
    }
  }

  /** undefined where somebody removed it, or the folder above it, meanwhile. */
  async #openBelow(parent: DurableFolder, path: string): Promise<DurableFolder | undefined> {
    const folder = await openNewFolder(path)
    try {
      if (folder && parent.isCurrent()) {
        await parent.sync()
        return folder
      }
      if (!parent.isCurrent()) await this.forget(parent)
    } catch (error) {
      await folder?.retire()
      throw error
    }
    await folder?.retire()
    return undefined
  }

  #forgetOldest(): void {
    const [path, opening] = this.#folders.entries().next().value!
    this.#folders.delete(path)
    // Not awaited: it may be waiting for us. Who opened it hears of a failure; closing a handle for reading loses nothing.
    opening.then(folder => folder.retire()).catch(() => undefined)
  }
}

/** Makes the folder and all above it, with their names on disk. */
export async function makeDurableFolder(path: string): Promise<void> {
  if (await isFolder(path)) return
  await makeDurableFolder(dirname(path))
  await makeUnlessThere(path)
  await syncPath(dirname(path))
}

/** fsync of a file or folder by its path. */
export async function syncPath(path: string): Promise<void> {
  const handle = await openFile(path, 'r')
  try {
    await syncFile(handle)
  } finally {
    await closeFile(handle)
  }
}

async function openFolder(path: string): Promise<DurableFolder> {
  const handle = await openFile(path, 'r')
  const { ino } = fstatSync(handle, { bigint: true })
  return new DurableFolder(path, handle, ino)
}

/** undefined where it was removed at once, or the folder above it is gone. */
async function openNewFolder(path: string): Promise<DurableFolder | undefined> {
  try {
    await makeUnlessThere(path)
    return await openFolder(path)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function makeUnlessThere(path: string): Promise<void> {
  try {
    await makeFolder(path)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await statPath(path)).isDirectory()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}
