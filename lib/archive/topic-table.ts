/**
 * A topic as files of Parquet, each record once: those of its archive, and what is not archived yet, written beside them. The
 * archive's offsets, read with its metadata, are where the one ends and the other begins.
 */
import type { Logger } from '../base/index.ts'
import type { Log, Topic } from '../log/index.ts'
import type { ItemStore, PublishedFiles } from '../storage/index.ts'
import { DEFAULT_ARCHIVE_LIMITS } from './limits.ts'
import { readRecords } from './read-records.ts'
import { readArchive } from './stored-archive.ts'
import { columnsOf, evolveSchema, type IcebergField } from './table-schema.ts'

export interface TopicTableParts {
  readonly log: Log
  readonly items: ItemStore
  /** Of the archives. */
  readonly files: PublishedFiles
  readonly logger: Logger
  /** Where the rest of the records goes. */
  readonly scratch: PublishedFiles
  readonly signal: AbortSignal
  /** Told of records that were written there. */
  readonly onRecord: (bytes: number) => void
}

export interface TopicTable {
  /** Names of the archive's data files. */
  readonly archived: readonly string[]
  /** URIs of files in `scratch`. */
  readonly live: readonly string[]
  /** The columns, with the ids that the files have them by. */
  readonly fields: readonly IcebergField[]
}

/** `name` begins the names of files in `scratch`. @throws StoreError, CorruptDataError, LogError UNKNOWN_TOPIC */
export async function topicTable(parts: TopicTableParts, topic: Topic, name: string): Promise<TopicTable> {
  const { log, items, files, scratch, signal, onRecord } = parts
  // What reads and writes Parquet and Avro is loaded where it is used.
  const { DayFiles } = await import('./day-files.ts')
  const { dataFiles, readMetadata } = await import('./table-reader.ts')
  const stored = await readArchive(items, topic.id)
  const metadata = stored && (await readMetadata(files, topic, stored.item))
  const columns = columnsOf(topic)
  const { schema } = evolveSchema(columns, metadata?.schemas, metadata?.['last-column-id'])
  const live = new DayFiles({ ...DEFAULT_ARCHIVE_LIMITS, files: scratch, prefix: name, schema, columns })
  await readRecords(parts, {
    topic,
    offsets: stored?.item.offsets ?? [],
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
  if (metadata) for await (const file of dataFiles(files, topic, metadata)) archived.push(file)
  return { archived, live: written.map(({ uri }) => uri), fields: schema.fields }
}
