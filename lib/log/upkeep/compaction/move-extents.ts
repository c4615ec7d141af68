/**
 * Rewrites extents whose records have grown old into their topic's storage class, once: a new object under a new id, as in a merge, and
 * the class in its item. Neighbours become one, so small ones go with them.
 */
import type { StoredExtent } from '../../extent/extent-item.ts'
import type { OpenShard } from '../../shards.ts'
import { type ClassRule, runsToMove } from './class-rule.ts'
import { putExtentStream, readExtents } from './extent-stream.ts'
import type { MergeParts } from './merge-extents.ts'
import { replaceExtents } from './replace-extents.ts'

export interface MovePlace {
  readonly topicId: string
  readonly partition: number
  /** Below it retention is at work. */
  readonly start: number
}

/** Looks by reads alone. @throws StoreError, CorruptDataError */
export async function hasExtentsToMove(
  { extentList, settings }: Pick<MergeParts, 'extentList' | 'settings'>,
  place: MovePlace,
  rule: ClassRule,
): Promise<boolean> {
  const runs = runsToMove(scan(extentList, place), rule, settings.extentBytesMax)
  return !(await runs.next()).done
}

/** How many were replaced. 'lost': somebody else changed them. @throws StoreError, LogError, CorruptDataError */
export async function moveExtents(
  parts: MergeParts,
  open: OpenShard,
  {
    partition,
    start,
    rule,
    signal,
  }: Omit<MovePlace, 'topicId'> & { rule: ClassRule; signal?: AbortSignal | undefined },
): Promise<number | 'lost'> {
  const { topicId } = open.shard
  let replaced = 0
  const place = { topicId, partition, start }
  for await (const run of runsToMove(scan(parts.extentList, place), rule, parts.settings.extentBytesMax)) {
    if (signal?.aborted) break
    const [first, last] = [run[0]!, run.at(-1)!]
    const moved = await putExtentStream(parts, {
      topicId,
      partition,
      from: first.from,
      to: last.to,
      cleaned: first.cleaned,
      storageClass: rule.storageClass,
      batches: () => readExtents(parts, run),
    })
    if (!(await replaceExtents(open, parts.random, { partition, replaced: run, by: [moved] }))) return 'lost'
    parts.extentList.forget(topicId, partition)
    replaced += run.length
  }
  return replaced
}

function scan(
  extentList: MergeParts['extentList'],
  { topicId, partition, start }: MovePlace,
): AsyncGenerator<StoredExtent> {
  return extentList.scan(topicId, partition, { from: start })
}
