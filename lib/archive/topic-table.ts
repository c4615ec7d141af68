/**
 * A topic as files of Parquet, each record once: those of its archive, and what is not archived yet, written beside them. The
 * archive's offsets, read with its metadata, are where the one ends and the other begins.
 */
import type { Logger } from '../base/index.ts'
import type { Log, Topic } from '../log/index.ts'
import type { ItemStore, PublishedFiles } from '../storage/index.ts'
import { catalogOf, openCatalogTable } from './catalog-table.ts'
import { DEFAULT_ARCHIVE_LIMITS } from './limits.ts'
import { readRecords } from './read-records.ts'
import { readArchive } from './stored-archive.ts'
import type { TableCatalog } from './table-catalog.ts'
import { columnsOf, evolveSchema, type IcebergField } from './table-schema.ts'

export interface TopicTableParts {
  readonly log: Log
  readonly items: ItemStore
  /** Of the archives. */
  readonly files: PublishedFiles
  readonly logger: Logger
  /** Of archives whose tables are in one. */
  readonly catalog?: TableCatalog | undefined
  /** Where the rest of the records goes. */
  readonly scratch: PublishedFiles
  readonly signal: AbortSignal
  /** Told of records that were written there. */
  readonly onRecord: (bytes: number) => void
}

export interface TopicTable {
  /** Names of the archive's data files, in `files`. */
  readonly archived: readonly string[]
  readonly files: PublishedFiles
  /** URIs of files in `scratch`. */
  readonly live: readonly string[]
  /** The columns, with the ids that the files have them by. */
  readonly fields: readonly IcebergField[]
}

/** `name` begins the names of files in `scratch`. @throws StoreError, CorruptDataError, LogError UNKNOWN_TOPIC */
export async function topicTable(parts: TopicTableParts, topic: Topic, name: string): Promise<TopicTable> {
  const { log, scratch, signal, onRecord } = parts
  // What reads and writes Parquet and Avro is loaded where it is used.
  const { DayFiles } = await import('./day-files.ts')
  const archive = await archivedPart(parts, topic)
  const columns = columnsOf(topic)
  const { schema } = evolveSchema(columns, archive.schemas, archive.lastColumnId)
  const live = new DayFiles({ ...DEFAULT_ARCHIVE_LIMITS, files: scratch, prefix: name, schema, columns })
  await readRecords(parts, {
    topic,
    offsets: archive.offsets,
    ends: (await log.standings(topic)).map(({ stable }) => stable),
    signal,
    pause: () => Promise.resolve(),
    onRecord: async (partition, record) => {
      await live.add(partition, record)
      onRecord((record.key?.length ?? 0) + (record.value?.length ?? 0))
    },
    isFull: () => false,
  })
  const written = await live.finish()
  const archived: string[] = []
  for await (const file of archive.names) archived.push(file)
  return { archived, files: archive.files, live: written.map(({ uri }) => uri), fields: schema.fields }
}

/** What is archived, by one look at the table: its offsets and its files are of the same commit. */
async function archivedPart({ items, files, catalog }: TopicTableParts, topic: Topic) {
  const stored = await readArchive(items, topic.id)
  const inCatalog = catalogOf(catalog, topic, stored?.item)
  if (inCatalog && stored && stored.item.table !== '') {
    const { archivedOffsets } = await import('./catalog-metadata.ts')
    const { catalogDataFiles } = await import('./catalog-manifests.ts')
    const { metadata } = await openCatalogTable(inCatalog, topic, stored.item)
    const { schemas, lastColumnId, location } = metadata
    const files = inCatalog.filesAt(location)
    const names = catalogDataFiles(files, metadata)
    return { files, schemas, lastColumnId, offsets: archivedOffsets(metadata), names }
  }
  const { dataFiles, readMetadata } = await import('./table-reader.ts')
  const metadata = stored && (await readMetadata(files, topic, stored.item))
  return {
    files,
    schemas: metadata?.schemas,
    lastColumnId: metadata?.['last-column-id'],
    offsets: stored?.item.offsets ?? [],
    names: metadata ? dataFiles(files, topic, metadata) : [],
  }
}
