/**
 * A cut extent is one that a fork took over in part: its item ends at a batch within the object, whose further batches are
 * nobody's concern who reads it. Nothing is copied for it. What decides is its `to`: batches are never parted.
 */
import { splitBatches } from '../../records/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { type Block, checkBlock, decodeExtentIndex } from './extent-format.ts'
import type { Extent } from './extent-item.ts'

/** Where the index begins in the object. */
export function indexPosition({ bytes, objectBytes = bytes }: Extent): number {
  return objectBytes
}

/** The blocks with a batch of the extent. */
export function blocksOf(extent: Extent, blocks: readonly Block[]): readonly Block[] {
  return extent.objectBytes === undefined ? blocks : blocks.filter(({ from }) => from < extent.to)
}

/** Those of a block's batches that are the extent's. */
export function batchesOf<T extends { readonly baseOffset: number }>(
  extent: Extent,
  batches: readonly T[],
): readonly T[] {
  return extent.objectBytes === undefined ? batches : batches.filter(({ baseOffset }) => baseOffset < extent.to)
}

/**
 * The extent up to `to`, which lies within it and where a batch begins or none is. undefined where its object is gone.
 * @throws StoreError, CorruptDataError
 */
export async function cutExtent(objects: ObjectStore, extent: Extent, to: number): Promise<Extent | undefined> {
  const objectBytes = indexPosition(extent)
  const bytes = await objects.get(extent.object, { from: objectBytes, length: extent.indexBytes })
  if (!bytes) return undefined
  const blocks = decodeExtentIndex(bytes).filter(({ from }) => from < to)
  const last = blocks.pop()
  let end = 0
  let maxTimestamp = Math.max(-1, ...blocks.map(block => block.maxTimestamp))
  if (last) {
    const block = await objects.get(extent.object, { from: last.position, length: last.length })
    if (!block) return undefined
    checkBlock(block, last)
    end = last.position
    for (const batch of splitBatches(block)) {
      if (batch.baseOffset >= to) break
      end += batch.bytes.length
      maxTimestamp = Math.max(maxTimestamp, batch.maxTimestamp)
    }
  }
  const records = Math.min(extent.records, to - extent.from)
  return { ...extent, to, records, bytes: end, objectBytes, maxTimestamp }
}
