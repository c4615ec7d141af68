/**
 * ObjectStore on files. A put writes a file of its own, fsyncs it, links it to its name (which fails where the name is
 * taken; a rename would replace silently) and fsyncs the folder: nobody ever sees part of an object, and the answer is
 * given when bytes and name are on disk. Several processes may use the same root.
 *
 *     ROOT/objects/…   see object-path.ts
 *     ROOT/tmp/…       see temporary-folder.ts
 */
import { close, fdatasync, fstat, link, open, read, rmdir, unlink, writev } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Permits, type Random, Turns, totalLength, VarveError } from '../../base/index.ts'
import {
  type Allocate,
  type ByteRange,
  checkCount,
  checkObjectKey,
  DELETE_KEYS_MAX,
  MULTIPART_BYTES,
  type ObjectPage,
  type ObjectStore,
  StoreError,
} from '../index.ts'
import { DurableFolders, makeDurableFolder, syncPath } from './durable-folders.ts'
import { errorCode, failure } from './file-errors.ts'
import { objectPath } from './object-path.ts'
import { ObjectWalks } from './object-walk.ts'
import { TemporaryFolder } from './temporary-folder.ts'

/** Ranges up to this many bytes are read without asking first how long the file is: one turn of a thread less. */
const UNSEEN_BYTES_MAX = 16 * 1_024 * 1_024
/** Buffers that one call takes (IOV_MAX is 1,024 or more). */
const WRITE_PARTS_MAX = 1_024
const DELETES_AT_ONCE = 16
/** Of the six threads that wait for the disk (lib/cli/varve.js) some are always left to those who write. */
const GETS_AT_ONCE = 4
/** What is read is checked and sent: so much is answered between two looks at who else is ready. */
const READ_IN_TURN_BYTES = 512 * 1_024
/** How often a folder may be removed between its making and the link into it. */
const LINK_ATTEMPTS_MAX = 10

const openFile = promisify(open)
const closeFile = promisify(close)
const syncFile = promisify(fdatasync)
const statFile = promisify(fstat)
const readFile = promisify(read)
const writeFile = promisify(writev)
const linkFile = promisify(link)
const unlinkFile = promisify(unlink)
const removeFolder = promisify(rmdir)

export interface FileObjectsOptions {
  /** Made where it is missing. */
  readonly folder: string
  readonly random: Random
}

/** @throws StoreError where the folder cannot be made or written. */
export async function openFileObjects({ folder, random }: FileObjectsOptions): Promise<ObjectStore> {
  const objects = join(folder, 'objects')
  const temporaries = join(folder, 'tmp')
  try {
    await makeDurableFolder(objects)
    await makeDurableFolder(temporaries)
    return new FileObjects(objects, new TemporaryFolder(temporaries, random))
  } catch (error) {
    throw failure(`open the object store in ${folder}`, error)
  }
}

class FileObjects implements ObjectStore {
  readonly #root: string
  readonly #temporary: TemporaryFolder
  readonly #folders: DurableFolders
  readonly #walks: ObjectWalks
  readonly #running = new Set<Promise<unknown>>()
  readonly #gets = new Permits(GETS_AT_ONCE)
  readonly #turns = new Turns(READ_IN_TURN_BYTES)
  #closed = false

  constructor(root: string, temporary: TemporaryFolder) {
    this.#root = root
    this.#temporary = temporary
    this.#folders = new DurableFolders(root)
    this.#walks = new ObjectWalks(root)
  }

  put(key: string, parts: readonly Uint8Array[]): Promise<'created' | 'exists'> {
    return this.#put(key, handle => writeParts(handle, parts))
  }

  putStream(key: string, open: () => AsyncIterable<Uint8Array>): Promise<'created' | 'exists'> {
    return this.#put(key, async handle => {
      let unsynced = 0
      for await (const part of open()) {
        await writeParts(handle, [part])
        unsynced += part.length
        if (unsynced < MULTIPART_BYTES) continue
        // Little by little: one great fsync at the end would hold up those of everybody else.
        await syncFile(handle)
        unsynced = 0
      }
    })
  }

  #put(key: string, write: (handle: number) => Promise<void>): Promise<'created' | 'exists'> {
    return this.#run(`put ${key}`, async () => {
      checkObjectKey(key)
      const path = join(this.#root, ...objectPath(key))
      const file = await this.#writeTemporary(write)
      try {
        return await this.#link(file, path)
      } finally {
        await removeTemporary(file)
      }
    })
  }

  get(key: string, range?: ByteRange, allocate: Allocate = Buffer.allocUnsafeSlow): Promise<Uint8Array | undefined> {
    return this.#run(`get ${key}`, async () => {
      const bytes = await this.#gets.run(() => this.#get(key, range, allocate))
      if (bytes) await this.#turns.take(bytes.length)
      return bytes
    })
  }

  async #get(key: string, range: ByteRange | undefined, allocate: Allocate): Promise<Uint8Array | undefined> {
    checkObjectKey(key)
    if (range) checkRange(range)
    const handle = await openIfThere(join(this.#root, ...objectPath(key)))
    if (handle === undefined) return undefined
    try {
      if (range && range.length <= UNSEEN_BYTES_MAX) return await readUpTo(handle, range.from, allocate(range.length))
      const { size } = await statFile(handle)
      const from = Math.min(range?.from ?? 0, size)
      const bytes = allocate(Math.min(range?.length ?? size, size - from))
      if ((await readUpTo(handle, from, bytes)).length < bytes.length)
        throw new Error('the file became shorter, which objects never do')
      return bytes
    } finally {
      await closeFile(handle)
    }
  }

  list(prefix: string, options: { cursor?: string; limit?: number } = {}): Promise<ObjectPage> {
    return this.#run(`list ${prefix}`, () => this.#walks.page(prefix, options))
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#run('delete objects', async () => {
      checkCount('keys to delete', keys.length, DELETE_KEYS_MAX)
      for (const key of keys) checkObjectKey(key)
      try {
        await this.#remove(keys.map(key => join(this.#root, ...objectPath(key))))
      } catch (error) {
        throw failure('delete objects', error, 'unknown')
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#running)
    await this.#folders.close()
    this.#temporary.remove()
  }

  async #run<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreError('STORE_REFUSED', `${doing}: the store is closed`)
    const running = work()
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      // Our own errors (of a stream's source) stay as they are.
      throw error instanceof VarveError ? error : failure(doing, error)
    } finally {
      this.#running.delete(running)
    }
  }

  /** A file with what `write` puts into it, on disk, that has no name yet. */
  async #writeTemporary(write: (handle: number) => Promise<void>): Promise<string> {
    const path = this.#temporary.nextFile()
    const handle = await openFile(path, 'wx').catch(error => {
      if (errorCode(error) !== 'ENOENT') throw error
      this.#temporary.restore()
      return openFile(path, 'wx')
    })
    try {
      await write(handle)
      await syncFile(handle)
    } catch (error) {
      await removeTemporary(path)
      throw error
    } finally {
      await closeFile(handle)
    }
    return path
  }

  /** Gives the file its name, unless another has it. Either way the name is on disk at the answer, and the file's first name gone. */
  async #link(file: string, path: string): Promise<'created' | 'exists'> {
    let outcome: 'created' | 'exists' | undefined
    let removed: Promise<void> | undefined
    const attempt = () =>
      this.#folders.use(dirname(path), async folder => {
        outcome ??= await linkUnlessTaken(file, path)
        // While the folder is synced.
        if (outcome) removed ??= removeTemporary(file)
        if (outcome && folder.isCurrent()) {
          await folder.sync()
          return outcome
        }
        await this.#folders.forget(folder)
        return undefined
      })
    try {
      for (let attempts = 0; attempts < LINK_ATTEMPTS_MAX; attempts++) {
        const answer = await attempt()
        if (answer) return answer
      }
      throw new Error(`${dirname(path)} is removed again and again`)
    } catch (error) {
      throw failure(`link ${path}`, error, outcome ? 'unknown' : 'none')
    } finally {
      await (removed ?? removeTemporary(file))
    }
  }

  async #remove(paths: readonly string[]): Promise<void> {
    for (let at = 0; at < paths.length; at += DELETES_AT_ONCE)
      await Promise.all(paths.slice(at, at + DELETES_AT_ONCE).map(path => ifThere(unlinkFile(path))))
    for (const folder of new Set(paths.map(path => dirname(path)))) await this.#tidy(folder)
  }

  /** Removes the folder, and those above it, where they became empty, and puts what was removed on disk. */
  async #tidy(folder: string): Promise<void> {
    let path = folder
    while (path !== this.#root && (await removeIfEmpty(path))) path = dirname(path)
    while (!(await syncIfThere(path))) path = dirname(path)
  }
}

/** The object is stored or not by now; a file that stays goes with the folder at the next start. */
async function removeTemporary(path: string): Promise<void> {
  await unlinkFile(path).catch(() => undefined)
}

function checkRange({ from, length }: ByteRange): void {
  checkCount('first byte', from, Number.MAX_SAFE_INTEGER)
  checkCount('bytes', length, Number.MAX_SAFE_INTEGER)
}

async function writeParts(handle: number, parts: readonly Uint8Array[]): Promise<void> {
  let rest = parts.filter(part => part.length > 0)
  while (rest.length > 0) {
    const batch = rest.slice(0, WRITE_PARTS_MAX)
    const { bytesWritten } = await writeFile(handle, batch)
    rest = [...dropBytes(batch, bytesWritten), ...rest.slice(WRITE_PARTS_MAX)]
  }
}

/** A disk may take less than it was given. */
function dropBytes(parts: readonly Uint8Array[], count: number): Uint8Array[] {
  if (count === totalLength(parts)) return []
  let dropped = 0
  let index = 0
  while (dropped + parts[index]!.length <= count) dropped += parts[index++]!.length
  return [parts[index]!.subarray(count - dropped), ...parts.slice(index + 1)]
}

/** Fills `bytes`, or the part of it that the file has. */
async function readUpTo(handle: number, from: number, bytes: Uint8Array): Promise<Uint8Array> {
  let filled = 0
  while (filled < bytes.length) {
    const { bytesRead } = await readFile(handle, bytes, filled, bytes.length - filled, from + filled)
    if (bytesRead === 0) return bytes.subarray(0, filled)
    filled += bytesRead
  }
  return bytes
}

async function openIfThere(path: string): Promise<number | undefined> {
  try {
    return await openFile(path, 'r')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** undefined where the folder vanished. */
async function linkUnlessTaken(file: string, path: string): Promise<'created' | 'exists' | undefined> {
  try {
    await linkFile(file, path)
    return 'created'
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return 'exists'
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function ifThere(done: Promise<void>): Promise<boolean> {
  try {
    await done
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/** True where the folder is gone now. */
async function removeIfEmpty(path: string): Promise<boolean> {
  try {
    await removeFolder(path)
    return true
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
    if (code === 'ENOENT') return true
    throw error
  }
}

function syncIfThere(path: string): Promise<boolean> {
  return ifThere(syncPath(path))
}
