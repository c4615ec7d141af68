/**
 * Which of a group's committed offsets are over, by Kafka's rules (KIP-211, KIP-496; OffsetMetadataManager). Pure.
 *
 * - Nobody is in the group: those committed, and the group empty, for the whole retention. (Kafka goes by the group's emptiness
 *   alone where it had members, so one that a tool sets just now may go at once there.)
 * - Somebody is: those of topics that none of them subscribes to, so long after the commit; of a classic group only
 *   while its members' subscriptions are known, and can be read.
 * - Never one of a partition for which an open transaction has staged another.
 */
import { type GroupDocument, isEmptyGroup } from './group-document.ts'
import { stateOfView, viewOf } from './group-view.ts'
import { isSubscribed } from './offset-rules.ts'
import type { OffsetsBlock, StoredOffset } from './offsets-block.ts'

export interface ExpiryMoment {
  /** Wall clock, ms since 1970. */
  readonly now: number
  readonly retentionMs: number
}

/** Nobody has been in the group for the whole retention. */
export function isLongEmpty(group: GroupDocument, { now, retentionMs }: ExpiryMoment): boolean {
  return isEmptyGroup(group) && now - group.stateChangedAt >= retentionMs
}

/** Whether any offset of the group may be over: if not, none need be read. */
export function mayExpire(group: GroupDocument, moment: ExpiryMoment): boolean {
  return isEmptyGroup(group) ? isLongEmpty(group, moment) : knowsSubscriptions(group)
}

/** Partitions of the block whose offset is over. `topicName` undefined: there is no such topic any more. */
export function expiredPartitions(
  group: GroupDocument,
  block: OffsetsBlock,
  topicName: string | undefined,
  { now, retentionMs }: ExpiryMoment,
): number[] {
  if (block.incarnation !== group.incarnation || group.state === 'Dead') return []
  const empty = isEmptyGroup(group)
  if (!empty && (!knowsSubscriptions(group) || (topicName !== undefined && isRead(group, topicName)))) return []
  const staged = new Set(block.staged.map(({ partition }) => partition))
  const since = ({ committedAt }: StoredOffset) => (empty ? Math.max(committedAt, group.stateChangedAt) : committedAt)
  const isOver = ([partition, stored]: [number, StoredOffset]) =>
    !staged.has(partition) && now - since(stored) >= retentionMs
  return [...block.offsets].filter(isOver).map(([partition]) => partition)
}

/** Nothing in it counts, or will. */
export function isSpent({ incarnation, offsets, staged }: OffsetsBlock, group: GroupDocument): boolean {
  return incarnation !== group.incarnation || (offsets.size === 0 && staged.length === 0)
}

function knowsSubscriptions(group: GroupDocument): boolean {
  if (group.kind !== 'classic') return stateOfView(group) !== 'Dead'
  return group.state === 'Stable' && !group.rejoin && group.protocolType === 'consumer'
}

function isRead(group: GroupDocument, topicName: string): boolean {
  return isSubscribed(viewOf(group, undefined)!, topicName)
}
