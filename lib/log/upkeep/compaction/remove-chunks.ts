/**
 * Deletes the chunks that lie wholly below a shard's floor, then moves `removed` up to what is left. Whatever stops it,
 * the next run begins at the head's `removed` again; keys of chunks are never used twice.
 */
import { inParallel } from '../../../base/index.ts'
import type { ItemStore } from '../../../storage/index.ts'
import { chunkSortKey, decodeChunk } from '../../head/chunk.ts'
import { shardKey } from '../../head/head.ts'
import { changeHead } from '../../head/transitions.ts'
import type { OpenShard } from '../../shards.ts'

const DELETES_AT_ONCE = 4

/** How many were deleted; `deadline`: monotonic, ms. @throws StoreError, LogError */
export async function removeChunks(
  items: ItemStore,
  { shard, committer }: OpenShard,
  deadline: number,
): Promise<number> {
  const head = shard.state?.head
  if (!head || head.state === 'sealed' || head.removed >= head.floor) return 0
  const { floor } = head
  let deleted = 0
  let removed = floor
  let cursor: string | undefined
  do {
    const page = await items.query(shardKey(shard.topicId, shard.number), {
      from: chunkSortKey(head.removed),
      to: chunkSortKey(floor - 1),
      ...(cursor === undefined ? {} : { cursor }),
    })
    const done = page.items.filter(({ value }) => {
      const { firstCommit, commits } = decodeChunk(value)
      const isBelow = firstCommit + commits.length <= floor
      if (!isBelow) removed = Math.min(removed, firstCommit)
      return isBelow
    })
    await inParallel(done, DELETES_AT_ONCE, ({ key, version }) =>
      items.write([{ kind: 'delete', key, expected: version }]),
    )
    deleted += done.length
    cursor = page.cursor
  } while (cursor !== undefined)
  await committer.change(now => (removed > now.removed ? changeHead(now, { removed }) : now), deadline)
  return deleted
}

/** Whether `removeChunks` would find one to delete. A chunk that the floor divides stays. @throws StoreError */
export async function hasUnneededChunks(items: ItemStore, { shard }: OpenShard): Promise<boolean> {
  const head = shard.state?.head
  if (!head || head.state === 'sealed' || head.removed >= head.floor) return false
  const range = { from: chunkSortKey(head.removed), to: chunkSortKey(head.floor - 1), limit: 1 }
  const { items: found } = await items.query(shardKey(shard.topicId, shard.number), range)
  return found.some(({ value }) => {
    const { firstCommit, commits } = decodeChunk(value)
    return firstCommit + commits.length <= head.floor
  })
}
