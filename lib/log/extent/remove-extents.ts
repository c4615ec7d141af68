/**
 * Takes away extents that nobody reads any more: below a partition's start, or of a topic that is being deleted. The item goes
 * first, by its version: a fork that took the extent over meanwhile has marked the item shared, so who removes one that was not
 * knows that no other names the object, nor ever will. Then the object goes; one that stays because this stopped in
 * between is left to the sweep, as is one that another topic shares.
 */
import { inParallel } from '../../base/index.ts'
import { DELETE_KEYS_MAX, type ItemStore, type ObjectStore } from '../../storage/index.ts'
import { extentKey, extentPartitionKey, type StoredExtent } from './extent-item.ts'
import { type ExtentRange, listExtents } from './extent-listing.ts'

export interface RemoveExtentsParts {
  readonly objects: ObjectStore
  readonly items: ItemStore
}

const WRITES_AT_ONCE = 8

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
    const gone = await inParallel(some, WRITES_AT_ONCE, async extent => {
      const key = extentKey(topicId, partition, extent)
      // One that was merged into another meanwhile goes with that; one that was shared meanwhile the next time.
      const { written } = await parts.items.write([{ kind: 'delete', key, expected: extent.version }])
      return written ? [extent] : []
    })
    const own = gone.flat().filter(({ shared }) => !shared)
    if (own.length > 0) await parts.objects.delete(own.map(({ object }) => object))
    removed += gone.flat().length
    some = []
  }
  for await (const extent of listExtents(parts.items, topicId, partition, range)) {
    some.push(extent)
    if (some.length === DELETE_KEYS_MAX) await removeSome()
  }
  await removeSome()
  return removed
}

/** All of a partition's, those too that are shared while this goes on. @throws StoreError, CorruptDataError */
export async function removeAllExtents(parts: RemoveExtentsParts, topicId: string, partition: number): Promise<void> {
  const { items } = parts
  const isLeft = async () => (await items.query(extentPartitionKey(topicId, partition), { limit: 1 })).items.length > 0
  while (await isLeft()) await removeExtents(parts, topicId, partition)
}
