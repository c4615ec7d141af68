/** Opens the journaled store: gets the folder's lock, and takes into LMDB what a process that was killed left in its journal. */
import { join } from 'node:path'
import { drawToken } from '../../base/index.ts'
import { type ItemStore, StoreError } from '../index.ts'
import { makeDurableFolder } from './durable-folders.ts'
import { failure } from './file-errors.ts'
import { FolderLock } from './folder-lock.ts'
import { keyName } from './item-key-bytes.ts'
import { type Changes, Drain, drainedGeneration } from './journal-drain.ts'
import { hasRoomForJournal, JournalFile } from './journal-file.ts'
import { JournaledItems } from './journaled-items.ts'
import { LmdbFile, type LmdbFileOptions, NOT_ADMITTED } from './lmdb-file.ts'
import { LmdbItems } from './lmdb-items.ts'
import { LOCK_ATTEMPTS_MAX, LOCK_PAUSE_MS, shareFolder } from './share-folder.ts'

const JOURNAL = 'journal'
const LOCK = 'journal.lock'

/** @throws StoreError where the folder cannot be made or written, or its journal not be read */
export async function openJournaledItems(options: LmdbFileOptions): Promise<ItemStore> {
  const { folder, clock, random } = options
  const opened = Promise.withResolvers<JournaledItems>()
  opened.promise.catch(() => {})
  let lock: FolderLock | undefined
  let items: LmdbItems | undefined
  try {
    await makeDurableFolder(folder)
    lock = FolderLock.open(join(folder, LOCK))
    const file = await openFile(options, lock, async () => (await opened.promise).leave())
    items = new LmdbItems(file, clock)
    const path = join(folder, JOURNAL)
    const left = await bringUpToDate(path, { file, items })
    // What LMDB cannot take is served from here until it can.
    if (lock.isAlone && !left.drain && !(await hasRoomForJournal(folder))) await shareFolder(lock, { file, clock })
    if (!lock.isAlone) await left.drain?.finish()
    const opening = drawToken(random)
    const journal = lock.isAlone ? await JournalFile.open(path, { opening, generation: left.generation }) : undefined
    const store = new JournaledItems({ folder, file, items, lock, clock }, journal, left.drain)
    opened.resolve(store)
    return store
  } catch (error) {
    opened.reject(error)
    lock?.close()
    await items?.close()
    throw failure(`open the item store in ${folder}`, error)
  }
}

/**
 * Whoever asks a process that is alone waits until it shares the folder (`leave`). One that finds another beside it does not become
 * alone, though it could: a release before the journal has no lock. Where nobody could be asked, but somebody has a lock, nobody has paused.
 */
async function openFile(options: LmdbFileOptions, lock: FolderLock, leave: () => Promise<void>): Promise<LmdbFile> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await LmdbFile.open(options, (gate, isAlone) => {
        if (!isAlone) return lock.tryShared()
        if (!lock.tryAlone()) return false
        gate.beforePause = leave
        return true
      })
    } catch (error) {
      const isBusy = error instanceof StoreError && error.message === NOT_ADMITTED
      if (!isBusy || attempt === LOCK_ATTEMPTS_MAX) throw error
      await options.clock.sleep(LOCK_PAUSE_MS)
    }
  }
}

interface Left {
  /** The last that there was. */
  readonly generation: number
  /** LMDB could not take it, as on a full disk. */
  readonly drain: Drain | undefined
}

/** Takes what a process left in its journal into LMDB. Several may do so at once. */
async function bringUpToDate(
  path: string,
  parts: { readonly file: LmdbFile; readonly items: LmdbItems },
): Promise<Left> {
  const drained = drainedGeneration(parts.file)
  const generations = JournalFile.read(path, drained)
  const generation = generations.at(-1)?.generation ?? drained
  if (generation === drained) return { generation, drain: undefined }
  const changes: Changes = new Map()
  for (const { frames } of generations) {
    for (const change of frames.flatMap(frame => frame.changes)) changes.set(keyName(change.keyBytes), change)
  }
  const drain = new Drain(parts, changes, generation)
  await drain.finish().catch(() => {})
  return { generation, drain: drain.isDone ? undefined : drain }
}
