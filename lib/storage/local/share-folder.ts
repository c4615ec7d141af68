/** How a process that has a folder for itself comes to share it. */
import type { Clock } from '../../base/index.ts'
import { StoreError } from '../index.ts'
import type { FolderLock } from './folder-lock.ts'
import type { LmdbFile } from './lmdb-file.ts'

/** One that came between has to be asked; it may not have said yet where. */
const ATTEMPTS_MAX = 40
const PAUSE_MS = 250

/** @throws StoreError STORE_UNAVAILABLE: it has no lock any more */
export async function shareFolder(
  lock: FolderLock,
  { file, clock }: { readonly file: LmdbFile; readonly clock: Clock },
): Promise<void> {
  if (lock.tryShared()) return
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    if (await file.gate.whileOthersPause(() => lock.tryShared())) return
    await clock.sleep(PAUSE_MS)
  }
  throw new StoreError('STORE_UNAVAILABLE', 'another process has taken the folder for itself')
}
