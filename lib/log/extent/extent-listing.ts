/** Finds stored extents: their items by partition, their objects by name, whether or not anything refers to them. */
import type { ItemStore, ObjectStore } from '../../storage/index.ts'
import { type ListedObject, listKeys } from '../segment/segment-listing.ts'
import { extentPartitionKey, extentSortKey, type StoredExtent, storedExtent } from './extent-item.ts'

const EXTENT_OBJECTS = 'topics/'
const NAME = /^topics\/[0-9a-f]{32}\/\d+\/\d+-([0-7][0-9A-HJKMNP-TV-Z]{25})$/

/** In no order. Objects under other names are not ours, and are left out. @throws StoreError */
export async function* listExtentObjects(objects: ObjectStore): AsyncGenerator<ListedObject> {
  for await (const key of listKeys(objects, EXTENT_OBJECTS)) {
    const id = NAME.exec(key)?.[1]
    if (id !== undefined) yield { id, key }
  }
}

export interface ExtentRange {
  /** Those that end above this offset … */
  readonly above?: number
  /** … and not above this one. */
  readonly upTo?: number
}

/** In offset order. @throws StoreError, CorruptDataError */
export async function* listExtents(
  items: ItemStore,
  topicId: string,
  partition: number,
  { above, upTo }: ExtentRange = {},
): AsyncGenerator<StoredExtent> {
  if (upTo !== undefined && upTo <= (above ?? 0)) return
  let cursor: string | undefined
  do {
    const page = await items.query(extentPartitionKey(topicId, partition), {
      ...(above === undefined ? {} : { from: extentSortKey(above) }),
      ...(upTo === undefined ? {} : { to: extentSortKey(upTo - 1) }),
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const item of page.items) yield storedExtent(item)
    cursor = page.cursor
  } while (cursor !== undefined)
}
