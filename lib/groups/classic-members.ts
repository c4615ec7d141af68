/**
 * Members of the classic protocol in a consumer group (KIP-848, online migration): their JoinGroup and SyncGroup are
 * answered at once, their generation is their epoch, and a heartbeat tells them when to join again. Nobody leads: the
 * coordinator assigns. Pure; the rules are Apache Kafka's.
 */
import { NOTHING } from './assignment.ts'
import { refusalOfMember } from './classic-group.ts'
import type { ConsumerDocument, ConsumerMember } from './consumer-document.ts'
import {
  awaitsRelease,
  memberWithInstance,
  newMember,
  type TopicsSeen,
  topicNamesById,
  withMember,
} from './consumer-group.ts'
import type { ConsumerMoment } from './consumer-heartbeat.ts'
import { reconcile } from './consumer-reconcile.ts'
import { readSubscription, writeConsumerAssignment } from './consumer-subscription.ts'
import { assignAnew, lookAtTopics } from './consumer-target.ts'
import type {
  Joined,
  JoinRequest,
  LeavingMember,
  LeftMember,
  MemberRequest,
  Protocol,
  Synced,
  SyncRequest,
} from './contract.ts'
import type { GroupErrorCode } from './errors.ts'
import { assignmentIn, named, versionOf } from './migration.ts'

const PROTOCOL_TYPE = 'consumer'

export type ClassicRefusal = { readonly error: GroupErrorCode; readonly memberId: string }

export type ClassicJoinStep =
  | ClassicRefusal
  | { readonly group: ConsumerDocument; readonly member: ConsumerMember; readonly answer: Joined }

/** Names of the topics that a member says it is subscribed to. */
export function topicsAskedFor(request: JoinRequest): readonly string[] {
  return readSubscription(request.protocols[0]?.metadata ?? new Uint8Array(0))?.topics ?? []
}

export function joinConsumerGroup(
  group: ConsumerDocument,
  request: JoinRequest,
  newMemberId: string,
  seen: TopicsSeen,
  moment: ConsumerMoment,
): ClassicJoinStep {
  const { memberId, instanceId } = request
  const refuse = (error: GroupErrorCode, id = memberId): ClassicRefusal => ({ error, memberId: id })
  const subscription = readSubscription(request.protocols[0]?.metadata ?? new Uint8Array(0))
  if (request.protocolType !== PROTOCOL_TYPE || !subscription || !suits(group, memberId, request.protocols)) {
    return refuse('INCONSISTENT_GROUP_PROTOCOL')
  }
  const holder = instanceId === undefined ? group.members.get(memberId) : memberWithInstance(group, instanceId)
  if (holder && instanceId !== undefined && memberId !== '' && holder.id !== memberId)
    return refuse('FENCED_INSTANCE_ID')
  if (!holder && instanceId !== undefined && memberId !== '') return refuse('UNKNOWN_MEMBER_ID')
  if (holder && holder.id === memberId && !holder.classic) return refuse('UNKNOWN_MEMBER_ID')
  if (!holder && group.members.size >= moment.settings.consumerMembersMax) return refuse('GROUP_MAX_SIZE_REACHED', '')
  if (memberId === '' && instanceId === undefined && request.requiresMemberId)
    return refuse('MEMBER_ID_REQUIRED', newMemberId)
  const before = holder ?? newMember(memberId === '' ? newMemberId : memberId)
  const returns = holder !== undefined && memberId === ''
  const updated: ConsumerMember = {
    ...before,
    id: returns ? newMemberId : before.id,
    instanceId,
    rackId: subscription.rackId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    topicNames: [...new Set(subscription.topics)].sort(),
    regex: undefined,
    assignor: undefined,
    ...(returns && { state: 'stable', epoch: 0, previousEpoch: 0, revoking: NOTHING }),
    classic: { sessionTimeoutMs: request.sessionTimeoutMs, protocols: request.protocols },
  }
  let next = returns ? replace(group, before.id, updated) : withMember(group, updated)
  const looked = lookAtTopics(next, seen)
  const changed = before.topicNames.join('\n') !== updated.topicNames.join('\n') || before.regex !== undefined
  if (looked !== next || !holder || changed) next = assignAnew(looked, moment.settings.consumerAssignor)
  const owned = assignmentIn(subscription.owned, seen)
  const settled = reconcile(next, next.members.get(updated.id)!, owned)
  next = withMember(next, settled)
  return {
    group: group.members.size === 0 ? { ...next, stateChangedAt: moment.wallTime } : next,
    member: settled,
    answer: {
      memberId: settled.id,
      generation: settled.epoch,
      protocolType: PROTOCOL_TYPE,
      protocolName: request.protocols[0]!.name,
      leader: '',
      skipAssignment: false,
      members: [],
    },
  }
}

export function syncConsumerGroup(group: ConsumerDocument, request: SyncRequest): ClassicRefusal | Synced {
  const refuse = (error: GroupErrorCode): ClassicRefusal => ({ error, memberId: request.memberId })
  const member = classicMember(group, request)
  if ('error' in member) return member
  const protocolName = member.classic!.protocols[0]!.name
  if (
    (request.protocolType !== undefined && request.protocolType !== PROTOCOL_TYPE) ||
    (request.protocolName !== undefined && request.protocolName !== protocolName)
  ) {
    return refuse('INCONSISTENT_GROUP_PROTOCOL')
  }
  if (group.epoch > member.epoch && member.state !== 'unrevoked') return refuse('REBALANCE_IN_PROGRESS')
  const topics = named(member.assigned, topicNamesById(group))
  const version = versionOf(member.classic!.protocols[0]!.metadata)
  return { protocolType: PROTOCOL_TYPE, protocolName, assignment: writeConsumerAssignment(topics, version) }
}

/** `rejoins`: the member is to join again, for there is something to give up or to get. */
export function heartbeatOfClassic(
  group: ConsumerDocument,
  request: MemberRequest,
): ClassicRefusal | { readonly member: ConsumerMember; readonly rejoins: boolean } {
  const member = classicMember(group, request)
  if ('error' in member) return member
  const rejoins =
    member.epoch < group.epoch ||
    member.state === 'unrevoked' ||
    (member.state === 'unreleased' && !awaitsRelease(group, member))
  return { member, rejoins }
}

/** Members of either protocol, as an administrator removes them too. Gives who is out, besides the answers. */
export function leaveConsumerGroup(
  group: ConsumerDocument,
  members: readonly LeavingMember[],
): { readonly left: readonly LeftMember[]; readonly ids: readonly string[] } {
  const ids: string[] = []
  const left = members.map((leaving): LeftMember => {
    const { memberId, instanceId } = leaving
    const holder = memberId === '' && instanceId !== undefined ? memberWithInstance(group, instanceId)?.id : undefined
    const id = holder ?? memberId
    const error = refusalOfMember(group, id, instanceId)
    if (!error) ids.push(id)
    return { ...leaving, error }
  })
  return { left, ids }
}

function classicMember(group: ConsumerDocument, request: MemberRequest): ConsumerMember | ClassicRefusal {
  const { memberId, instanceId, generation } = request
  const refusal = refusalOfMember(group, memberId, instanceId)
  if (refusal) return { error: refusal, memberId }
  const member = group.members.get(memberId)!
  if (!member.classic) return { error: 'UNKNOWN_MEMBER_ID', memberId }
  return member.epoch === generation ? member : { error: 'ILLEGAL_GENERATION', memberId }
}

/** One of its protocols is every other classic member's too. */
function suits(group: ConsumerDocument, memberId: string, protocols: readonly Protocol[]): boolean {
  const others = [...group.members.values()].filter(({ id, classic }) => classic && id !== memberId)
  return protocols.some(({ name }) =>
    others.every(({ classic }) => classic!.protocols.some(other => other.name === name)),
  )
}

function replace(group: ConsumerDocument, beforeId: string, member: ConsumerMember): ConsumerDocument {
  const members = [...group.members].map(([id, other]) =>
    id === beforeId ? ([member.id, member] as const) : ([id, other] as const),
  )
  return { ...group, members: new Map(members) }
}
