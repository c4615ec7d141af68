/** The files of an item store as they are when its process is killed now. */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openItems } from '../support/store-address.ts'
import { type Contents, contentsOf } from './told-writes.ts'

/** Without a turn between: LMDB's file is copied after the journal, so it never lacks what the journal has no more. */
export function copyAsKilled(from: string, to: string, names: readonly string[] = ['journal', 'data.mdb']): void {
  mkdirSync(to, { recursive: true })
  for (const name of names) if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name))
}

/** What LMDB has of it, without its journal. */
export async function contentsOfLmdb(folder: string, copy: string): Promise<Contents> {
  copyAsKilled(folder, copy, ['data.mdb'])
  const store = await openItems({ kind: 'lmdb', folder: copy, journal: false })
  try {
    return await contentsOf(store)
  } finally {
    await store.close()
  }
}
