/**
 * The columns of an archive as Iceberg (table spec v2) and as Parquet know them. Both go by field ids: those of the record are
 * fixed, those of unfolded JSON are given once and never to another column.
 */
import type { SchemaElement } from 'hyparquet'
import { type ArchiveColumn, parseArchiveColumns, type Topic, textConfig } from '../log/index.ts'

export interface IcebergField {
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: IcebergType
}

export type IcebergType =
  | string
  | {
      readonly type: 'list'
      readonly 'element-id': number
      readonly element: IcebergType
      readonly 'element-required': boolean
    }
  | { readonly type: 'struct'; readonly fields: readonly IcebergField[] }

export interface IcebergSchema {
  readonly type: 'struct'
  readonly 'schema-id': number
  readonly fields: readonly IcebergField[]
}

export const FIELD = { partition: 1, offset: 2, timestamp: 3, key: 4, value: 5, headers: 6 } as const
const HEADER = { element: 7, key: 8, value: 9 } as const
/** Unfolded columns have ids above this. */
export const FIXED_IDS = 99

export const PARTITION_SPEC = [
  { 'source-id': FIELD.timestamp, 'field-id': 1000, name: 'timestamp_day', transform: 'day' },
]

export const RECORD_FIELDS: readonly IcebergField[] = [
  { id: FIELD.partition, name: 'partition', required: true, type: 'int' },
  { id: FIELD.offset, name: 'offset', required: true, type: 'long' },
  { id: FIELD.timestamp, name: 'timestamp', required: false, type: 'timestamptz' },
  { id: FIELD.key, name: 'key', required: false, type: 'binary' },
  { id: FIELD.value, name: 'value', required: false, type: 'binary' },
  {
    id: FIELD.headers,
    name: 'headers',
    required: false,
    type: {
      type: 'list',
      'element-id': HEADER.element,
      'element-required': true,
      element: {
        type: 'struct',
        fields: [
          { id: HEADER.key, name: 'key', required: true, type: 'string' },
          { id: HEADER.value, name: 'value', required: false, type: 'binary' },
        ],
      },
    },
  },
]

/** Of every archive's table. */
export const TABLE_PROPERTIES = {
  'write.format.default': 'parquet',
  'write.parquet.compression-codec': 'zstd',
} as const

const ICEBERG_TYPES: Readonly<Record<ArchiveColumn['type'], string>> = {
  string: 'string',
  boolean: 'boolean',
  int: 'int',
  long: 'long',
  double: 'double',
  timestamp: 'timestamptz',
  date: 'date',
  json: 'string',
}

/** The unfolded columns of a topic; its configs were checked when they were set. */
export function columnsOf({ configs }: Pick<Topic, 'configs'>): readonly ArchiveColumn[] {
  const columns = parseArchiveColumns(textConfig(configs, 'varve.archive.schema'))
  return 'flaw' in columns ? [] : columns
}

export interface EvolvedSchema {
  readonly schema: IcebergSchema
  readonly lastColumnId: number
  /** Not the same as any of the former ones. */
  readonly isNew: boolean
}

/** The schema with these columns: one of the former ones where it is the same; columns that stay keep their ids. */
export function evolveSchema(
  columns: readonly ArchiveColumn[],
  former: readonly IcebergSchema[] = [],
  lastColumnId: number = FIXED_IDS,
): EvolvedSchema {
  const known = former.flatMap(({ fields }) => fields)
  let last = lastColumnId
  const fields = columns.map(({ name, type }): IcebergField => {
    const stored = ICEBERG_TYPES[type]
    const same = known.findLast(field => field.name === name && field.type === stored)
    return same ?? { id: ++last, name, required: false, type: stored }
  })
  const wanted = [...RECORD_FIELDS, ...fields]
  const same = former.find(schema => JSON.stringify(schema.fields) === JSON.stringify(wanted))
  if (same) return { schema: same, lastColumnId, isNew: false }
  const id = Math.max(-1, ...former.map(schema => schema['schema-id'])) + 1
  return { schema: { type: 'struct', 'schema-id': id, fields: wanted }, lastColumnId: last, isNew: true }
}

/** As Parquet has it: the tree in depth-first order. */
export function parquetSchema({ fields }: IcebergSchema): SchemaElement[] {
  return [{ name: 'table', num_children: fields.length }, ...fields.flatMap(parquetField)]
}

function parquetField({ id, name, required, type }: IcebergField): SchemaElement[] {
  const common = { name, field_id: id, repetition_type: required ? 'REQUIRED' : 'OPTIONAL' } as const
  if (typeof type === 'string') return [{ ...common, ...primitive(type) }]
  if (type.type === 'struct') {
    return [{ ...common, num_children: type.fields.length }, ...type.fields.flatMap(parquetField)]
  }
  const element = {
    id: type['element-id'],
    name: 'element',
    required: type['element-required'],
    type: type.element,
  }
  return [
    { ...common, converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...parquetField(element),
  ]
}

function primitive(type: string): Partial<SchemaElement> {
  switch (type) {
    case 'boolean':
      return { type: 'BOOLEAN' }
    case 'int':
      return { type: 'INT32' }
    case 'long':
      return { type: 'INT64' }
    case 'double':
      return { type: 'DOUBLE' }
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }
    case 'timestamptz':
      return {
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      }
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
    default:
      return { type: 'BYTE_ARRAY' }
  }
}
