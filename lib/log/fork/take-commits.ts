/**
 * Reads what a fork takes over of a source shard's commits, all of it as it is at one head: what has been decided about a transaction
 * there is what is decided in the fork.
 */
import { abortsIn } from '../head/chunk-directory.ts'
import type { Commit, Marker, Slice } from '../head/commit.ts'
import { type Head, tailStart } from '../head/head.ts'
import type { Shard } from '../head/shard.ts'
import type { Fold } from '../producers/fold.ts'
import type { SliceCache } from '../read/slice-cache.ts'
import type { SegmentId } from '../segment/segment-id.ts'
import { abortUndecided, cutCommit, cutSlice, isParted, type SlotCut, slotCuts, type Undecided } from './cut-commits.ts'

export interface TakenCommits {
  /** The source's. */
  readonly head: Head
  readonly slots: readonly SlotCut[]
  /** With those at the end that abort what is undecided. */
  readonly commits: readonly Commit[]
  /** Of the source's last commit, ms. */
  readonly time: number
}

export interface TakeCommitsParts {
  readonly cache: SliceCache
  readonly drawId: () => SegmentId
  /** Ms since 1970. */
  readonly now: () => number
}

/** So that a commit stays far below its bound. */
const MARKERS_IN_COMMIT_MAX = 1_000

/** `moved`: the source was compacted meanwhile; look again. @throws LogError UNKNOWN_TOPIC; StoreError, CorruptDataError */
export async function takeCommits(
  parts: TakeCommitsParts,
  shard: Shard,
  cuts: readonly number[],
): Promise<TakenCommits | 'moved'> {
  await shard.refresh()
  await shard.loadFold()
  const { state, fold } = shard
  if (!state || !fold) return 'moved'
  const { head } = state
  const entries = [...shard.directory.entries]
  const { time } = fold
  const slots = slotCuts(head, cuts)
  const undecided = undecidedAt(slots, fold, [...entries.flatMap(({ aborts }) => aborts), ...abortsIn(head.tail)])
  const commits: Commit[] = []
  const take = async (some: readonly Commit[]) => {
    for (const commit of some) {
      const parted = await partSlices(parts, commit, slots)
      if (!parted) return false
      const kept = cutCommit(commit, slots, parted)
      if (kept) commits.push(kept)
    }
    return true
  }
  for (const entry of entries) {
    const chunk = await shard.readChunk(entry, { keep: false })
    const isThere = chunk && (await take(chunk.commits.slice(Math.max(0, head.floor - entry.firstCommit))))
    if (!isThere) return 'moved'
  }
  if (!(await take(head.tail.slice(Math.max(0, head.floor - tailStart(head)))))) return 'moved'
  const markers = abortUndecided(undecided, slots, parts.now())
  for (let at = 0; at < markers.length; at += MARKERS_IN_COMMIT_MAX) {
    const some = markers.slice(at, at + MARKERS_IN_COMMIT_MAX)
    commits.push({ segment: { id: parts.drawId(), medium: 'none' }, slices: [], markers: some })
  }
  return { head, slots, commits, time }
}

/** Where extents reach to a cut or beyond, they have committed records only. */
function undecidedAt(slots: readonly SlotCut[], fold: Fold, aborts: readonly Marker[]): Undecided[] {
  return slots.flatMap(({ cut, extentsTo, isEmpty }, slot) => {
    if (isEmpty || extentsTo === cut) return []
    const aborted = aborts.filter(one => one.slot === slot && one.firstOffset < cut && one.offset >= cut)
    const open = [...fold.openProducers(slot)].map(([producerId, { epoch, open }]) => ({
      slot,
      producerId,
      producerEpoch: epoch,
      transaction: open!.transaction,
      firstOffset: open!.firstOffset,
    }))
    return [...aborted, ...open.filter(({ firstOffset }) => firstOffset < cut)]
  })
}

/** undefined where a segment is gone. */
async function partSlices(
  { cache }: TakeCommitsParts,
  { segment, slices }: Commit,
  slots: readonly SlotCut[],
): Promise<Map<Slice, Slice> | undefined> {
  const parted = new Map<Slice, Slice>()
  for (const slice of slices.filter(one => isParted(one, slots))) {
    const batches = await cache.read({ segment, slice, isFar: true })
    if (!batches) return undefined
    parted.set(slice, cutSlice(slice, batches, slots[slice.slot]!.cut))
  }
  return parted
}
