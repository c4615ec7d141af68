/** Reads extents from end to end and writes new ones, a few blocks in memory at a time, whatever their size. */
import { type BatchView, splitBatches } from '../../../records/index.ts'
import type { ObjectStore, StorageClass } from '../../../storage/index.ts'
import { LogError } from '../../errors.ts'
import { batchesOf, blocksOf, indexPosition } from '../../extent/cut-extent.ts'
import { BLOCK_BYTES, type Block, checkBlock, decodeExtentIndex, ExtentBuilder } from '../../extent/extent-format.ts'
import { type Extent, extentObjectKey, type StoredExtent } from '../../extent/extent-item.ts'
import type { SegmentIds } from '../../segment/segment-id.ts'
import type { Throttle } from './throttle.ts'

export interface ExtentStreamParts {
  readonly objects: ObjectStore
  readonly segmentIds: SegmentIds
  readonly throttle: Throttle
}

/** Blocks that are fetched while one is worked on. */
const BLOCKS_AHEAD = 3

/** @throws LogError REQUEST_TIMED_OUT where the extent was replaced, and is gone; StoreError, CorruptDataError */
async function readIndex({ objects }: ExtentStreamParts, extent: Extent): Promise<Block[]> {
  const bytes = await objects.get(extent.object, { from: indexPosition(extent), length: extent.indexBytes })
  if (!bytes) throw gone(extent)
  return [...blocksOf(extent, decodeExtentIndex(bytes))]
}

/**
 * The batches of extents, in order, without the empty ones.
 * @throws LogError REQUEST_TIMED_OUT where an extent was replaced, and is gone; StoreError, CorruptDataError
 */
export async function* readExtents(parts: ExtentStreamParts, extents: readonly Extent[]): AsyncGenerator<BatchView> {
  for (const extent of extents) {
    const blocks = await readIndex(parts, extent)
    const coming: Promise<Uint8Array>[] = []
    const fetch = (at: number) => {
      const block = blocks[at]
      if (!block) return
      const bytes = readBlock(parts, extent, block)
      // It is told when its turn comes.
      bytes.catch(() => undefined)
      coming.push(bytes)
    }
    for (let at = 0; at < BLOCKS_AHEAD; at++) fetch(at)
    for (const at of blocks.keys()) {
      fetch(at + BLOCKS_AHEAD)
      const batches = batchesOf(extent, splitBatches(await coming.shift()!))
      for (const batch of batches) if (batch.recordCount > 0) yield batch
    }
  }
}

async function readBlock({ objects, throttle }: ExtentStreamParts, extent: Extent, block: Block): Promise<Uint8Array> {
  await throttle.pass(block.length)
  const bytes = await objects.get(extent.object, { from: block.position, length: block.length })
  if (!bytes) throw gone(extent)
  checkBlock(bytes, block)
  return bytes
}

export interface NewExtent extends Pick<Extent, 'from' | 'to' | 'cleaned'> {
  readonly storageClass?: StorageClass | undefined
  readonly topicId: string
  readonly partition: number
  /** In offset order, each with its offset written in; asked for again after a failure. */
  readonly batches: () => AsyncIterable<BatchView>
}

/** Puts an extent's object. @throws StoreError, and what `batches` throws */
export async function putExtentStream(
  { objects, segmentIds }: ExtentStreamParts,
  { topicId, partition, from, to, cleaned, storageClass, batches }: NewExtent,
): Promise<Extent> {
  const id = segmentIds.next()
  const object = extentObjectKey(topicId, partition, from, id)
  let summary: ReturnType<ExtentBuilder['finish']>['summary'] | undefined
  const open = async function* () {
    const builder = new ExtentBuilder(from)
    let pieces: Uint8Array[] = []
    let bytes = 0
    for await (const batch of batches()) {
      pieces.push(builder.add(batch))
      bytes += batch.bytes.length
      if (bytes < BLOCK_BYTES) continue
      yield Buffer.concat(pieces)
      pieces = []
      bytes = 0
    }
    const end = builder.finish(to)
    summary = end.summary
    yield Buffer.concat([...pieces, ...end.parts])
  }
  await objects.putStream(object, open, { storageClass })
  return { ...summary!, from, to, id, object, shared: false, cleaned, ...(storageClass && { storageClass }) }
}

export function totalBytes(extents: readonly StoredExtent[]): number {
  return extents.reduce((sum, { bytes }) => sum + bytes, 0)
}

function gone(extent: Extent): LogError {
  return new LogError('REQUEST_TIMED_OUT', `${extent.object} was replaced while it was read`)
}
