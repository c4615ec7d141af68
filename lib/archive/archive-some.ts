/**
 * One commit of an archive: some of the records that are not archived yet become data files of the table, each once.
 *
 * 1. Begin: the pointer names this attempt. Whoever was at it before cannot end any more.
 * 2. Clear away what others left: files of attempts that came to nothing, files that are needed no more.
 * 3. Put data files, manifests, metadata: nobody reads them yet.
 * 4. Compare-and-swap the pointer from 1: the new metadata is current, and the offsets are archived, in one step.
 * 5. Publish: `vN.metadata.json`, and `version-hint.text`, which readers of the folder look at.
 * A crash before 4 leaves files, which the next attempt clears away; one before 5 an older table, which the next look mends.
 */
import type { Clock, Logger } from '../base/index.ts'
import type { Log, Topic } from '../log/index.ts'
import type { ArchiveItem } from './archive-item.ts'
import { NO_ARCHIVE } from './archive-item.ts'
import { DayFiles } from './day-files.ts'
import type { ArchiveLimits } from './limits.ts'
import {
  type DataFile,
  type ManifestRow,
  type SnapshotPlace,
  writeAddedManifest,
  writeManifestList,
  writeMergedManifest,
} from './manifest.ts'
import { readRecords } from './read-records.ts'
import {
  type ArchiveStores,
  attemptTime,
  clearAway,
  drawAttempt,
  nameIn,
  needed,
  publish,
  publishedName,
  readArchive,
  type StoredArchive,
  swapArchive,
  tableFolder,
} from './stored-archive.ts'
import type { TableCatalog } from './table-catalog.ts'
import { appendSnapshot, currentSnapshot, encodeMetadata, type Snapshot, type TableMetadata } from './table-metadata.ts'
import { readManifests, readMetadata } from './table-reader.ts'
import { columnsOf, type EvolvedSchema, evolveSchema } from './table-schema.ts'

export interface ArchiveParts extends ArchiveStores {
  readonly log: Log
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: ArchiveLimits
  /** Where new tables are made; absent: in the folder of archives. */
  readonly catalog?: TableCatalog | undefined
}

export interface ArchiveRun {
  readonly topic: Topic
  /** By partition, where to stop. */
  readonly ends: readonly number[]
  readonly signal: AbortSignal
  /** Between one piece of work and the next. */
  readonly pause: () => Promise<void>
}

export interface ArchivedSome {
  readonly records: number
  readonly files: number
  /** The commit was full: there is more to do at once. */
  readonly isFull: boolean
}

/** Files of an attempt that came to nothing may still come after so long. */
const ABANDONED_MS = 24 * 3_600_000
const ABANDONED_MAX = 32

/** Undefined: another process is at it, or the run was stopped. @throws StoreError, CorruptDataError, LogError UNKNOWN_TOPIC */
export async function archiveSome(parts: ArchiveParts, run: ArchiveRun): Promise<ArchivedSome | undefined> {
  const { topic } = run
  const begun = await begin(parts, topic)
  if (!begun) return undefined
  await clearAway(parts, topic, begun.item)
  const former = await readMetadata(parts.files, topic, begun.item)
  const columns = columnsOf(topic)
  const evolved = evolveSchema(columns, former?.schemas, former?.['last-column-id'])
  const { attempt } = begun.item
  const prefix = `${tableFolder(topic)}/data/${attempt}`
  const dayFiles = new DayFiles({ ...parts, ...parts.limits, prefix, schema: evolved.schema, columns })
  const { limits } = parts
  const read = await readRecords(parts, {
    ...run,
    offsets: begun.item.offsets,
    onRecord: (partition, record) => dayFiles.add(partition, record),
    isFull: bytes => bytes >= limits.commitBytes || dayFiles.count >= limits.commitFiles,
  })
  if (run.signal.aborted) return undefined
  const added = await dayFiles.finish()
  const recent = begun.item.abandoned.filter(one => attemptTime(one) > parts.clock.now() - ABANDONED_MS)
  const unchanged = { ...begun.item, offsets: read.offsets, attempt: '', abandoned: recent, removing: [] }
  const item =
    added.length === 0
      ? unchanged
      : await writeTable(parts, topic, { begun: unchanged, former, attempt, evolved, added })
  if (run.signal.aborted || !(await swapArchive(parts, topic.id, begun.version, item))) return undefined
  if (added.length > 0) await publish(parts, topic, item)
  return { records: added.reduce((sum, { records }) => sum + records, 0), files: added.length, isFull: read.isFull }
}

async function begin(parts: ArchiveParts, topic: Topic): Promise<StoredArchive | undefined> {
  const stored = await readArchive(parts.items, topic.id)
  const former = stored?.item ?? { ...NO_ARCHIVE, topicName: topic.name }
  if (former.table !== '') return undefined
  const abandoned = [...former.abandoned, former.attempt].filter(attempt => attempt !== '').slice(-ABANDONED_MAX)
  const item = { ...former, abandoned, attempt: drawAttempt(parts.random, parts.clock.now()) }
  const version = await swapArchive(parts, topic.id, stored?.version ?? 'absent', item)
  return version === undefined ? undefined : { item, version }
}

interface NewTable {
  /** The pointer, but for what the new metadata changes in it. */
  readonly begun: ArchiveItem
  readonly former: TableMetadata | undefined
  readonly attempt: string
  readonly evolved: EvolvedSchema
  readonly added: readonly DataFile[]
}

/** Puts manifests and metadata; the pointer that makes them current. */
async function writeTable(
  parts: ArchiveParts,
  topic: Topic,
  { begun, former, attempt, evolved, added }: NewTable,
): Promise<ArchiveItem> {
  const { files, clock } = parts
  const { snapshotsKept } = parts.limits
  const folder = tableFolder(topic)
  const put = async (name: string, bytes: Uint8Array) => {
    await files.put(`${folder}/${name}`, [bytes])
    return files.uri(`${folder}/${name}`)
  }
  const parent = former && currentSnapshot(former)
  const place: SnapshotPlace = {
    snapshotId: Number.parseInt(attempt.slice(-14), 16),
    parentId: parent?.['snapshot-id'],
    sequenceNumber: (former?.['last-sequence-number'] ?? 0) + 1,
    schema: evolved.schema,
  }
  const names = { added: `metadata/${attempt}-added.avro`, list: `metadata/${attempt}-list.avro` }
  const manifest = writeAddedManifest(files.uri(`${folder}/${names.added}`), added, place)
  await put(names.added, manifest.bytes)
  const rows = parent ? await readManifests(files, topic, parent) : []
  const merged = await mergeManifests(parts, topic, { rows, place, name: `metadata/${attempt}-merged.avro` })
  const manifestList = await put(names.list, writeManifestList([...merged, manifest.row], place))
  const { metadata, expired } = appendSnapshot(former, {
    topic,
    location: files.uri(folder),
    evolved,
    snapshotId: place.snapshotId,
    manifestList,
    addedFiles: added.length,
    addedRecords: added.reduce((sum, { records }) => sum + records, 0),
    addedBytes: added.reduce((sum, { bytes }) => sum + bytes, 0),
    offsets: begun.offsets,
    now: clock.now(),
    formerFile: former && files.uri(`${folder}/${publishedName(begun.edition)}`),
    snapshotsKept,
  })
  const name = `metadata/${attempt}.metadata.json`
  await put(name, encodeMetadata(metadata))
  const edition = begun.edition + 1
  const removing = [
    ...(begun.metadata === '' ? [] : [begun.metadata]),
    ...(edition > snapshotsKept ? [publishedName(edition - snapshotsKept)] : []),
    ...(await onlyNeededBy(parts, topic, expired, metadata.snapshots[0]!)),
  ]
  return { ...begun, edition, metadata: name, removing }
}

/** Small manifests become one when there are many, so that a reader reads few. The list's rows. */
async function mergeManifests(
  { files, limits }: ArchiveParts,
  topic: Topic,
  {
    rows,
    place,
    name,
  }: { readonly rows: readonly ManifestRow[]; readonly place: SnapshotPlace; readonly name: string },
): Promise<readonly ManifestRow[]> {
  const filesIn = (row: ManifestRow) => row.added_files_count + row.existing_files_count
  const small = rows.filter(row => filesIn(row) < limits.mergedFiles)
  if (small.length < limits.mergeCount) return rows
  const some: ManifestRow[] = []
  let count = 0
  for (const row of small) {
    if (some.length > 1 && count + filesIn(row) > limits.mergedFiles) break
    some.push(row)
    count += filesIn(row)
  }
  const read = await Promise.all(
    some.map(async row => ({ row, bytes: await needed(files, nameIn(topic, row.manifest_path)) })),
  )
  const full = `${tableFolder(topic)}/${name}`
  const merged = writeMergedManifest(files.uri(full), read, place)
  await files.put(full, [merged.bytes])
  return [...rows.filter(row => !some.includes(row)), merged.row]
}

/** Lists and manifests of expired snapshots that the oldest kept one does not name: later ones cannot either. */
async function onlyNeededBy(
  { files }: ArchiveParts,
  topic: Topic,
  expired: readonly Snapshot[],
  oldestKept: Snapshot,
): Promise<string[]> {
  if (expired.length === 0) return []
  const kept = new Set((await readManifests(files, topic, oldestKept)).map(row => row.manifest_path))
  const uris: string[] = []
  for (const snapshot of expired) {
    uris.push(snapshot['manifest-list'])
    for (const { manifest_path } of await readManifests(files, topic, snapshot)) {
      if (!kept.has(manifest_path)) uris.push(manifest_path)
    }
  }
  const folder = `${tableFolder(topic)}/`
  return [...new Set(uris)].map(uri => nameIn(topic, uri).slice(folder.length))
}
