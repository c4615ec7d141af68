/**
 * Manifests and lists of manifests, as the Iceberg table spec v2 has them ("Manifests", "Manifest Lists"). A manifest names data
 * files; a list names the manifests of a snapshot. What was read goes back as it was, but for who added it and when.
 */
import { CorruptDataError } from '../base/index.ts'
import { type AvroSchema, decodeAvroFile, encodeAvroFile } from './avro-file.ts'
import { FIELD, type IcebergSchema, PARTITION_SPEC } from './table-schema.ts'

/** A data file that is being added. Ranges are inclusive. */
export interface DataFile {
  readonly uri: string
  /** Days since 1970; null: its records have no timestamp. */
  readonly day: number | null
  readonly records: number
  readonly bytes: number
  /** Where its row groups begin. */
  readonly splits: readonly number[]
  readonly partitions: readonly [number, number] | undefined
  readonly offsets: readonly [number, number] | undefined
  /** Ms since 1970. */
  readonly timestamps: readonly [number, number] | undefined
  readonly withoutTimestamp: number
}

/** A row of a list of manifests; only the fields that are looked at. */
export interface ManifestRow {
  readonly manifest_path: string
  readonly manifest_length: number
  readonly sequence_number: number
  readonly min_sequence_number: number
  readonly added_snapshot_id: number
  readonly added_files_count: number
  readonly existing_files_count: number
  readonly added_rows_count: number
  readonly existing_rows_count: number
}

/** A row of a manifest; only the fields that are looked at. */
interface ManifestEntry {
  readonly status: number
  readonly snapshot_id: number | null
  readonly sequence_number: number | null
  readonly file_sequence_number: number | null
  readonly data_file: {
    readonly file_path: string
    readonly record_count: number
    readonly partition: { readonly timestamp_day: number | null }
  }
}

const STATUS = { existing: 0, added: 1 } as const

const ENTRY_SCHEMA = {
  type: 'record',
  name: 'manifest_entry',
  fields: [
    { name: 'status', type: 'int', 'field-id': 0 },
    optional('snapshot_id', 'long', 1),
    optional('sequence_number', 'long', 3),
    optional('file_sequence_number', 'long', 4),
    {
      name: 'data_file',
      'field-id': 2,
      type: {
        type: 'record',
        name: 'r2',
        fields: [
          { name: 'content', type: 'int', 'field-id': 134 },
          { name: 'file_path', type: 'string', 'field-id': 100 },
          { name: 'file_format', type: 'string', 'field-id': 101 },
          {
            name: 'partition',
            'field-id': 102,
            type: {
              type: 'record',
              name: 'r102',
              fields: [optional('timestamp_day', { type: 'int', logicalType: 'date' }, 1000)],
            },
          },
          { name: 'record_count', type: 'long', 'field-id': 103 },
          { name: 'file_size_in_bytes', type: 'long', 'field-id': 104 },
          optional('null_value_counts', byField('long', 121, 122), 110),
          optional('lower_bounds', byField('bytes', 126, 127), 125),
          optional('upper_bounds', byField('bytes', 129, 130), 128),
          optional('split_offsets', { type: 'array', items: 'long', 'element-id': 133 }, 132),
          optional('sort_order_id', 'int', 140),
        ],
      },
    },
  ],
} as unknown as AvroSchema

const LIST_SCHEMA = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    { name: 'manifest_path', type: 'string', 'field-id': 500 },
    { name: 'manifest_length', type: 'long', 'field-id': 501 },
    { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
    { name: 'content', type: 'int', 'field-id': 517 },
    { name: 'sequence_number', type: 'long', 'field-id': 515 },
    { name: 'min_sequence_number', type: 'long', 'field-id': 516 },
    { name: 'added_snapshot_id', type: 'long', 'field-id': 503 },
    { name: 'added_files_count', type: 'int', 'field-id': 504 },
    { name: 'existing_files_count', type: 'int', 'field-id': 505 },
    { name: 'deleted_files_count', type: 'int', 'field-id': 506 },
    { name: 'added_rows_count', type: 'long', 'field-id': 512 },
    { name: 'existing_rows_count', type: 'long', 'field-id': 513 },
    { name: 'deleted_rows_count', type: 'long', 'field-id': 514 },
    optional(
      'partitions',
      {
        type: 'array',
        'element-id': 508,
        items: {
          type: 'record',
          name: 'r508',
          fields: [
            { name: 'contains_null', type: 'boolean', 'field-id': 509 },
            optional('contains_nan', 'boolean', 518),
            optional('lower_bound', 'bytes', 510),
            optional('upper_bound', 'bytes', 511),
          ],
        },
      },
      507,
    ),
  ],
} as unknown as AvroSchema

function optional(name: string, type: unknown, id: number) {
  return { name, type: ['null', type], default: null, 'field-id': id }
}

/** Avro's maps have text keys only, so Iceberg keeps those with others as arrays of pairs. */
function byField(value: string, keyId: number, valueId: number) {
  return {
    type: 'array',
    logicalType: 'map',
    items: {
      type: 'record',
      name: `k${keyId}_v${valueId}`,
      fields: [
        { name: 'key', type: 'int', 'field-id': keyId },
        { name: 'value', type: value, 'field-id': valueId },
      ],
    },
  }
}

/** What a manifest or list belongs to. */
export interface SnapshotPlace {
  readonly snapshotId: number
  /** A bigint where another program drew it from all 64 bits. */
  readonly parentId: number | bigint | undefined
  readonly sequenceNumber: number
  readonly schema: IcebergSchema
}

/** The bytes of a manifest of added files, and its row for the list. */
export function writeAddedManifest(uri: string, files: readonly DataFile[], place: SnapshotPlace) {
  const entries = files.map(file => ({
    status: STATUS.added,
    snapshot_id: place.snapshotId,
    sequence_number: null,
    file_sequence_number: null,
    data_file: dataFileRow(file),
  }))
  return writeManifest(uri, entries, { place, minSequenceNumber: place.sequenceNumber })
}

/** The same of several manifests together, given as read: a manifest and its row. */
export function writeMergedManifest(
  uri: string,
  manifests: readonly { readonly row: ManifestRow; readonly bytes: Uint8Array }[],
  place: SnapshotPlace,
) {
  const entries: ManifestEntry[] = []
  for (const { row, bytes } of manifests) {
    for (const entry of readManifest(bytes)) {
      entries.push({
        ...entry,
        status: STATUS.existing,
        snapshot_id: entry.snapshot_id ?? row.added_snapshot_id,
        sequence_number: entry.sequence_number ?? row.sequence_number,
        file_sequence_number: entry.file_sequence_number ?? row.sequence_number,
      })
    }
  }
  const minSequenceNumber = Math.min(...manifests.map(({ row }) => row.min_sequence_number))
  return writeManifest(uri, entries, { place, minSequenceNumber })
}

function writeManifest(
  uri: string,
  entries: readonly ManifestEntry[],
  { place, minSequenceNumber }: { readonly place: SnapshotPlace; readonly minSequenceNumber: number },
): { readonly bytes: Buffer; readonly row: ManifestRow } {
  const metadata = {
    schema: JSON.stringify(place.schema),
    'schema-id': String(place.schema['schema-id']),
    'partition-spec': JSON.stringify(PARTITION_SPEC),
    'partition-spec-id': '0',
    'format-version': '2',
    content: 'data',
  }
  const bytes = encodeAvroFile(ENTRY_SCHEMA, metadata, entries)
  const countOf = (status: number) => {
    const some = entries.filter(entry => entry.status === status)
    return { files: some.length, rows: some.reduce((sum, { data_file }) => sum + data_file.record_count, 0) }
  }
  const added = countOf(STATUS.added)
  const existing = countOf(STATUS.existing)
  const days = entries.map(({ data_file }) => data_file.partition.timestamp_day)
  const known = days.filter(day => day !== null)
  const row = {
    manifest_path: uri,
    manifest_length: bytes.length,
    partition_spec_id: 0,
    content: 0,
    sequence_number: place.sequenceNumber,
    min_sequence_number: minSequenceNumber,
    added_snapshot_id: place.snapshotId,
    added_files_count: added.files,
    existing_files_count: existing.files,
    deleted_files_count: 0,
    added_rows_count: added.rows,
    existing_rows_count: existing.rows,
    deleted_rows_count: 0,
    partitions: [
      {
        contains_null: days.includes(null),
        contains_nan: false,
        lower_bound: known.length === 0 ? null : int32(known.reduce((least, day) => Math.min(least, day))),
        upper_bound: known.length === 0 ? null : int32(known.reduce((most, day) => Math.max(most, day))),
      },
    ],
  }
  return { bytes, row }
}

/** @throws CorruptDataError */
export function readManifest(bytes: Uint8Array): ManifestEntry[] {
  return decode('a manifest', bytes) as ManifestEntry[]
}

/** @throws CorruptDataError */
export function readManifestList(bytes: Uint8Array): ManifestRow[] {
  return decode('a list of manifests', bytes) as ManifestRow[]
}

export function writeManifestList(rows: readonly ManifestRow[], place: SnapshotPlace): Buffer {
  const metadata = {
    'snapshot-id': String(place.snapshotId),
    'parent-snapshot-id': String(place.parentId ?? null),
    'sequence-number': String(place.sequenceNumber),
    'format-version': '2',
  }
  return encodeAvroFile(LIST_SCHEMA, metadata, rows)
}

function decode(what: string, bytes: Uint8Array): unknown[] {
  try {
    return decodeAvroFile(bytes)
  } catch (error) {
    throw new CorruptDataError(`${what} of an archive: ${error instanceof Error ? error.message : error}`)
  }
}

function dataFileRow(file: DataFile) {
  const { partitions = [0, 0], offsets = [0, 0], timestamps } = file
  const boundsAt = (at: 0 | 1) => [
    { key: FIELD.partition, value: int32(partitions[at]) },
    { key: FIELD.offset, value: int64(BigInt(offsets[at])) },
    ...(timestamps ? [{ key: FIELD.timestamp, value: int64(BigInt(timestamps[at]) * 1_000n) }] : []),
  ]
  return {
    content: 0,
    file_path: file.uri,
    file_format: 'PARQUET',
    partition: { timestamp_day: file.day },
    record_count: file.records,
    file_size_in_bytes: file.bytes,
    null_value_counts: [
      { key: FIELD.partition, value: 0 },
      { key: FIELD.offset, value: 0 },
      { key: FIELD.timestamp, value: file.withoutTimestamp },
    ],
    lower_bounds: boundsAt(0),
    upper_bounds: boundsAt(1),
    split_offsets: [...file.splits],
    sort_order_id: 0,
  }
}

/** Iceberg's single values are little-endian (spec, "Binary single-value serialization"). */
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(value)
  return bytes
}
