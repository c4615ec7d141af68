/**
 * Puts new extents in the place of some that lie side by side: items of the new, deletes of the replaced by version, and the head
 * unchanged meanwhile, in one write. So a fence that a sweep raises, or a second compactor, makes it fail as a whole. The
 * replaced objects stay for readers that still know them; the sweep takes them later.
 */
import { drawToken, invariant, type Random } from '../../../base/index.ts'
import type { WriteOperation } from '../../../storage/index.ts'
import { type Extent, encodeExtent, extentKey, type StoredExtent } from '../../extent/extent-item.ts'
import { segmentTime } from '../../segment/segment-id.ts'
import type { OpenShard } from '../../shards.ts'

/** Extents that are replaced at a time: a write has 100 operations. */
export const REPLACED_MAX = 50

export interface Replacement {
  readonly partition: number
  readonly replaced: readonly StoredExtent[]
  readonly by: readonly Extent[]
}

/** False where it was not written, or nobody knows: look again. @throws LogError, StoreError */
export function replaceExtents(
  { shard, committer }: OpenShard,
  random: Random,
  { partition, replaced, by }: Replacement,
): Promise<boolean> {
  invariant(replaced.length <= REPLACED_MAX, `${replaced.length} extents to replace`)
  invariant(
    by[0]?.from === replaced[0]?.from && by.at(-1)?.to === replaced.at(-1)?.to,
    'new extents that cover other offsets than the old',
  )
  const { topicId } = shard
  const old = new Map(replaced.map(extent => [extent.to, extent]))
  const puts = by.map((extent): WriteOperation => {
    const expected = old.get(extent.to)?.version ?? 'absent'
    old.delete(extent.to)
    const key = extentKey(topicId, partition, extent)
    return { kind: 'put', key, expected, version: drawToken(random), value: encodeExtent(extent) }
  })
  const deletes = [...old.values()].map((extent): WriteOperation => {
    return { kind: 'delete', key: extentKey(topicId, partition, extent), expected: extent.version }
  })
  return committer.rewrite(head =>
    by.some(({ id }) => segmentTime(id) < head.fence) ? undefined : { operations: [...puts, ...deletes] },
  )
}
