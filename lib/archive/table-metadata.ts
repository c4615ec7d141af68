/**
 * The metadata of an archive's table (Iceberg table spec v2, "Table Metadata"): pure changes of a JSON document. How far each
 * partition is archived stands in every snapshot's summary.
 */
import { CorruptDataError } from '../base/index.ts'
import type { Topic } from '../log/index.ts'
import { type EvolvedSchema, type IcebergSchema, PARTITION_SPEC, TABLE_PROPERTIES } from './table-schema.ts'

export interface Snapshot {
  readonly 'snapshot-id': number
  readonly 'parent-snapshot-id'?: number
  readonly 'sequence-number': number
  readonly 'timestamp-ms': number
  readonly 'manifest-list': string
  readonly 'schema-id': number
  readonly summary: Readonly<Record<string, string>>
}

export interface TableMetadata {
  readonly 'format-version': 2
  readonly 'table-uuid': string
  readonly location: string
  readonly 'last-sequence-number': number
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly 'current-schema-id': number
  readonly schemas: readonly IcebergSchema[]
  readonly 'default-spec-id': 0
  readonly 'partition-specs': readonly [{ readonly 'spec-id': 0; readonly fields: typeof PARTITION_SPEC }]
  readonly 'last-partition-id': number
  readonly 'default-sort-order-id': 0
  readonly 'sort-orders': readonly [{ readonly 'order-id': 0; readonly fields: readonly [] }]
  readonly properties: Readonly<Record<string, string>>
  readonly 'current-snapshot-id': number
  readonly refs: { readonly main: { readonly 'snapshot-id': number; readonly type: 'branch' } }
  readonly snapshots: readonly Snapshot[]
  readonly 'snapshot-log': readonly { readonly 'snapshot-id': number; readonly 'timestamp-ms': number }[]
  readonly 'metadata-log': readonly { readonly 'metadata-file': string; readonly 'timestamp-ms': number }[]
}

export interface Appending {
  readonly topic: Topic
  readonly location: string
  readonly evolved: EvolvedSchema
  readonly snapshotId: number
  readonly manifestList: string
  readonly addedFiles: number
  readonly addedRecords: number
  readonly addedBytes: number
  /** Next offset to be archived, by partition. */
  readonly offsets: readonly number[]
  readonly now: number
  /** The file of the metadata that this follows. */
  readonly formerFile: string | undefined
  readonly snapshotsKept: number
}

/** The metadata with one more snapshot, and those that it lets go. */
export function appendSnapshot(
  former: TableMetadata | undefined,
  change: Appending,
): { readonly metadata: TableMetadata; readonly expired: readonly Snapshot[] } {
  const { topic, evolved, snapshotId, offsets, snapshotsKept } = change
  const current = former && currentSnapshot(former)
  // Iceberg's readers want times that do not run backwards.
  const time = Math.max(Math.floor(change.now), (former?.['last-updated-ms'] ?? 0) + 1)
  const sequenceNumber = (former?.['last-sequence-number'] ?? 0) + 1
  const total = (name: string) => Number(current?.summary[name] ?? 0)
  const snapshot: Snapshot = {
    'snapshot-id': snapshotId,
    ...(current && { 'parent-snapshot-id': current['snapshot-id'] }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': time,
    'manifest-list': change.manifestList,
    'schema-id': evolved.schema['schema-id'],
    summary: {
      operation: 'append',
      'added-data-files': String(change.addedFiles),
      'added-records': String(change.addedRecords),
      'added-files-size': String(change.addedBytes),
      'total-data-files': String(total('total-data-files') + change.addedFiles),
      'total-records': String(total('total-records') + change.addedRecords),
      'total-files-size': String(total('total-files-size') + change.addedBytes),
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
      'varve.next-offsets': JSON.stringify(offsets),
    },
  }
  const snapshots = [...(former?.snapshots ?? []), snapshot]
  const expired = snapshots.slice(0, -snapshotsKept)
  const kept = snapshots.slice(-snapshotsKept)
  const log = change.formerFile
    ? [{ 'metadata-file': change.formerFile, 'timestamp-ms': former?.['last-updated-ms'] ?? time }]
    : []
  const schemas = former?.schemas ?? []
  const metadata: TableMetadata = {
    'format-version': 2,
    'table-uuid': uuidOf(topic.id),
    location: change.location,
    'last-sequence-number': sequenceNumber,
    'last-updated-ms': time,
    'last-column-id': evolved.lastColumnId,
    'current-schema-id': evolved.schema['schema-id'],
    schemas: evolved.isNew ? [...schemas, evolved.schema] : schemas,
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: PARTITION_SPEC }],
    'last-partition-id': PARTITION_SPEC[0]!['field-id'],
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    properties: {
      'varve.topic': topic.name,
      'varve.topic-id': topic.id,
      ...TABLE_PROPERTIES,
    },
    'current-snapshot-id': snapshotId,
    refs: { main: { 'snapshot-id': snapshotId, type: 'branch' } },
    snapshots: kept,
    'snapshot-log': kept.map(one => ({ 'snapshot-id': one['snapshot-id'], 'timestamp-ms': one['timestamp-ms'] })),
    'metadata-log': [...(former?.['metadata-log'] ?? []), ...log].slice(1 - snapshotsKept),
  }
  return { metadata, expired }
}

export function currentSnapshot(metadata: TableMetadata): Snapshot {
  const id = metadata['current-snapshot-id']
  const snapshot = metadata.snapshots.find(one => one['snapshot-id'] === id)
  if (!snapshot) throw new CorruptDataError(`the archive at ${metadata.location} has no snapshot ${id}`)
  return snapshot
}

export function encodeMetadata(metadata: TableMetadata): Buffer {
  return Buffer.from(JSON.stringify(metadata, null, 1))
}

/** @throws CorruptDataError */
export function decodeMetadata(bytes: Uint8Array): TableMetadata {
  try {
    const metadata = JSON.parse(Buffer.from(bytes).toString('utf8')) as TableMetadata
    if (metadata['format-version'] === 2 && Array.isArray(metadata.snapshots)) return metadata
  } catch {}
  throw new CorruptDataError("an archive's metadata is damaged, or was written by another program")
}

function uuidOf(id: string): string {
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
