/**
 * LMDB's file, open in this process. `overlappingSync: false`: a commit becomes visible, to anyone, only after it is on disk. Now and
 * then the file is opened anew, between two commits, so that the pages that were read leave this process's memory.
 */
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import type { Clock, Random } from '../../base/index.ts'
import { StoreError } from '../index.ts'
import { makeDurableFolder, syncPath } from './durable-folders.ts'
import { failure } from './file-errors.ts'
import { MappedPages } from './mapped-pages.ts'
import { OpenGate } from './open-gate.ts'

const MAPPED_BYTES_MAX = 64 * 1_024 * 1_024
/** Between two attempts to open the file anew: there may be no file handle for it. */
const REOPEN_PAUSE_MS = 100
const REOPEN_ATTEMPTS_MAX = 300
const TOKEN_BYTES = 16

export interface LmdbFileOptions {
  /** Made where it is missing. */
  readonly folder: string
  readonly clock: Clock
  readonly random: Random
  /** Of the file, so much may lie in this process's memory before it is opened anew. Default: 64 MiB. */
  readonly mappedBytesMax?: number
}

/** `isAlone`: no other process that can be asked has the folder open. */
export type Admit = (gate: OpenGate, isAlone: boolean) => boolean

export const NOT_ADMITTED =
  'another process has the item store for itself and cannot be asked, as one in another container: end it, or give each a folder of its own'

type Database = RootDatabase<Buffer, Buffer>

export class LmdbFile {
  readonly gate: OpenGate
  readonly mapped: MappedPages
  readonly #folder: string
  readonly #clock: Clock
  #database: Database
  #reopening: Promise<void> | undefined
  /** Why it could not be opened again. */
  #broken: string | undefined

  private constructor(options: LmdbFileOptions, gate: OpenGate, database: Database) {
    this.#folder = options.folder
    this.#clock = options.clock
    this.gate = gate
    this.mapped = new MappedPages(options.mappedBytesMax ?? MAPPED_BYTES_MAX)
    this.#database = database
  }

  /**
   * `admit` is asked before LMDB is opened, while nobody commits: false, and the folder is not opened.
   * @throws StoreError where the folder cannot be made or written, or this process was not admitted.
   */
  static async open(options: LmdbFileOptions, admit: Admit = () => true): Promise<LmdbFile> {
    const { folder, clock, random } = options
    try {
      await makeDurableFolder(folder)
      const token = Buffer.from(random.bytes(TOKEN_BYTES)).toString('hex')
      const { gate, opened } = await OpenGate.open({ clock, folder, token }, (gate, isAlone) => {
        if (!admit(gate, isAlone)) throw new StoreError('STORE_UNAVAILABLE', NOT_ADMITTED)
        return openDatabase(folder)
      })
      // What a process that was killed in a commit left in the page cache is on disk before anyone here relies on it.
      await syncPath(join(folder, 'data.mdb'))
      await syncPath(folder)
      return new LmdbFile(options, gate, opened)
    } catch (error) {
      throw error instanceof StoreError ? error : failure(`open the item store in ${folder}`, error)
    }
  }

  get broken(): string | undefined {
    return this.#broken
  }

  /** To be asked for each time. @throws StoreError where it could not be opened again */
  get database(): Database {
    if (this.#broken) throw new StoreError('STORE_UNAVAILABLE', this.#broken)
    return this.#database
  }

  /** While it is being opened anew: resolves when it may be read, perhaps not for long. */
  get reopening(): Promise<void> | undefined {
    return this.#reopening
  }

  /** To be called while no commit is under way. Where other processes have the file open too, it stays as it is. */
  async reopen(): Promise<void> {
    this.mapped.forget()
    const reopened = Promise.withResolvers<void>()
    try {
      await this.gate.reopenAlone(async () => {
        this.#reopening = reopened.promise
        await this.#database.close()
        this.#database = await this.#openAgain()
      })
    } catch (error) {
      // Else it is still open, for it was not known who else has it open.
      if (this.#reopening) this.#broken = `the item store could not be opened again: ${String(error)}`
    } finally {
      this.#reopening = undefined
      reopened.resolve()
    }
  }

  /** `idle`: no commit hangs in it. */
  async close(idle: boolean): Promise<void> {
    if (idle && !this.#broken) await this.#database.close()
    await this.gate.close()
  }

  async #openAgain(): Promise<Database> {
    for (let attempt = 1; ; attempt++) {
      try {
        return openDatabase(this.#folder)
      } catch (error) {
        if (attempt === REOPEN_ATTEMPTS_MAX) throw error
        await this.#clock.sleep(REOPEN_PAUSE_MS)
      }
    }
  }
}

function openDatabase(folder: string): Database {
  return open<Buffer, Buffer>({
    path: folder,
    noSubdir: false,
    overlappingSync: false,
    // Writes are grouped by the store. With lmdb's own grouping a failed commit also rejects a promise that nobody holds.
    eventTurnBatching: false,
    useVersions: true,
    encoding: 'binary',
    keyEncoding: 'binary',
  })
}
