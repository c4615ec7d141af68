/** How a process that has a folder for itself comes to share it. */
import type { Clock } from '../../base/index.ts'
import { StoreError } from '../index.ts'
import type { FolderLock } from './folder-lock.ts'
import type { LmdbFile } from './lmdb-file.ts'

/** Who has the lock may be ending, or have come between and not said yet where it can be asked. */
export const LOCK_ATTEMPTS_MAX = 40
export const LOCK_PAUSE_MS = 250

/** @throws StoreError STORE_UNAVAILABLE: it has no lock any more */
export async function shareFolder(
  lock: FolderLock,
  { file, clock }: { readonly file: LmdbFile; readonly clock: Clock },
): Promise<void> {
  if (lock.tryShared()) return
  for (let attempt = 1; attempt <= LOCK_ATTEMPTS_MAX; attempt++) {
    if (await file.gate.whileOthersPause(() => lock.tryShared())) return
    await clock.sleep(LOCK_PAUSE_MS)
  }
  throw new StoreError('STORE_UNAVAILABLE', 'another process has taken the folder for itself')
}
