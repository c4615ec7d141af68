/**
 * Which commits of a shard may be compacted, and whether it is time. Never beyond what is stable: an open transaction's
 * batches cannot be kept nor dropped. Whole commits only, so that one number, the floor, says how far it went.
 */
import type { Commit } from '../../head/commit.ts'
import { type Head, tailStart } from '../../head/head.ts'
import type { Shard } from '../../head/shard.ts'
import { segmentTime } from '../../segment/segment-id.ts'
import type { CompactionSettings } from './settings.ts'

export interface DueCommits {
  /** The head that they were looked for in. */
  readonly head: Head
  readonly commits: readonly Commit[]
  /** Number of the first commit that stays. */
  readonly floor: number
  /** For each slot the offset at which it begins. */
  readonly extentsTo: readonly number[]
  /** Transactions with records among the commits that were aborted; see `transactionKey`. */
  readonly aborted: ReadonlySet<string>
  /** More are due after these. */
  readonly more: boolean
}

export function transactionKey(slot: number, producerId: number, transaction: number): string {
  return `${slot}/${producerId}/${transaction}`
}

/**
 * Whether so much lies in commits, or for so long, that it should be compacted, and something can be. `now`: wall clock, ms since
 * 1970. @throws StoreError, CorruptDataError
 */
export async function isDue(shard: Shard, settings: CompactionSettings, now: number): Promise<boolean> {
  if (!isMuch(shard, settings, now)) return false
  return (await takeDueCommits(shard, { ...settings, roundBytesMax: 0 }, now)) !== undefined
}

function isMuch(shard: Shard, settings: CompactionSettings, now: number): boolean {
  const head = shard.state?.head
  if (!head || head.state === 'sealed') return false
  const { entries } = shard.directory
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0) + bytesOf(head.tail)
  if (bytes >= settings.dueBytes || entries.length >= settings.dueChunks) return true
  const first = head.tail[0]
  const oldest = entries[0]?.time ?? (first && segmentTime(first.segment.id))
  return oldest !== undefined && oldest <= now - settings.dueMs
}

/**
 * The next commits to be compacted in one go, from the floor on; undefined where there are none.
 * 'moved': some are gone, because somebody else compacted.
 */
export async function takeDueCommits(
  shard: Shard,
  settings: CompactionSettings,
  now: number,
): Promise<DueCommits | undefined | 'moved'> {
  const head = shard.state?.head
  if (!head || head.state === 'sealed') return undefined
  const { entries } = shard.directory
  const markers = [...entries.flatMap(entry => entry.aborts), ...abortMarkers(head.tail)]
  const aborted = new Set(
    markers.map(({ slot, producerId, transaction }) => transactionKey(slot, producerId, transaction)),
  )
  const extentsTo = head.partitions.map(partition => partition.extentsTo)
  const commits: Commit[] = []
  let floor = head.floor
  let bytes = 0
  const take = (commit: Commit): boolean => {
    const length = bytesOf([commit])
    if (commits.length > 0 && bytes + length > settings.roundBytesMax) return false
    commits.push(commit)
    floor++
    bytes += length
    for (const slice of commit.slices) extentsTo[slice.slot] = slice.baseOffset + slice.records
    for (const marker of commit.markers) extentsTo[marker.slot] = marker.offset + 1
    return true
  }
  const result = (more: boolean) =>
    commits.length > 0 ? { head, commits, floor, extentsTo, aborted, more } : undefined
  for (const entry of [...entries]) {
    const chunk = await shard.readChunk(entry, { keep: false })
    if (!chunk) return 'moved'
    for (const commit of chunk.commits.slice(Math.max(0, head.floor - entry.firstCommit))) {
      if (!isStable(commit, head)) return result(false)
      if (!take(commit)) return result(true)
    }
  }
  for (const commit of head.tail.slice(Math.max(0, head.floor - tailStart(head)))) {
    if (segmentTime(commit.segment.id) > now - settings.dueMs || !isStable(commit, head)) break
    if (!take(commit)) return result(true)
  }
  return result(false)
}

function isStable({ slices, markers }: Commit, { partitions }: Head): boolean {
  return (
    slices.every(({ slot, baseOffset, records }) => baseOffset + records <= (partitions[slot]?.stable ?? 0)) &&
    markers.every(({ slot, offset }) => offset < (partitions[slot]?.stable ?? 0))
  )
}

function abortMarkers(commits: readonly Commit[]) {
  return commits.flatMap(({ markers }) => markers.filter(({ outcome }) => outcome === 'abort'))
}

function bytesOf(commits: readonly Commit[]): number {
  let bytes = 0
  for (const { slices } of commits) for (const { length } of slices) bytes += length
  return bytes
}
