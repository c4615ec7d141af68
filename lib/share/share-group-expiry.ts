/**
 * Upkeep of share groups: one that nobody has been in for `offsets.retention.minutes`, and that stands nowhere, goes; deletions that
 * stopped half way are finished; where groups stood in deleted topics is forgotten. Where a group stands in a topic that
 * is there is kept until an administrator deletes the group or its offsets, as by Kafka (KIP-932).
 *
 * A group is marked dead first, in a write that expects the document as it was read: who joins meanwhile makes it fail. A share
 * partition comes to be in a write that checks the document, so none does after that. (One that comes to be in between goes too: its
 * group has no member, and has had none for long.)
 */
import { type Clock, inParallel, type Random } from '../base/index.ts'
import { jobForEach, type UpkeepJob, type UpkeepPass } from '../log/index.ts'
import type { ItemStore } from '../storage/index.ts'
import { PARALLEL_READS_MAX } from './settings.ts'
import { ShareItems } from './share-items.ts'

export interface ShareGroupExpiryParts {
  readonly items: ItemStore
  readonly clock: Clock
  readonly random: Random
}

export interface ShareGroupExpirySettings {
  /** `offsets.retention.minutes`, in ms */
  readonly offsetsRetentionMs: number
  readonly intervalMs: number
}

export function expireShareGroupsJob(
  parts: ShareGroupExpiryParts,
  { offsetsRetentionMs, intervalMs }: ShareGroupExpirySettings,
): UpkeepJob {
  const items = new ShareItems(parts)
  return jobForEach({
    name: 'expire-share-groups',
    intervalMs,
    list: () => items.listGroupIds(),
    keyOf: groupId => `group/${groupId}`,
    work: (groupId, pass) => expireGroup(groupId, items, parts.clock.now() - offsetsRetentionMs, pass),
  })
}

/** Whether there was something to do. `before`: wall clock. */
async function expireGroup(groupId: string, items: ShareItems, before: number, pass: UpkeepPass): Promise<boolean> {
  const { value: group, version } = await items.readStoredGroup(groupId)
  if (!group || version === 'absent') return false
  if (group.isDead) {
    pass.tell(`share group ${groupId}`, 'its deletion is not finished')
    if (!pass.dry) await items.finishRemoval(groupId, version)
    return true
  }
  if (group.members.length > 0 || group.changedAt > before) return false
  if ((await items.listPartitions(groupId)).length > 0) return false
  pass.tell(`share group ${groupId}`, 'nobody is in it, and it stands nowhere')
  if (pass.dry) return true
  const marked = await items.writeGroup(groupId, version, { ...group, isDead: true })
  if (marked !== 'conflict') await items.finishRemoval(groupId, marked.version)
  return true
}

/** Topics are deleted: where groups stood there goes. @throws ShareError COORDINATOR_NOT_AVAILABLE; StoreError */
export async function forgetTopicsInShareGroups(
  parts: ShareGroupExpiryParts,
  topicIds: ReadonlySet<string>,
): Promise<void> {
  const items = new ShareItems(parts)
  await inParallel(await items.listGroupIds(), PARALLEL_READS_MAX, async groupId => {
    const there = new Set((await items.listPartitions(groupId)).map(({ topicId }) => topicId))
    for (const topicId of there) if (topicIds.has(topicId)) await items.removePartitions(groupId, topicId)
  })
}
