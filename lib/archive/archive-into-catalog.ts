/**
 * One commit of an archive whose table is in a catalog: some of the records that are not archived yet become data files of the table,
 * each once. The catalog's commit decides, and it alone: it adds the snapshot, says how far the partitions are archived (a property
 * of the table), and requires that the table's snapshot is the one that offsets and snapshot were made from, all in one step.
 *
 * 1. Find or make the table; the pointer names it before anything is committed to it.
 * 2. Load the table: its offsets are where to go on, its snapshot is what the next one follows.
 * 3. Put data files, manifest, list of manifests in the table's folder: nobody reads them yet.
 * 4. Commit. Whoever committed meanwhile, another process or the catalog's own maintenance, makes it refused: then load again, and if
 *    the offsets are still those, the same files follow the snapshot that is there now.
 * 5. Write the offsets to the pointer, which is what retention looks at. It may be behind the table, and is then taken as what is due.
 *
 * An outcome that is not known is looked for: our snapshot's id is in the table, or it is not, and what comes late is refused, for who
 * came next has changed the snapshot. A crash before 4 leaves files that nothing names: they are the catalog's to clean up, as
 * elsewhere with Iceberg, because nobody here can know that a commit which names them will not come late.
 */
import type { Topic } from '../log/index.ts'
import { type PublishedFiles, StoreError } from '../storage/index.ts'
import { NO_ARCHIVE } from './archive-item.ts'
import type { ArchivedSome, ArchiveParts, ArchiveRun } from './archive-some.ts'
import { manifestRows } from './catalog-manifests.ts'
import { archivedOffsets, type CatalogMetadata, type CatalogSnapshot, PROPERTY } from './catalog-metadata.ts'
import { type CatalogTable, openCatalogTable } from './catalog-table.ts'
import { DayFiles } from './day-files.ts'
import { type DataFile, writeAddedManifest, writeManifestList } from './manifest.ts'
import { readRecords } from './read-records.ts'
import { drawAttempt, readArchive, type StoredArchive, swapArchive } from './stored-archive.ts'
import type { TableCatalog, TableChange, TableUpdate } from './table-catalog.ts'
import { columnsOf, type EvolvedSchema, evolveSchema } from './table-schema.ts'

/** Others may commit so often between one look and the commit; then the next pass tries again. */
const COMMITS_MAX = 5

/** Undefined: another process is at it, or the run was stopped. @throws StoreError, CorruptDataError, LogError UNKNOWN_TOPIC */
export async function archiveIntoCatalog(
  parts: ArchiveParts & { readonly catalog: TableCatalog },
  run: ArchiveRun,
): Promise<ArchivedSome | undefined> {
  const { catalog, clock, limits } = parts
  const { topic } = run
  const found = await readArchive(parts.items, topic.id)
  const table = await openCatalogTable(catalog, topic, found?.item)
  const stored = await nameTable(parts, topic, { found, table })
  if (!stored) return undefined
  const { location, schemas, lastColumnId } = table.metadata
  const files = catalog.filesAt(location)
  const offsets = archivedOffsets(table.metadata)
  const columns = columnsOf(topic)
  const evolved = evolveSchema(columns, schemas, lastColumnId)
  const attempt = drawAttempt(parts.random, clock.now())
  const dayFiles = new DayFiles({ ...limits, files, prefix: `data/${attempt}`, schema: evolved.schema, columns })
  const read = await readRecords(parts, {
    ...run,
    offsets,
    onRecord: (partition, record) => dayFiles.add(partition, record),
    isFull: bytes => bytes >= limits.commitBytes || dayFiles.count >= limits.commitFiles,
  })
  if (run.signal.aborted) return undefined
  const added = await dayFiles.finish()
  if (added.length > 0) {
    const adding = { table, files, attempt, evolved, added, before: offsets, offsets: read.offsets }
    if (!(await commit(parts, run, adding))) return undefined
  }
  // Where somebody else was faster, his offsets are as good, and the next look takes up the rest.
  await swapArchive(parts, topic.id, stored.version, { ...stored.item, offsets: read.offsets })
  return { records: added.reduce((sum, { records }) => sum + records, 0), files: added.length, isFull: read.isFull }
}

/** The pointer, which names the table. */
async function nameTable(
  parts: ArchiveParts,
  topic: Topic,
  { found, table }: { readonly found: StoredArchive | undefined; readonly table: CatalogTable },
): Promise<StoredArchive | undefined> {
  if (found && found.item.table === table.name) return found
  const item = { ...(found?.item ?? { ...NO_ARCHIVE, topicName: topic.name }), table: table.name }
  const version = await swapArchive(parts, topic.id, found?.version ?? 'absent', item)
  return version === undefined ? undefined : { item, version }
}

interface Adding {
  readonly table: CatalogTable
  readonly files: PublishedFiles
  readonly attempt: string
  readonly evolved: EvolvedSchema
  readonly added: readonly DataFile[]
  /** How far the table was archived when the records were read. */
  readonly before: readonly number[]
  /** How far it is with them. */
  readonly offsets: readonly number[]
}

/** False: the table goes on from elsewhere by now. @throws StoreError, CorruptDataError */
async function commit(
  parts: ArchiveParts & { readonly catalog: TableCatalog },
  { topic, signal }: ArchiveRun,
  adding: Adding,
): Promise<boolean> {
  const { catalog } = parts
  const { name } = adding.table
  let { metadata } = adding.table
  let refused: string | undefined
  for (let at = 1; at <= COMMITS_MAX && !signal.aborted; at++) {
    const snapshot = await writeSnapshot(parts, topic, {
      ...adding,
      metadata,
      list: `${adding.attempt}-list-${at}.avro`,
    })
    const change = changeOf(topic, metadata, { ...adding, snapshot })
    let failure: unknown
    refused = await catalog.commit(name, change).catch(error => {
      failure = error
      return ''
    })
    if (refused === undefined) return true
    // Even where it was refused: something on the way may have sent it twice.
    const now = await catalog.load(name)
    if (now?.snapshots.some(one => one['snapshot-id'] === snapshot['snapshot-id'])) return true
    if (failure !== undefined) throw failure
    const isSame = now?.uuid === metadata.uuid && sameJson(now.schemas, metadata.schemas)
    if (!isSame || !sameJson(archivedOffsets(now), adding.before)) return false
    metadata = now
  }
  if (signal.aborted) return false
  throw new StoreError(
    'STORE_THROTTLED',
    `${catalog.name} refuses commits to the table ${name} again and again: ${refused}`,
  )
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

interface Following extends Adding {
  /** The table as it is followed. */
  readonly metadata: CatalogMetadata
  readonly list: string
}

/** Puts what the snapshot is made of. */
async function writeSnapshot(parts: ArchiveParts, topic: Topic, following: Following): Promise<CatalogSnapshot> {
  const { metadata, files, attempt, evolved, added } = following
  const { current, location } = metadata
  const place = {
    snapshotId: Number.parseInt(attempt.slice(-14), 16),
    parentId: current?.['snapshot-id'],
    sequenceNumber: metadata.lastSequenceNumber + 1,
    schema: evolved.schema,
  }
  const manifestName = `metadata/${attempt}-added.avro`
  const manifest = writeAddedManifest(files.uri(manifestName), added, place)
  await files.put(manifestName, [manifest.bytes])
  const rows = await manifestRows(files, location, current)
  const listName = `metadata/${following.list}`
  await files.put(listName, [writeManifestList([...rows, manifest.row], place)])
  const records = added.reduce((sum, file) => sum + file.records, 0)
  const bytes = added.reduce((sum, file) => sum + file.bytes, 0)
  const total = (name: string) => Number(current?.summary?.[name] ?? 0)
  return {
    'snapshot-id': place.snapshotId,
    ...(place.parentId !== undefined && { 'parent-snapshot-id': place.parentId }),
    'sequence-number': place.sequenceNumber,
    // Iceberg's readers want times that do not run backwards.
    'timestamp-ms': Math.max(Math.floor(parts.clock.now()), metadata.updatedAt + 1),
    'manifest-list': files.uri(listName),
    'schema-id': evolved.schema['schema-id'],
    summary: {
      operation: 'append',
      'added-data-files': String(added.length),
      'added-records': String(records),
      'added-files-size': String(bytes),
      'total-data-files': String(total('total-data-files') + added.length),
      'total-records': String(total('total-records') + records),
      'total-files-size': String(total('total-files-size') + bytes),
      'total-delete-files': String(total('total-delete-files')),
      'total-position-deletes': String(total('total-position-deletes')),
      'total-equality-deletes': String(total('total-equality-deletes')),
      [PROPERTY.topicId]: topic.id,
      [PROPERTY.offsets]: JSON.stringify(following.offsets),
    },
  }
}

function changeOf(
  topic: Topic,
  metadata: CatalogMetadata,
  { evolved, offsets, snapshot }: Adding & { readonly snapshot: CatalogSnapshot },
): TableChange {
  const { schema, isNew, lastColumnId } = evolved
  const updates: TableUpdate[] = []
  if (isNew) updates.push({ action: 'add-schema', schema, 'last-column-id': lastColumnId })
  if (schema['schema-id'] !== metadata.currentSchemaId) {
    updates.push({ action: 'set-current-schema', 'schema-id': schema['schema-id'] })
  }
  updates.push(
    { action: 'add-snapshot', snapshot },
    { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': snapshot['snapshot-id'] },
    {
      action: 'set-properties',
      updates: {
        [PROPERTY.topic]: topic.name,
        [PROPERTY.topicId]: topic.id,
        [PROPERTY.offsets]: JSON.stringify(offsets),
      },
    },
  )
  return {
    requirements: [
      { type: 'assert-table-uuid', uuid: metadata.uuid },
      { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': metadata.current?.['snapshot-id'] ?? null },
      ...(isNew
        ? [{ type: 'assert-last-assigned-field-id' as const, 'last-assigned-field-id': metadata.assignedColumnId }]
        : []),
    ],
    updates,
  }
}
