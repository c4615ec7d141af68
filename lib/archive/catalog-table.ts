/** Which table of a catalog is a topic's: found by its name, or made. */
import type { Topic } from '../log/index.ts'
import { StoreError } from '../storage/index.ts'
import type { ArchiveItem } from './archive-item.ts'
import { type CatalogMetadata, isTableOf, PROPERTY } from './catalog-metadata.ts'
import type { TableCatalog } from './table-catalog.ts'
import { PARTITION_SPEC, RECORD_FIELDS, TABLE_PROPERTIES } from './table-schema.ts'

/**
 * The catalog that a topic's table is in, or is to be made in; undefined: the folder of archives, where it stays once it is there.
 * @throws StoreError where it is in a catalog and none is known
 */
export function catalogOf(
  catalog: TableCatalog | undefined,
  topic: Pick<Topic, 'name'>,
  item: Pick<ArchiveItem, 'edition' | 'table'> | undefined,
): TableCatalog | undefined {
  if (catalog || !item || item.table === '') return item && item.edition > 0 ? undefined : catalog
  throw new StoreError(
    'STORE_REFUSED',
    `the topic ${topic.name} is archived as ${item.table} in a catalog: say which with --archive-catalog`,
  )
}

export interface CatalogTable {
  readonly name: string
  readonly metadata: CatalogMetadata
}

/** S3 Tables takes lower case, digits and underscores, 255 of them. */
const NAME_LENGTH_MAX = 200

/**
 * The table of a topic that has one in a catalog; else it is made. A name may be another topic's: of one that was deleted, whose table
 * outlives it, or of another Varve. Then the topic's id is in it.
 * @throws StoreError, CorruptDataError
 */
export async function openCatalogTable(
  catalog: TableCatalog,
  topic: Pick<Topic, 'id' | 'name'>,
  item: Pick<ArchiveItem, 'table'> | undefined,
): Promise<CatalogTable> {
  if (item && item.table !== '') return checked(catalog, topic, item.table, await catalog.load(item.table))
  const plain = topic.name
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '_')
    .replace(/^_+/, '')
    .slice(0, NAME_LENGTH_MAX)
  const withId = `${plain || 'topic'}_${topic.id}`
  if (plain !== '') {
    const metadata = await findOrCreate(catalog, topic, plain)
    if (metadata && isTableOf(topic, metadata)) return checked(catalog, topic, plain, metadata)
  }
  return checked(catalog, topic, withId, await findOrCreate(catalog, topic, withId))
}

async function findOrCreate(
  catalog: TableCatalog,
  topic: Pick<Topic, 'id' | 'name'>,
  name: string,
): Promise<CatalogMetadata | undefined> {
  const found = await catalog.load(name)
  if (found) return found
  const created = await catalog.create(name, {
    // Only these get the ids that they must have; columns that are unfolded follow with the first commit, and theirs.
    schema: { type: 'struct', 'schema-id': 0, fields: RECORD_FIELDS },
    fields: PARTITION_SPEC,
    properties: {
      'format-version': '2',
      [PROPERTY.topic]: topic.name,
      [PROPERTY.topicId]: topic.id,
      ...TABLE_PROPERTIES,
    },
  })
  return created ?? catalog.load(name)
}

function checked(
  catalog: TableCatalog,
  topic: Pick<Topic, 'id' | 'name'>,
  name: string,
  metadata: CatalogMetadata | undefined,
): CatalogTable {
  const refuse = (why: string): never => {
    throw new StoreError('STORE_REFUSED', `the table ${name} in ${catalog.name} ${why}`)
  }
  if (!metadata) {
    return refuse(
      `is not there any more, and the topic ${topic.name} is archived in it: restore it, or set varve.archive=none on the topic`,
    )
  }
  if (!isTableOf(topic, metadata)) return refuse(`is not that of the topic ${topic.name}: restore that one`)
  if (metadata.flaw !== undefined) return refuse(`cannot be written to: ${metadata.flaw}`)
  return { name, metadata }
}
