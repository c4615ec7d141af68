/** Who may change a group's committed offsets, by Kafka's rules. Pure. */
import { metadataOf, refusalOfMember } from './classic-group.ts'
import type { ConsumerDocument } from './consumer-document.ts'
import { isSubscribedTo } from './consumer-group.ts'
import { subscribedTopics } from './consumer-subscription.ts'
import type { CommitRequest, MemberRequest } from './contract.ts'
import type { GroupErrorCode } from './errors.ts'
import { type GroupView, stateOfView } from './group-view.ts'
import type { StreamsDocument } from './streams-document.ts'
import { readsTopic } from './streams-group.ts'

/** `group` undefined: there is none, and a commit without membership makes one. */
export function refusalOfCommit(
  group: GroupView | undefined,
  request: Omit<CommitRequest, 'offsets'>,
): GroupErrorCode | undefined {
  const { memberId, instanceId, generation, knowsNoEpochs = false } = request
  if (!group) return generation < 0 ? undefined : 'GROUP_ID_NOT_FOUND'
  if (generation < 0 && stateOfView(group) === 'Empty') return undefined
  if (group.kind !== 'classic') {
    const member = group.members.get(memberId)
    const hasEpoch = member !== undefined && !('classic' in member && member.classic)
    return knowsNoEpochs && hasEpoch ? 'UNSUPPORTED_VERSION' : refusalOfEpoch(group, memberId, generation)
  }
  if (generation < 0 && memberId === '' && instanceId === undefined) return 'UNKNOWN_MEMBER_ID'
  const refusal = refusalOfMember(group, memberId, instanceId)
  if (refusal) return refusal
  if (generation !== group.generation) return 'ILLEGAL_GENERATION'
  // The member knows its new generation but not what it owns in it.
  return group.state === 'CompletingRebalance' ? 'REBALANCE_IN_PROGRESS' : undefined
}

/** Who may stage offsets in a transaction: old clients say nothing of their membership (KIP-447), and may. */
export function refusalOfStagingMember(
  group: GroupView | undefined,
  request: MemberRequest,
): GroupErrorCode | undefined {
  const { memberId, instanceId, generation } = request
  if (!group) return generation < 0 ? undefined : 'ILLEGAL_GENERATION'
  const isSilent = memberId === '' && instanceId === undefined
  if (generation < 0 && (stateOfView(group) === 'Empty' || isSilent)) return undefined
  if (group.kind !== 'classic') {
    const refusal = refusalOfEpoch(group, memberId, generation)
    return refusal === 'STALE_MEMBER_EPOCH' ? 'ILLEGAL_GENERATION' : refusal
  }
  return (
    refusalOfMember(group, memberId, instanceId) ?? (generation === group.generation ? undefined : 'ILLEGAL_GENERATION')
  )
}

/** A member of a consumer group that says who it is reads offsets only in its epoch (KIP-848). */
export function refusalOfFetch(
  group: GroupView | undefined,
  memberId: string | undefined,
  memberEpoch: number,
): GroupErrorCode | undefined {
  if (!group || group.kind === 'classic' || (memberId === undefined && memberEpoch < 0)) return undefined
  return refusalOfEpoch(group, memberId ?? '', memberEpoch)
}

/** Whole-group refusal of OffsetDelete. */
export function refusalOfOffsetDelete(group: GroupView | undefined): GroupErrorCode | undefined {
  if (!group) return 'GROUP_ID_NOT_FOUND'
  if (group.kind !== 'classic') return undefined
  return group.state !== 'Empty' && group.protocolType !== 'consumer' ? 'NON_EMPTY_GROUP' : undefined
}

/** Consumers whose subscriptions cannot be read count as subscribed to everything. */
export function isSubscribed(group: GroupView, topicName: string): boolean {
  if (group.kind === 'consumer') return isSubscribedTo(group, topicName)
  if (group.kind === 'streams') return readsTopic(group, topicName)
  if (group.protocolType !== 'consumer') return false
  for (const member of group.members.values()) {
    const topics = subscribedTopics(metadataOf(member, group.protocolName))
    if (topics === undefined || topics.includes(topicName)) return true
  }
  return false
}

function refusalOfEpoch(
  group: ConsumerDocument | StreamsDocument,
  memberId: string,
  epoch: number,
): GroupErrorCode | undefined {
  const member = group.members.get(memberId)
  if (!member) return 'UNKNOWN_MEMBER_ID'
  if (epoch === member.epoch) return undefined
  return 'classic' in member && member.classic ? 'ILLEGAL_GENERATION' : 'STALE_MEMBER_EPOCH'
}
