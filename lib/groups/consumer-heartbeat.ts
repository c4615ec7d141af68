/**
 * The one call of a consumer group's member (KIP-848): it joins, shows that it lives, says what it has, and leaves; the
 * answer says what it is to have. Pure; the rules and the words of refusals are Apache Kafka's (GroupMetadataManager).
 */
import { type Assignment, isSubset, NOTHING, sameAssignment } from './assignment.ts'
import { assignors } from './assignors.ts'
import type { ConsumerDocument, ConsumerMember } from './consumer-document.ts'
import {
  LEAVING_EPOCH,
  LEAVING_FOR_A_WHILE_EPOCH,
  memberWithInstance,
  newMember,
  type Refused,
  type TopicsSeen,
  withMember,
  withoutMembers,
} from './consumer-group.ts'
import { reconcile } from './consumer-reconcile.ts'
import { assignAnew, lookAtTopics } from './consumer-target.ts'
import type { ConsumerHeartbeat } from './contract.ts'
import { encodeGroupDocument } from './group-document.ts'
import { DOCUMENT_BYTES_FULL, type GroupSettings } from './settings.ts'

export interface ConsumerMoment {
  readonly wallTime: number
  readonly settings: GroupSettings
}

export type ConsumerStep =
  | Refused
  | {
      /** The same object where nothing has to be stored. */
      readonly group: ConsumerDocument
      /** The member as it is now; undefined: it has left, or has never been there. */
      readonly member: ConsumerMember | undefined
      /** What the member is to have, where it must be told. */
      readonly assignment: Assignment | undefined
    }

/** @returns what is wrong with the request whatever the group is. */
export function refusalOfHeartbeat(request: ConsumerHeartbeat): Refused | undefined {
  const { memberId, instanceId, rackId, epoch } = request
  const refuse = (message: string): Refused => ({ error: 'INVALID_REQUEST', message })
  if (instanceId === '') return refuse("InstanceId can't be empty.")
  if (rackId === '') return refuse("RackId can't be empty.")
  if (epoch < LEAVING_FOR_A_WHILE_EPOCH) return refuse('MemberEpoch is invalid.')
  if (memberId === '' && epoch !== 0) return refuse("MemberId can't be empty.")
  if (epoch === LEAVING_FOR_A_WHILE_EPOCH && instanceId === undefined) return refuse("InstanceId can't be null.")
  if (epoch === 0) {
    if (request.rebalanceTimeoutMs === undefined) return refuse('RebalanceTimeoutMs must be provided in first request.')
    if (request.owned === undefined || request.owned.size > 0) {
      return refuse('TopicPartitions must be empty when (re-)joining.')
    }
    if (request.topicNames === undefined && request.regex === undefined) {
      return refuse('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
    }
  }
  const { assignor } = request
  if (assignor !== undefined && !assignors.has(assignor)) {
    const message = `ServerAssignor ${assignor} is not supported. Supported assignors: ${[...assignors.keys()].join(', ')}.`
    return { error: 'UNSUPPORTED_ASSIGNOR', message }
  }
  return undefined
}

/** `request.memberId` is set. The topics that `seen` is asked for must be known to it. */
export function heartbeatOfConsumer(
  group: ConsumerDocument,
  request: ConsumerHeartbeat,
  seen: TopicsSeen,
  moment: ConsumerMoment,
): ConsumerStep {
  if (request.epoch < 0) return leave(group, request, moment)
  const found = findMember(group, request, moment.settings)
  if ('error' in found) return found
  const { member, replaces } = found
  const updated = updateMember(member, request)
  let next = replaces ? replaceMember(group, replaces, updated) : withMember(group, updated)
  const looked = lookAtTopics(next, seen)
  const isNew = replaces === undefined && !group.members.has(member.id)
  if (looked !== next || isNew || !sameSubscription(member, updated)) {
    next = assignAnew(looked, moment.settings.consumerAssignor)
  }
  // Who comes in the epoch before was not told of this one, or asked long ago. It is told again, and goes no further: if that is lost
  // too, the epoch that it knows must still be the one before. (Apache Kafka goes on, and fences it then.)
  const isBehind = request.epoch !== member.epoch
  const current = next.members.get(updated.id)!
  const settled = isBehind ? current : reconcile(next, current, request.owned)
  next = withMember(next, settled)
  if (group.members.size === 0) next = { ...next, stateChangedAt: moment.wallTime }
  if (isNew && isTooLarge(next)) return full(group)
  const isFull =
    request.rebalanceTimeoutMs !== undefined &&
    (request.topicNames !== undefined || request.regex !== undefined) &&
    request.owned !== undefined
  // Who comes in the epoch before has no answer of this one, and would never be told: Kafka leaves that to full requests.
  const tells = request.epoch === 0 || isFull || isBehind || !sameAssignment(member.assigned, settled.assigned)
  return {
    group: isUnchanged(group, next, settled) ? group : next,
    member: settled,
    assignment: tells ? settled.assigned : undefined,
  }
}

/** Takes members out, and gives the others what they had. */
export function removeMembers(
  group: ConsumerDocument,
  ids: readonly string[],
  moment: ConsumerMoment,
): ConsumerDocument {
  const present = ids.filter(id => group.members.has(id))
  if (present.length === 0) return group
  const next = assignAnew(withoutMembers(group, present), moment.settings.consumerAssignor)
  return next.members.size === 0 ? { ...next, stateChangedAt: moment.wallTime } : next
}

/** The topics, or what regular expressions match, may have changed while no member said anything new. */
export function refreshTopics(group: ConsumerDocument, seen: TopicsSeen, moment: ConsumerMoment): ConsumerDocument {
  const looked = lookAtTopics(group, seen)
  return looked === group ? group : assignAnew(looked, moment.settings.consumerAssignor)
}

// ---------------------------------------------------------------- who it is

type Found = Refused | { readonly member: ConsumerMember; readonly replaces: ConsumerMember | undefined }

function findMember(group: ConsumerDocument, request: ConsumerHeartbeat, settings: GroupSettings): Found {
  const { memberId, instanceId, epoch } = request
  const holder = instanceId === undefined ? group.members.get(memberId) : memberWithInstance(group, instanceId)
  const joins = epoch === 0
  if (!holder) {
    if (!joins) return { error: 'UNKNOWN_MEMBER_ID', message: unknownMember(group, request) }
    if (group.members.size >= settings.consumerMembersMax) return full(group)
    return { member: newMember(memberId), replaces: undefined }
  }
  if (holder.id !== memberId) {
    if (!joins) return { error: 'FENCED_INSTANCE_ID', message: fencedBy(request, holder) }
    // One of the classic protocol does not say that it leaves: its next life, as a consumer, takes its place.
    if (holder.epoch !== LEAVING_FOR_A_WHILE_EPOCH && !holder.classic) {
      return {
        error: 'UNRELEASED_INSTANCE_ID',
        message: `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${holder.id} member.`,
      }
    }
    return {
      member: { ...holder, id: memberId, epoch: 0, previousEpoch: 0, state: 'stable', revoking: NOTHING },
      replaces: holder,
    }
  }
  if (joins && holder.epoch === LEAVING_FOR_A_WHILE_EPOCH) {
    return {
      member: { ...holder, epoch: 0, previousEpoch: 0, state: 'stable', revoking: NOTHING },
      replaces: undefined,
    }
  }
  return refusalOfEpoch(holder, request) ?? { member: holder, replaces: undefined }
}

/** The epoch before is taken from a member that cannot have more than it should: it may not have heard of the new one. */
function refusalOfEpoch(member: ConsumerMember, { epoch, owned }: ConsumerHeartbeat): Refused | undefined {
  const tail = 'The member must abandon all its partitions and rejoin.'
  const known = `than the one known by the group coordinator (${member.epoch}). ${tail}`
  if (epoch > member.epoch) {
    return {
      error: 'FENCED_MEMBER_EPOCH',
      message: `The consumer group member has a greater member epoch (${epoch}) ${known}`,
    }
  }
  if (epoch === member.epoch) return undefined
  if (epoch === member.previousEpoch && owned !== undefined && isSubset(owned, member.assigned)) return undefined
  return {
    error: 'FENCED_MEMBER_EPOCH',
    message: `The consumer group member has a smaller member epoch (${epoch}) ${known}`,
  }
}

function unknownMember(_group: ConsumerDocument, { memberId, instanceId, groupId }: ConsumerHeartbeat): string {
  if (instanceId !== undefined) return `Instance id ${instanceId} is unknown.`
  return `Member ${memberId} is not a member of group ${groupId}.`
}

function fencedBy({ memberId, instanceId }: ConsumerHeartbeat, holder: ConsumerMember): string {
  return `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.id}.`
}

// ---------------------------------------------------------------- leaving

function leave(group: ConsumerDocument, request: ConsumerHeartbeat, moment: ConsumerMoment): ConsumerStep {
  const { memberId, instanceId, epoch } = request
  const holder = instanceId === undefined ? group.members.get(memberId) : memberWithInstance(group, instanceId)
  if (!holder) return { error: 'UNKNOWN_MEMBER_ID', message: unknownMember(group, request) }
  if (holder.id !== memberId) return { error: 'FENCED_INSTANCE_ID', message: fencedBy(request, holder) }
  if (epoch === LEAVING_EPOCH) {
    return { group: removeMembers(group, [holder.id], moment), member: undefined, assignment: undefined }
  }
  const away: ConsumerMember = {
    ...holder,
    epoch: LEAVING_FOR_A_WHILE_EPOCH,
    previousEpoch: holder.epoch,
    state: 'stable',
    revoking: NOTHING,
  }
  return { group: withMember(group, away), member: undefined, assignment: undefined }
}

// ---------------------------------------------------------------- what it says

/** What is not said stays as it was. An empty regular expression is none. */
function updateMember(member: ConsumerMember, request: ConsumerHeartbeat): ConsumerMember {
  const { regex } = request
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs ?? member.rebalanceTimeoutMs,
    topicNames: request.topicNames === undefined ? member.topicNames : [...new Set(request.topicNames)].sort(),
    regex: regex === undefined ? member.regex : regex === '' ? undefined : regex,
    assignor: request.assignor ?? member.assignor,
    classic: undefined,
  }
}

function sameSubscription(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.regex === other.regex &&
    one.assignor === other.assignor &&
    one.topicNames.length === other.topicNames.length &&
    one.topicNames.every((name, i) => other.topicNames[i] === name)
  )
}

/** In the place of the member that it is the return of. */
function replaceMember(group: ConsumerDocument, before: ConsumerMember, member: ConsumerMember): ConsumerDocument {
  const members = [...group.members].map(([id, other]) =>
    id === before.id ? ([member.id, member] as const) : ([id, other] as const),
  )
  return { ...group, members: new Map(members) }
}

function isUnchanged(group: ConsumerDocument, next: ConsumerDocument, member: ConsumerMember): boolean {
  const before = group.members.get(member.id)
  if (!before || next.epoch !== group.epoch || next.members.size !== group.members.size) return false
  return (
    sameSubscription(before, member) &&
    before.state === member.state &&
    before.epoch === member.epoch &&
    before.previousEpoch === member.previousEpoch &&
    before.instanceId === member.instanceId &&
    before.rackId === member.rackId &&
    before.clientId === member.clientId &&
    before.clientHost === member.clientHost &&
    before.rebalanceTimeoutMs === member.rebalanceTimeoutMs &&
    before.classic === member.classic &&
    sameAssignment(before.assigned, member.assigned) &&
    sameAssignment(before.revoking, member.revoking)
  )
}

function isTooLarge(group: ConsumerDocument): boolean {
  return encodeGroupDocument({ ...group, coordinator: Number.MAX_SAFE_INTEGER }).length > DOCUMENT_BYTES_FULL
}

function full(group: ConsumerDocument): Refused {
  return {
    error: 'GROUP_MAX_SIZE_REACHED',
    message: `The consumer group has reached its maximum capacity of ${group.members.size} members.`,
  }
}
