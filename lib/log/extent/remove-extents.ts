/**
 * Takes away extents that nobody reads any more: below a partition's start, or of a topic that is being deleted. The object goes
 * first and the item last, for the item is the list of what is left to do. An object that another topic shares is left
 * to the sweep, which sees all items.
 */
import { DELETE_KEYS_MAX, type ItemStore, type ObjectStore } from '../../storage/index.ts'
import { extentKey, type StoredExtent } from './extent-item.ts'
import { type ExtentRange, listExtents } from './extent-listing.ts'

export interface RemoveExtentsParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
}

/** How many went. @throws StoreError, CorruptDataError */
export async function removeExtents(
  parts: RemoveExtentsParts,
  topicId: string,
  partition: number,
  range: ExtentRange = {},
): Promise<number> {
  let removed = 0
  let some: StoredExtent[] = []
  const removeSome = async () => {
    const own = some.filter(({ shared }) => !shared).map(({ object }) => object)
    if (own.length > 0) await parts.objects.delete(own)
    for (const extent of some) {
      const key = extentKey(topicId, partition, extent)
      // One that was merged into another meanwhile goes with that.
      const { written } = await parts.items.write([{ kind: 'delete', key, expected: extent.version }])
      if (written) removed++
    }
    some = []
  }
  for await (const extent of listExtents(parts.items, topicId, partition, range)) {
    some.push(extent)
    if (some.length === DELETE_KEYS_MAX) await removeSome()
  }
  await removeSome()
  return removed
}
