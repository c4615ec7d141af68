/**
 * Deletes the chunks that lie wholly below a shard's floor, then moves `removed` up to what is left. Whatever stops it,
 * the next run begins at the head's `removed` again; keys of chunks are never used twice.
 */
import { inParallel } from '../../../base/index.ts'
import type { ItemStore } from '../../../storage/index.ts'
import { chunkSortKey, decodeChunk } from '../../head/chunk.ts'
import { shardKey } from '../../head/head.ts'
import type { Shard } from '../../head/shard.ts'
import { changeHead } from '../../head/transitions.ts'
import type { OpenShard } from '../../shards.ts'

const DELETES_AT_ONCE = 4

/** Whether chunks may still lie below the floor; one that lies half below it stays. */
export function hasChunksToRemove({ state, directory }: Shard): boolean {
  if (!state || state.head.state === 'sealed') return false
  const { floor, removed } = state.head
  return removed < Math.min(floor, directory.entries[0]?.firstCommit ?? floor)
}

/** How many were deleted; `deadline`: monotonic, ms. @throws StoreError, LogError */
export async function removeChunks(
  items: ItemStore,
  { shard, committer }: OpenShard,
  deadline: number,
): Promise<number> {
  const head = shard.state?.head
  if (!head || !hasChunksToRemove(shard)) return 0
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
