/** What a shard needs of the stored segments: of what its tail and its live chunks refer to that which readers may still ask for, and its snapshot. */
import type { ItemStore } from '../../storage/index.ts'
import { chunkSortKey, decodeChunk } from '../head/chunk.ts'
import type { Commit } from '../head/commit.ts'
import { type Head, shardKey, tailStart } from '../head/head.ts'
import type { SegmentRef } from '../segment/segment-store.ts'

/**
 * The segments that are needed at `head`. What the head came to need after it was read is not among them, so whoever
 * deletes the others must have raised the fence before reading it.
 * @throws StoreError, CorruptDataError
 */
export async function* neededSegments(
  items: ItemStore,
  topicId: string,
  shard: number,
  head: Head,
): AsyncGenerator<SegmentRef> {
  if (head.snapshot) yield head.snapshot.segment
  for (const commit of head.tail) if (isNeeded(commit, head)) yield commit.segment
  const to = tailStart(head)
  if (to === 0 || head.floor >= to) return
  let cursor: string | undefined
  do {
    const page = await items.query(shardKey(topicId, shard), {
      from: chunkSortKey(head.removed),
      to: chunkSortKey(to - 1),
      ...(cursor === undefined ? {} : { cursor }),
    })
    for (const item of page.items) {
      const chunk = decodeChunk(item.value)
      if (chunk.firstCommit + chunk.commits.length <= head.floor) continue
      for (const commit of chunk.commits) if (isNeeded(commit, head)) yield commit.segment
    }
    cursor = page.cursor
  } while (cursor !== undefined)
}

/** Whether any of its records is kept: records below a partition's start are read by nobody. */
export function isNeeded({ segment, slices }: Commit, { partitions }: Head): boolean {
  if (segment.medium === 'none') return false
  return slices.some(({ slot, baseOffset, records }) => baseOffset + records > (partitions[slot]?.start ?? 0))
}
