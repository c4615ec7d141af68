/** What an archive's current metadata leads to: lists of manifests, manifests, data files. */
import type { Topic } from '../log/index.ts'
import type { PublishedFiles } from '../storage/index.ts'
import type { ArchiveItem } from './archive-item.ts'
import { type ManifestRow, readManifest, readManifestList } from './manifest.ts'
import { nameIn, needed, tableFolder } from './stored-archive.ts'
import { currentSnapshot, decodeMetadata, type Snapshot, type TableMetadata } from './table-metadata.ts'

/** Undefined: there is no table yet. @throws StoreError, CorruptDataError */
export async function readMetadata(
  files: PublishedFiles,
  topic: Pick<Topic, 'id' | 'name'>,
  { metadata }: ArchiveItem,
): Promise<TableMetadata | undefined> {
  return metadata === '' ? undefined : decodeMetadata(await needed(files, `${tableFolder(topic)}/${metadata}`))
}

/** @throws StoreError, CorruptDataError */
export async function readManifests(
  files: PublishedFiles,
  topic: Pick<Topic, 'id' | 'name'>,
  snapshot: Snapshot,
): Promise<ManifestRow[]> {
  return readManifestList(await needed(files, nameIn(topic, snapshot['manifest-list'])))
}

/** Names of the data files of the current snapshot. @throws StoreError, CorruptDataError */
export async function* dataFiles(
  files: PublishedFiles,
  topic: Pick<Topic, 'id' | 'name'>,
  metadata: TableMetadata,
): AsyncGenerator<string> {
  for (const { manifest_path } of await readManifests(files, topic, currentSnapshot(metadata))) {
    for (const { data_file } of readManifest(await needed(files, nameIn(topic, manifest_path)))) {
      yield nameIn(topic, data_file.file_path)
    }
  }
}
