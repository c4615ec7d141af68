/** One commit of an archive, where its table is: in the folder of archives, or in a catalog. */
import { archiveIntoCatalog } from './archive-into-catalog.ts'
import { type ArchivedSome, type ArchiveParts, type ArchiveRun, archiveSome } from './archive-some.ts'
import { catalogOf } from './catalog-table.ts'
import { readArchive } from './stored-archive.ts'

/** Undefined: another process is at it, or the run was stopped. @throws StoreError, CorruptDataError, LogError UNKNOWN_TOPIC */
export async function archiveTopic(parts: ArchiveParts, run: ArchiveRun): Promise<ArchivedSome | undefined> {
  const { topic } = run
  const catalog = catalogOf(parts.catalog, topic, (await readArchive(parts.items, topic.id))?.item)
  return catalog ? archiveIntoCatalog({ ...parts, catalog }, run) : archiveSome(parts, run)
}
