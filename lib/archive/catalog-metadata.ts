/**
 * A table's metadata as a catalog tells it (Iceberg table spec v2, "Table Metadata"), which others have written too: what is looked at,
 * checked. How far the topic is archived stands in a property that changes with every commit, and in the summaries of snapshots.
 */
import { CorruptDataError } from '../base/index.ts'
import type { Topic } from '../log/index.ts'
import {
  FIXED_IDS,
  type IcebergField,
  type IcebergSchema,
  type IcebergType,
  PARTITION_SPEC,
  RECORD_FIELDS,
} from './table-schema.ts'

/** A bigint where a number would not be exact. */
export type SnapshotId = number | bigint

export interface CatalogSnapshot {
  readonly 'snapshot-id': SnapshotId
  readonly 'parent-snapshot-id'?: SnapshotId
  readonly 'sequence-number': number
  readonly 'timestamp-ms': number
  readonly 'manifest-list': string
  readonly 'schema-id'?: number
  readonly summary?: Readonly<Record<string, string>>
}

export interface CatalogMetadata {
  readonly uuid: string
  readonly location: string
  readonly lastSequenceNumber: number
  /** Ms since 1970. */
  readonly updatedAt: number
  readonly lastColumnId: number
  /** As the catalog has it. */
  readonly assignedColumnId: number
  readonly currentSchemaId: number
  readonly schemas: readonly IcebergSchema[]
  readonly properties: Readonly<Record<string, string>>
  readonly current: CatalogSnapshot | undefined
  readonly snapshots: readonly CatalogSnapshot[]
  /** Why Varve cannot write to the table, or undefined where it can. */
  readonly flaw: string | undefined
}

export const PROPERTY = { topic: 'varve.topic', topicId: 'varve.topic-id', offsets: 'varve.next-offsets' } as const

interface StoredMetadata {
  readonly 'format-version': number
  readonly 'table-uuid': string
  readonly location: string
  readonly 'last-sequence-number'?: number
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly 'current-schema-id': number
  readonly schemas: readonly IcebergSchema[]
  readonly 'default-spec-id': number
  readonly 'partition-specs': readonly { readonly 'spec-id': number; readonly fields: readonly SpecField[] }[]
  readonly properties?: Readonly<Record<string, string>>
  readonly 'current-snapshot-id'?: SnapshotId | null
  readonly snapshots?: readonly CatalogSnapshot[]
}

type SpecField = (typeof PARTITION_SPEC)[number]

/** JSON whose whole numbers are exact: bigints where a number is not. @throws SyntaxError */
export function parseExact(text: string): unknown {
  return JSON.parse(text, exact)
}

/** The third argument of a reviver has the number's text (ECMAScript, "JSON.parse source text access"). */
function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const source = context?.source ?? ''
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

/** The other way round. */
export function writeExact(value: unknown): string {
  return JSON.stringify(value, (_key, member) => (typeof member === 'bigint' ? rawJson(String(member)) : member))
}

function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)
}

/** @throws CorruptDataError */
export function readCatalogMetadata(value: unknown): CatalogMetadata {
  const stored = value as Partial<StoredMetadata> | null | undefined
  if (!isMetadata(stored)) throw new CorruptDataError('a catalog told of a table in a way that Varve does not know')
  const { properties = {}, snapshots = [] } = stored
  const id = stored['current-snapshot-id'] ?? -1
  const current = snapshots.find(one => one['snapshot-id'] === id)
  if (!current && id !== -1)
    throw new CorruptDataError(`a catalog told of a table at ${stored.location} without its snapshot`)
  return {
    uuid: stored['table-uuid'],
    location: stored.location.replace(/\/+$/, ''),
    lastSequenceNumber: stored['last-sequence-number'] ?? 0,
    updatedAt: stored['last-updated-ms'],
    // Fields that every archive will have some day can so still get ids that no column has.
    lastColumnId: Math.max(stored['last-column-id'], FIXED_IDS),
    assignedColumnId: stored['last-column-id'],
    currentSchemaId: stored['current-schema-id'],
    schemas: stored.schemas.map(tidySchema),
    properties,
    current,
    snapshots,
    flaw: flawOf(stored),
  }
}

function isMetadata(stored: Partial<StoredMetadata> | null | undefined): stored is StoredMetadata {
  return (
    typeof stored?.location === 'string' &&
    typeof stored['table-uuid'] === 'string' &&
    Array.isArray(stored.schemas) &&
    Array.isArray(stored['partition-specs'])
  )
}

function flawOf(stored: StoredMetadata): string | undefined {
  if (stored['format-version'] !== 2) return `it has the format ${stored['format-version']}, not 2`
  const schema = stored.schemas.find(one => one['schema-id'] === stored['current-schema-id'])
  const fields = schema?.fields.slice(0, RECORD_FIELDS.length).map(tidyField)
  if (JSON.stringify(fields) !== JSON.stringify(RECORD_FIELDS)) return 'its first columns are not those of an archive'
  const spec = stored['partition-specs'].find(one => one['spec-id'] === stored['default-spec-id'])
  const wanted = PARTITION_SPEC[0]!
  const isOurs = spec?.fields.length === 1 && spec.fields.every(field => isSame(field, wanted))
  return isOurs && stored['default-spec-id'] === 0 ? undefined : 'it is not partitioned by the day of timestamp alone'
}

function isSame(a: SpecField, b: SpecField): boolean {
  const names = ['source-id', 'field-id', 'name', 'transform'] as const
  return names.every(name => a[name] === b[name])
}

/** Of schemas that others write: members in one order, and those alone that count. */
function tidySchema({ 'schema-id': id, fields }: IcebergSchema): IcebergSchema {
  return { type: 'struct', 'schema-id': id, fields: fields.map(tidyField) }
}

function tidyField({ id, name, required, type }: IcebergField): IcebergField {
  return { id, name, required, type: tidyType(type) }
}

function tidyType(type: IcebergType): IcebergType {
  if (typeof type === 'string') return type
  if (type.type === 'struct') return { type: 'struct', fields: type.fields.map(tidyField) }
  if (type.type !== 'list') return type
  return {
    type: 'list',
    'element-id': type['element-id'],
    'element-required': type['element-required'],
    element: tidyType(type.element),
  }
}

/** Whether the table is this topic's, or nobody's yet. */
export function isTableOf({ id }: Pick<Topic, 'id'>, metadata: CatalogMetadata): boolean {
  const owner = metadata.properties[PROPERTY.topicId]
  return owner === id || (owner === undefined && metadata.snapshots.length === 0 && metadata.flaw === undefined)
}

/**
 * By partition, the next offset to be archived. The property stays when snapshots expire; a catalog that keeps no properties has the
 * summaries. @throws CorruptDataError
 */
export function archivedOffsets({ properties, current, snapshots }: CatalogMetadata): number[] {
  const offsets = readOffsets(properties[PROPERTY.offsets])
  const byId = new Map(snapshots.map(one => [one['snapshot-id'], one]))
  // What others committed since, such as a compaction, does not say.
  let one = current
  while (one) {
    for (const [partition, offset] of readOffsets(one.summary?.[PROPERTY.offsets]).entries()) {
      offsets[partition] = Math.max(offsets[partition] ?? 0, offset)
    }
    byId.delete(one['snapshot-id'])
    one = byId.get(one['parent-snapshot-id'] ?? -1)
  }
  return offsets
}

function readOffsets(text: string | undefined): number[] {
  const value: unknown = text === undefined ? [] : parseExact(text)
  if (Array.isArray(value) && value.every(one => Number.isSafeInteger(one) && one >= 0)) return value
  throw new CorruptDataError(`${PROPERTY.offsets} of a table in a catalog is ${text}`)
}

/** The name of a file within the table's folder. @throws CorruptDataError where it lies elsewhere */
export function nameAt(location: string, uri: string): string {
  const [folder, file] = [withoutAuthority(location), withoutAuthority(uri)]
  if (file.startsWith(`${folder}/`)) return file.slice(folder.length + 1)
  throw new CorruptDataError(`${uri} lies outside of its table's folder, ${location}`)
}

/** `file:/a`, `file:///a` and `/a` are one file. */
function withoutAuthority(uri: string): string {
  return uri.replace(/^file:(\/\/)?(?=\/)/, '')
}
