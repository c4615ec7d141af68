/**
 * Upkeep of groups: committed offsets that are over go, then groups that nobody is in and that have none; deletions that
 * stopped half way are finished; what groups committed for deleted topics goes.
 *
 * What can happen, and what holds:
 * - An offset is committed, or a member joins, between the look and the write: offsets go in a write that expects the block
 *   as it was read and checks that the group's document is still the one that was judged, so it fails, and the next pass looks again.
 *   (A commit does not touch the group's document, nor a join the block; both are named.)
 * - A member that is joining is in its coordinator's memory only. What goes now went before it joined; its coordinator's
 *   write then conflicts, and it joins anew.
 * - A group's document is marked before its blocks are listed, and goes in one write with all of them, each as it was listed. A new
 *   block checks the document, and takes the mark away first (offset-lane.ts). So no commit that was answered goes with it. (Of more
 *   than 96 blocks some go first, in writes that check the mark.) A mark that a pass left behind harms nothing.
 * - What was delayed on its way fits neither document nor blocks afterwards: lib/lifetimes, and the incarnation in each block.
 * - Two passes at once meet in these writes. A clock that is wrong makes offsets live shorter or longer, as with records.
 */
import { type Clock, inParallel, type Random } from '../base/index.ts'
import { jobForEach, type Topics, type UpkeepJob, type UpkeepPass } from '../log/index.ts'
import type { ItemStore, Version } from '../storage/index.ts'
import { type GroupDocument, REMOVER } from './group-document.ts'
import { GroupItems, type ListedBlock, removeTopicsOffsets } from './group-items.ts'
import { expiredPartitions, isLongEmpty, isSpent, mayExpire } from './offset-expiry.ts'
import { PARALLEL_READS_MAX } from './settings.ts'

export interface GroupExpiryParts {
  readonly items: ItemStore
  readonly topics: Pick<Topics, 'find'>
  readonly clock: Clock
  readonly random: Random
}

export interface GroupExpirySettings {
  /** `offsets.retention.minutes`, in ms */
  readonly offsetsRetentionMs: number
  /** `offsets.retention.check.interval.ms` */
  readonly intervalMs: number
}

export function expireGroupsJob(parts: GroupExpiryParts, settings: GroupExpirySettings): UpkeepJob {
  const { offsetsRetentionMs, intervalMs } = settings
  const items = new GroupItems(parts)
  return jobForEach({
    name: 'expire-groups',
    intervalMs,
    list: () => items.listGroupIds(),
    keyOf: groupId => `group/${groupId}`,
    work: (groupId, pass) => {
      const moment = { now: parts.clock.now(), retentionMs: offsetsRetentionMs }
      return expireGroup(groupId, { ...parts, items, pass, moment })
    },
  })
}

interface Expiring extends Omit<GroupExpiryParts, 'items'> {
  readonly items: GroupItems
  readonly pass: UpkeepPass
  readonly moment: { readonly now: number; readonly retentionMs: number }
}

/** Whether there was something to do. */
async function expireGroup(groupId: string, expiring: Expiring): Promise<boolean> {
  const { items, pass, moment } = expiring
  const { value: group, version } = await items.readGroup(groupId)
  if (!group || version === 'absent') return false
  if (group.state === 'Dead') {
    pass.tell(`group ${groupId}`, 'its deletion is not finished')
    if (!pass.dry) await items.finishRemoval(groupId, version)
    return true
  }
  if (!mayExpire(group, moment)) return false
  const judged = await judge(group, await items.listOffsets(groupId), expiring)
  if (isLongEmpty(group, moment) && judged.every(({ rest }) => isSpent(rest, group))) {
    pass.tell(`group ${groupId}`, 'nobody is in it, and it has no offsets that are not over')
    if (!pass.dry) await remove(groupId, { value: group, version }, expiring)
    return true
  }
  let found = false
  for (const one of judged) {
    if (one.expired.length === 0) continue
    found = true
    pass.tell(
      `offsets of group ${groupId} in ${one.topicId}/${one.expired}`,
      'committed long ago, and nobody reads there',
    )
    if (!pass.dry) await items.writeOffsets(one.key, one.version, one.rest, { group: { groupId, version } })
  }
  return found
}

async function remove(
  groupId: string,
  { value: group, version }: { value: GroupDocument; version: Version },
  expiring: Expiring,
): Promise<void> {
  const { items } = expiring
  const isMarked = group.coordinator === REMOVER
  const marked = isMarked ? { version } : await items.writeGroup(groupId, version, { ...group, coordinator: REMOVER })
  if (marked === 'conflict') return
  const judged = await judge(group, await items.listOffsets(groupId), expiring)
  if (judged.every(({ rest }) => isSpent(rest, group))) await items.removeGroup(groupId, marked.version, judged)
}

interface JudgedBlock extends ListedBlock {
  readonly expired: readonly number[]
  /** The block without them. */
  readonly rest: ListedBlock['block']
}

async function judge(
  group: GroupDocument,
  blocks: readonly ListedBlock[],
  { topics, moment }: Expiring,
): Promise<JudgedBlock[]> {
  const ids = [...new Set(blocks.map(({ topicId }) => topicId))]
  const found = await inParallel(ids, PARALLEL_READS_MAX, async id => [id, (await topics.find({ id }))?.name] as const)
  const names = new Map(found)
  return blocks.map(one => {
    const expired = expiredPartitions(group, one.block, names.get(one.topicId), moment)
    const left = [...one.block.offsets].filter(([partition]) => !expired.includes(partition))
    return { ...one, expired, rest: { ...one.block, offsets: new Map(left) } }
  })
}

/** Topics are deleted: what groups committed there goes. @throws GroupError COORDINATOR_NOT_AVAILABLE; StoreError */
export async function forgetTopicsInGroups(
  parts: Pick<GroupExpiryParts, 'items' | 'clock' | 'random'>,
  topicIds: ReadonlySet<string>,
): Promise<void> {
  await removeTopicsOffsets(new GroupItems(parts), topicIds)
}
