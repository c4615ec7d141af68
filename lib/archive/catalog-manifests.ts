/** Lists of manifests that others may have written into a table of a catalog, and the data files that they lead to. */
import { CorruptDataError } from '../base/index.ts'
import type { PublishedFiles } from '../storage/index.ts'
import type { CatalogMetadata, CatalogSnapshot } from './catalog-metadata.ts'
import { nameAt } from './catalog-metadata.ts'
import { type ManifestRow, readManifest, readManifestList } from './manifest.ts'
import { needed } from './stored-archive.ts'

/** Rows that are no longer part of the table, in a manifest that others wrote. */
const STATUS_DELETED = 2
const CONTENT_DELETES = 1

/** As older versions of Iceberg's writers name some fields; readers go by their ids. */
interface ForeignRow extends Partial<ManifestRow> {
  readonly content?: number
  readonly partition_spec_id?: number
  readonly added_data_files_count?: number
  readonly existing_data_files_count?: number
  readonly deleted_data_files_count?: number
  readonly deleted_files_count?: number
  readonly deleted_rows_count?: number
  readonly partitions?: unknown
}

/** The rows of a snapshot's list, as the next snapshot's list has them. @throws StoreError, CorruptDataError */
export async function manifestRows(
  files: PublishedFiles,
  location: string,
  snapshot: CatalogSnapshot | undefined,
): Promise<ManifestRow[]> {
  if (!snapshot) return []
  const rows = readManifestList(await needed(files, nameAt(location, snapshot['manifest-list'])))
  return rows.map(row => wholeRow(row as ForeignRow))
}

function wholeRow(row: ForeignRow): ManifestRow {
  const { manifest_path, manifest_length, added_snapshot_id } = row
  if (manifest_path === undefined || manifest_length === undefined || added_snapshot_id === undefined) {
    throw new CorruptDataError('a list of manifests has rows that Varve does not know')
  }
  const whole = {
    manifest_path,
    manifest_length,
    added_snapshot_id,
    partition_spec_id: row.partition_spec_id ?? 0,
    content: row.content ?? 0,
    sequence_number: row.sequence_number ?? 0,
    min_sequence_number: row.min_sequence_number ?? 0,
    added_files_count: row.added_files_count ?? row.added_data_files_count ?? 0,
    existing_files_count: row.existing_files_count ?? row.existing_data_files_count ?? 0,
    deleted_files_count: row.deleted_files_count ?? row.deleted_data_files_count ?? 0,
    added_rows_count: row.added_rows_count ?? 0,
    existing_rows_count: row.existing_rows_count ?? 0,
    deleted_rows_count: row.deleted_rows_count ?? 0,
    partitions: row.partitions ?? null,
  }
  return whole
}

/** Names of the data files of the current snapshot. @throws StoreError, CorruptDataError */
export async function* catalogDataFiles(
  files: PublishedFiles,
  { location, current }: CatalogMetadata,
): AsyncGenerator<string> {
  for (const row of await manifestRows(files, location, current)) {
    if ((row as ForeignRow).content === CONTENT_DELETES) {
      throw new CorruptDataError(
        `another program deleted rows of the table at ${location}, which Varve does not read: compact the table, or query it with that program`,
      )
    }
    for (const { status, data_file } of readManifest(await needed(files, nameAt(location, row.manifest_path)))) {
      if (status !== STATUS_DELETED) yield nameAt(location, data_file.file_path)
    }
  }
}
