/** How a process comes to share a folder that another may have for itself. */
import type { Clock } from '../../base/index.ts'
import { StoreError } from '../index.ts'
import type { FolderLock } from './folder-lock.ts'
import type { LmdbFile } from './lmdb-file.ts'

/** How often others are asked to share the folder: one that is ending may still have its lock. */
const SHARE_ATTEMPTS_MAX = 40
const SHARE_PAUSE_MS = 250

/** Gets the lock shared, or alone where nobody has it any more. @throws StoreError STORE_UNAVAILABLE */
export async function shareFolder(
  lock: FolderLock,
  { file, clock, tryAlone }: { readonly file: LmdbFile; readonly clock: Clock; readonly tryAlone?: () => boolean },
): Promise<void> {
  for (let attempt = 1; attempt <= SHARE_ATTEMPTS_MAX; attempt++) {
    if (await file.gate.whileOthersPause(() => lock.tryShared())) return
    await clock.sleep(SHARE_PAUSE_MS)
    if (tryAlone?.()) return
  }
  throw new StoreError(
    'STORE_UNAVAILABLE',
    'another process has it for itself and cannot be asked, as one in another container: end it, or give each a folder of its own',
  )
}
