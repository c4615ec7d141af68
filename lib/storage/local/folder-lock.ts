/**
 * Who may write to a folder: one process alone, or several together. The system itself holds the lock (SQLite's, on an empty
 * database), so it ends with its process however that ends, and holds where processes cannot see or reach each other, as those
 * of two containers that share a folder.
 */
import { DatabaseSync } from 'node:sqlite'

/** Another connection has a lock that excludes this one (https://www.sqlite.org/rescode.html#busy). */
const SQLITE_BUSY = 5

export class FolderLock {
  readonly #database: DatabaseSync
  #held: 'alone' | 'shared' | undefined

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** `path`: a file for the lock alone, made where it is missing. @throws Error where it cannot be written, or the file system has no locks */
  static open(path: string): FolderLock {
    return new FolderLock(new DatabaseSync(path))
  }

  get isAlone(): boolean {
    return this.#held === 'alone'
  }

  /** Whether nobody else has it in any way. What this process held before is let go first, here and below. */
  tryAlone(): boolean {
    this.#letGo()
    return this.#try('alone', () => this.#database.exec('BEGIN EXCLUSIVE'))
  }

  /** Whether nobody has it alone. */
  tryShared(): boolean {
    this.#letGo()
    return this.#try('shared', () => {
      this.#database.exec('BEGIN')
      this.#database.prepare('SELECT count(*) FROM sqlite_schema').get()
    })
  }

  close(): void {
    this.#held = undefined
    this.#database.close()
  }

  #try(kind: 'alone' | 'shared', take: () => void): boolean {
    try {
      // Nothing is ever written: each lock is a transaction that is taken back. Before the first there is a file to look at for this too.
      this.#database.exec('PRAGMA journal_mode = MEMORY')
      take()
      this.#held = kind
      return true
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false
      throw error
    }
  }

  #letGo(): void {
    if (this.#held) this.#database.exec('ROLLBACK')
    this.#held = undefined
  }
}
