/**
 * Merges small extents into larger ones, size-tiered: as many of about the same size as are worth the rewriting become one, so a
 * record is rewritten once for each size, and the number of extents grows with the log only by full ones.
 */
import type { Random } from '../../../base/index.ts'
import type { StoredExtent } from '../../extent/extent-item.ts'
import type { ExtentList } from '../../extent/extent-list.ts'
import type { OpenShard } from '../../shards.ts'
import { type ClassRule, classOf } from './class-rule.ts'
import { type ExtentStreamParts, putExtentStream, readExtents, totalBytes } from './extent-stream.ts'
import { REPLACED_MAX, replaceExtents } from './replace-extents.ts'
import type { CompactionSettings } from './settings.ts'

export interface MergeParts extends ExtentStreamParts {
  readonly extentList: ExtentList
  readonly random: Random
  readonly settings: CompactionSettings
}

/** Extents looked at from the end of the log: the small ones are there. */
const LOOKED_AT_MAX = 500
/** Sizes of one tier differ by no more than this factor. */
const TIER_FACTOR = 8

/** The merged extent; undefined where nothing is worth it. 'lost': somebody else changed them. @throws StoreError, LogError, CorruptDataError */
export async function mergeExtents(
  parts: MergeParts,
  open: OpenShard,
  {
    partition,
    start,
    rule,
  }: { readonly partition: number; readonly start: number; readonly rule?: ClassRule | undefined },
): Promise<{ readonly bytes: number; readonly replaced: number } | undefined | 'lost'> {
  const { topicId } = open.shard
  const run = chooseRun(await lastExtents(parts, { topicId, partition, start }), parts.settings)
  const [first, last] = [run[0], run.at(-1)]
  if (!first || !last) return undefined
  const merged = await putExtentStream(parts, {
    topicId,
    partition,
    from: first.from,
    to: last.to,
    cleaned: first.cleaned,
    storageClass: classOf(rule, {
      bytes: totalBytes(run),
      maxTimestamp: Math.max(...run.map(({ maxTimestamp }) => maxTimestamp)),
    }),
    batches: () => readExtents(parts, run),
  })
  const written = await replaceExtents(open, parts.random, { partition, replaced: run, by: [merged] })
  return written ? { bytes: merged.bytes, replaced: run.length } : 'lost'
}

/** From the last back to one that is full, in offset order. Below `start` retention is at work. */
async function lastExtents(
  { extentList, settings }: MergeParts,
  { topicId, partition, start }: { readonly topicId: string; readonly partition: number; readonly start: number },
): Promise<StoredExtent[]> {
  const found: StoredExtent[] = []
  for await (const extent of extentList.scan(topicId, partition, { from: start, descending: true })) {
    const next = found.at(-1)
    if (extent.bytes > settings.extentBytesMax / 2 || (next && next.from !== extent.to)) break
    found.push(extent)
    if (found.length === LOOKED_AT_MAX) break
  }
  return found.reverse()
}

/** The oldest run of neighbours worth a merge, the smallest tier first; none that lie in a storage class. Pure. */
export function chooseRun(
  extents: readonly StoredExtent[],
  { extentBytesMax, mergeCountMin }: Pick<CompactionSettings, 'extentBytesMax' | 'mergeCountMin'>,
): StoredExtent[] {
  for (let tierBytes = 4_096; tierBytes / TIER_FACTOR < extentBytesMax; tierBytes *= TIER_FACTOR) {
    let run: StoredExtent[] = []
    for (const extent of [...extents, undefined]) {
      const isSmall = extent && extent.bytes <= tierBytes && extent.storageClass === undefined
      const joins = isSmall && extent.cleaned === (run[0] ?? extent).cleaned
      if (joins && run.length < REPLACED_MAX && totalBytes(run) + extent.bytes <= extentBytesMax) run.push(extent)
      else {
        if (isWorthIt(run, mergeCountMin)) return run
        run = joins ? [extent] : []
      }
    }
  }
  return []
}

/** Not a large one rewritten again and again for the sake of a few small ones. */
function isWorthIt(run: readonly StoredExtent[], mergeCountMin: number): boolean {
  if (run.length < Math.max(2, mergeCountMin)) return false
  const largest = Math.max(...run.map(({ bytes }) => bytes))
  return run.length === REPLACED_MAX || totalBytes(run) >= 2 * largest
}
