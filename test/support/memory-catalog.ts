/** A TableCatalog over a Map, with its tables' files in memory. Ids of columns are those that were asked for. */
import { readCatalogMetadata, type SnapshotId } from '../../lib/archive/catalog-metadata.ts'
import type { TableCatalog, TableChange, TableUpdate } from '../../lib/archive/table-catalog.ts'
import type { IcebergSchema } from '../../lib/archive/table-schema.ts'
import { systemRandom } from '../../lib/base/index.ts'
import { memoryFiles } from './memory-files.ts'

export interface MemoryTable {
  'last-sequence-number': number
  'last-updated-ms': number
  'last-column-id': number
  'current-schema-id': number
  'current-snapshot-id': SnapshotId
  readonly schemas: IcebergSchema[]
  readonly properties: Record<string, string>
  snapshots: {
    readonly 'snapshot-id': SnapshotId
    readonly 'sequence-number': number
    readonly 'timestamp-ms': number
  }[]
  readonly 'table-uuid': string
  readonly location: string
}

export interface MemoryCatalog extends TableCatalog {
  readonly tables: Map<string, MemoryTable>
  readonly files: ReturnType<typeof memoryFiles>
}

export function memoryCatalog(): MemoryCatalog {
  const tables = new Map<string, MemoryTable>()
  const files = memoryFiles()
  const tell = (table: MemoryTable) => readCatalogMetadata(structuredClone(table))
  return {
    name: 'memory',
    tables,
    files,
    load: async name => {
      const table = tables.get(name)
      return table && tell(table)
    },
    create: async (name, { schema, fields, properties }) => {
      if (tables.has(name)) return undefined
      const shape = {
        'format-version': 2,
        'default-spec-id': 0,
        'partition-specs': [{ 'spec-id': 0, fields }],
        'last-sequence-number': 0,
        'last-updated-ms': 0,
        'last-column-id': 9,
        'current-schema-id': 0,
        'current-snapshot-id': -1,
        schemas: [schema],
        snapshots: [],
        location: `memory:/archives/${name}`,
      }
      const table = {
        ...shape,
        properties: { ...properties },
        'table-uuid': Buffer.from(systemRandom.bytes(16)).toString('hex'),
      }
      tables.set(name, table)
      return tell(table)
    },
    commit: async (name, change) => {
      const table = tables.get(name)
      if (!table) throw new Error(`there is no table ${name}`)
      const refusal = refusalOf(table, change)
      if (refusal === undefined) for (const update of change.updates) apply(table, update)
      return refusal
    },
    filesAt: location => {
      const folder = location.slice('memory:/archives/'.length)
      return {
        put: (name, parts) => files.put(`${folder}/${name}`, parts),
        get: name => files.get(`${folder}/${name}`),
        list: async prefix => (await files.list(`${folder}/${prefix}`)).map(name => name.slice(folder.length + 1)),
        delete: names => files.delete(names.map(name => `${folder}/${name}`)),
        uri: name => files.uri(`${folder}/${name}`),
      }
    },
  }
}

function refusalOf(table: MemoryTable, { requirements }: TableChange): string | undefined {
  for (const required of requirements) {
    if (required.type === 'assert-table-uuid' && required.uuid !== table['table-uuid']) return 'another table'
    if (required.type === 'assert-ref-snapshot-id') {
      if ((required['snapshot-id'] ?? -1) !== table['current-snapshot-id']) return 'another snapshot'
    }
    if (required.type === 'assert-last-assigned-field-id') {
      if (required['last-assigned-field-id'] !== table['last-column-id']) return 'another column'
    }
  }
  return undefined
}

function apply(table: MemoryTable, update: TableUpdate): void {
  switch (update.action) {
    case 'add-schema':
      table.schemas.push(update.schema)
      table['last-column-id'] = update['last-column-id']
      break
    case 'set-current-schema':
      table['current-schema-id'] = update['schema-id']
      break
    case 'add-snapshot':
      table.snapshots.push(update.snapshot)
      table['last-sequence-number'] = update.snapshot['sequence-number']
      table['last-updated-ms'] = update.snapshot['timestamp-ms']
      break
    case 'set-snapshot-ref':
      table['current-snapshot-id'] = update['snapshot-id']
      break
    case 'set-properties':
      Object.assign(table.properties, update.updates)
  }
}
