/** What is wrong with the bytes of a segment or an extent. */
import { crc32c } from '@node-rs/crc32'
import { VarveError } from '../../base/index.ts'
import { splitBatches, validateChecksum } from '../../records/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { batchesOf, blocksOf, indexPosition } from '../extent/cut-extent.ts'
import { checkBlock, decodeExtentIndex } from '../extent/extent-format.ts'
import type { Extent } from '../extent/extent-item.ts'
import { FORK_FROM } from '../fork/fork-point.ts'
import type { Commit } from '../head/commit.ts'
import { decodeSegmentIndex } from '../segment/segment-format.ts'
import type { CheckedShard, CheckFinding } from './finding.ts'

/** The index is whole, each slice of the commit lies in it under its partition, and its batches are what was committed. */
export function flawOfSegment(bytes: Uint8Array, commit: Commit, { topic, shard }: CheckedShard): string | undefined {
  try {
    const index = decodeSegmentIndex(bytes)
    // What it took over was written to the topic that it was made from, or to the one that that was made from.
    const isFork = topic.configs[FORK_FROM] !== undefined
    for (const { slot, position, length, records } of commit.slices) {
      const partition = shard * topic.shardSize + slot
      const entry = index.find(
        one =>
          (one.topicId === topic.id || isFork) &&
          one.partition === partition &&
          one.position <= position &&
          position + length <= one.position + one.length,
      )
      if (!entry) return `the slice at ${position} is not in the index under ${topic.name}/${partition}`
      if (crc32c(bytes.subarray(entry.position, entry.position + entry.length)) !== entry.crc)
        return `the CRC of the slice at ${entry.position} does not match`
      const batches = splitBatches(bytes.subarray(position, position + length))
      for (const batch of batches) validateChecksum(batch)
      const found = batches.reduce((sum, { recordCount }) => sum + recordCount, 0)
      if (found !== records) return `the slice at ${position} has ${found} records, not ${records}`
    }
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

export async function flawOfExtent(
  objects: ObjectStore,
  extent: Extent,
  { quick }: { readonly quick: boolean },
): Promise<Pick<CheckFinding, 'kind' | 'why'> | undefined> {
  const { object, indexBytes } = extent
  const index = await objects.get(object, { from: indexPosition(extent), length: indexBytes })
  if (!index) return { kind: 'missing', why: `an extent of the offsets ${extent.from} to ${extent.to - 1}` }
  try {
    const blocks = blocksOf(extent, decodeExtentIndex(index))
    for (const block of quick ? [] : blocks) {
      const read = await objects.get(object, { from: block.position, length: block.length })
      if (!read) return { kind: 'missing', why: `an extent of the offsets ${extent.from} to ${extent.to - 1}` }
      checkBlock(read, block)
      let last = block.from - 1
      for (const batch of batchesOf(extent, splitBatches(read))) {
        validateChecksum(batch)
        if (batch.baseOffset <= last) return { kind: 'damaged', why: `a batch at ${batch.baseOffset} after ${last}` }
        last = batch.baseOffset + batch.lastOffsetDelta
      }
      if (last >= extent.to) return { kind: 'damaged', why: `a batch ends at ${last}, the extent before ${extent.to}` }
    }
    return undefined
  } catch (error) {
    return { kind: 'damaged', why: messageOf(error) }
  }
}

/** Of what a decoder throws for damaged bytes. */
function messageOf(error: unknown): string {
  if (error instanceof VarveError && (error.code === 'CORRUPT_DATA' || !error.code.startsWith('STORE_')))
    return error.message
  throw error
}
