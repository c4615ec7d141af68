/**
 * The port to a catalog of Iceberg tables (Iceberg REST Catalog Open API): its commits, each with what it requires of the table as it is
 * then, are the one step that changes a table there.
 */
import type { PublishedFiles } from '../storage/index.ts'
import type { CatalogMetadata, CatalogSnapshot, SnapshotId } from './catalog-metadata.ts'
import type { IcebergSchema, PARTITION_SPEC } from './table-schema.ts'

export interface TableCatalog {
  /** As messages name it; without secrets. */
  readonly name: string
  /** Undefined: there is no such table. @throws StoreError, CorruptDataError */
  load(table: string): Promise<CatalogMetadata | undefined>
  /** Makes a table without snapshots; undefined: there is one of that name. @throws StoreError, CorruptDataError */
  create(table: string, shape: TableShape): Promise<CatalogMetadata | undefined>
  /**
   * Undefined: done. Else it was refused since the table is not as required any more: the catalog's words.
   * @throws StoreError; after `effect: 'unknown'` it may have been done, or may be done later
   */
  commit(table: string, change: TableChange): Promise<string | undefined>
  /** The files of a table, by the location that its metadata tells. @throws StoreError where they cannot be reached */
  filesAt(location: string): PublishedFiles
}

/** A catalog gives the ids of columns anew, in the order of the fields, those at the top first. */
export interface TableShape {
  readonly schema: IcebergSchema
  readonly fields: typeof PARTITION_SPEC
  readonly properties: Readonly<Record<string, string>>
}

export interface TableChange {
  readonly requirements: readonly TableRequirement[]
  readonly updates: readonly TableUpdate[]
}

export type TableRequirement =
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  | { readonly type: 'assert-ref-snapshot-id'; readonly ref: 'main'; readonly 'snapshot-id': SnapshotId | null }
  | { readonly type: 'assert-last-assigned-field-id'; readonly 'last-assigned-field-id': number }

export type TableUpdate =
  | { readonly action: 'add-schema'; readonly schema: IcebergSchema; readonly 'last-column-id': number }
  | { readonly action: 'set-current-schema'; readonly 'schema-id': number }
  | { readonly action: 'add-snapshot'; readonly snapshot: CatalogSnapshot }
  | {
      readonly action: 'set-snapshot-ref'
      readonly 'ref-name': 'main'
      readonly type: 'branch'
      readonly 'snapshot-id': SnapshotId
    }
  | { readonly action: 'set-properties'; readonly updates: Readonly<Record<string, string>> }
