/** JoinGroup: new members, members that come back, and static members that replace themselves. */
import {
  type ClassicGroup,
  type Draft,
  draftOf,
  electProtocol,
  joinedAnswer,
  joinedMembers,
  type Member,
  type Moment,
  memberOfInstance,
  NO_BYTES,
  type Outcome,
  refusalOfMember,
  type Step,
  sameProtocols,
  stepOf,
  suitsProtocols,
} from './classic-group.ts'
import {
  changeMember,
  completeJoinIfAll,
  prepareRebalance,
  rebalance,
  removeMember,
  replyToJoin,
} from './classic-rebalance.ts'
import type { Joined, JoinRequest } from './contract.ts'
import type { GroupErrorCode } from './errors.ts'
import { encodeGroupDocument, type MemberDocument, memberBytesMax } from './group-document.ts'
import { DOCUMENT_BYTES_FULL, NEW_MEMBER_JOIN_TIMEOUT_MS, PENDING_MEMBERS_MAX } from './settings.ts'

export type JoinStep = Step & { readonly outcome: Outcome<Joined> }

/** `newMemberId` is the id that a member without one gets. */
export function joinGroup(group: ClassicGroup, request: JoinRequest, newMemberId: string, moment: Moment): JoinStep {
  const known = request.memberId !== ''
  if (!hasRoom(group, request.memberId, moment)) return refuseForSize(group, request, moment)
  if (!suitsProtocols(group, request.protocolType, request.protocols)) {
    return refuse(group, 'INCONSISTENT_GROUP_PROTOCOL', request.memberId)
  }
  if (!hasBytes(group, request)) return refuse(group, 'GROUP_MAX_SIZE_REACHED', request.memberId)
  if (known) return joinAgain(group, request, moment)
  if (request.instanceId === undefined) return joinAnew(group, request, newMemberId, moment)
  const previous = memberOfInstance(group, request.instanceId)
  if (previous) return replaceStaticMember(group, request, { previous, newMemberId, moment })
  return addMember(group, request, newMemberId, moment)
}

function joinAnew(group: ClassicGroup, request: JoinRequest, newMemberId: string, moment: Moment): JoinStep {
  if (!request.requiresMemberId) return addMember(group, request, newMemberId, moment)
  if (group.pending.size >= PENDING_MEMBERS_MAX) return refuse(group, 'COORDINATOR_NOT_AVAILABLE', '')
  const draft = draftOf(group)
  draft.pending.set(newMemberId, moment.now + request.sessionTimeoutMs)
  return { ...stepOf(draft), outcome: { answer: { error: 'MEMBER_ID_REQUIRED', memberId: newMemberId } } }
}

function joinAgain(group: ClassicGroup, request: JoinRequest, moment: Moment): JoinStep {
  const { memberId } = request
  if (group.pending.has(memberId)) {
    if (request.instanceId !== undefined) return refuse(group, 'UNKNOWN_MEMBER_ID', memberId)
    return addMember(group, request, memberId, moment)
  }
  const refusal = refusalOfMember(group, memberId, request.instanceId)
  if (refusal) return refuse(group, refusal, memberId)
  const member = group.members.get(memberId)!
  const unchanged = sameProtocols(member.protocols, request.protocols)
  // The leader of a stable group joins to have partitions assigned anew; others ask again what they may have missed.
  const asksAgain =
    unchanged && (group.state === 'CompletingRebalance' || (group.state === 'Stable' && group.leader !== memberId))
  const draft = draftOf(group)
  if (asksAgain) {
    changeMember(draft, memberId, { deadline: moment.now + member.sessionTimeoutMs })
    return { ...stepOf(draft), outcome: { answer: joinedAnswer(draft, memberId) } }
  }
  changeMember(draft, memberId, updateOf(request))
  rebalance(draft, moment)
  return { ...stepOf(draft), outcome: { heldAs: memberId } }
}

function addMember(group: ClassicGroup, request: JoinRequest, memberId: string, moment: Moment): JoinStep {
  const draft = draftOf(group)
  if (draft.members.size === 0) draft.protocolType = request.protocolType
  draft.leader ??= memberId
  draft.pending.delete(memberId)
  draft.members.set(memberId, newMember(request, memberId, moment))
  const gathering = draft.rebalance?.gathering
  if (draft.rebalance && gathering)
    draft.rebalance = { ...draft.rebalance, gathering: { ...gathering, newcomers: true } }
  rebalance(draft, moment)
  return { ...stepOf(draft), outcome: { heldAs: memberId } }
}

/**
 * A static member has started again and has forgotten its id. The old id is fenced at once. A stable group goes on with
 * the same generation and assignment, unless another protocol would be chosen.
 */
function replaceStaticMember(
  group: ClassicGroup,
  request: JoinRequest,
  { previous, newMemberId, moment }: { previous: Member; newMemberId: string; moment: Moment },
): JoinStep {
  const draft = draftOf(group)
  const leaderBefore = draft.leader
  takePlace(draft, previous, { ...previous, ...updateOf(request), id: newMemberId, syncing: false, isNew: false })
  changeMember(draft, newMemberId, { deadline: moment.now + request.sessionTimeoutMs })
  if (draft.state === 'Stable' && electProtocol(draft) === draft.protocolName) {
    const skipAssignment = request.supportsSkippingAssignment && draft.leader === newMemberId
    replyToJoin(draft, newMemberId, {
      ...joinedAnswer(draft, newMemberId),
      // An old client that is told to lead would assign anew, and its assignment would be ignored.
      leader: (request.supportsSkippingAssignment ? draft.leader : leaderBefore) ?? '',
      skipAssignment,
      members: skipAssignment ? joinedMembers(draft) : [],
    })
    changeMember(draft, newMemberId, { joining: false })
    draft.store = true
  } else if (draft.state === 'PreparingRebalance') completeJoinIfAll(draft, moment)
  else prepareRebalance(draft, moment)
  return { ...stepOf(draft), outcome: { heldAs: newMemberId } }
}

/** Puts `member` where `previous` was, so that the order of members does not change. */
function takePlace(draft: Draft, previous: Member, member: Member): void {
  const fenced = { error: 'FENCED_INSTANCE_ID', memberId: previous.id } as const
  if (previous.joining) replyToJoin(draft, previous.id, fenced)
  if (previous.syncing) draft.replies.push({ to: 'sync', memberId: previous.id, answer: fenced })
  draft.members = new Map(
    [...draft.members].map(([id, other]) => (id === previous.id ? [member.id, member] : [id, other])),
  )
  if (draft.leader === previous.id) draft.leader = member.id
}

function newMember(request: JoinRequest, memberId: string, moment: Moment): Member {
  return {
    ...memberDocumentOf(request, memberId),
    deadline: moment.now + NEW_MEMBER_JOIN_TIMEOUT_MS,
    joining: true,
    syncing: false,
    isNew: true,
    owesSync: false,
  }
}

function memberDocumentOf(request: JoinRequest, memberId: string): MemberDocument {
  return {
    id: memberId,
    instanceId: request.instanceId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    protocols: request.protocols,
    assignment: NO_BYTES,
  }
}

function updateOf(request: JoinRequest): Partial<Member> {
  return {
    clientId: request.clientId,
    clientHost: request.clientHost,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    protocols: request.protocols,
    joining: true,
  }
}

/** While members join, those who come first have the places; in other states all who are in the group have theirs. */
function hasRoom(group: ClassicGroup, memberId: string, { settings }: Moment): boolean {
  if (group.state === 'Empty') return true
  const member = group.members.get(memberId)
  if (group.state !== 'PreparingRebalance') return member !== undefined || group.members.size < settings.membersMax
  if (member?.joining) return true
  let joining = 0
  for (const other of group.members.values()) if (other.joining) joining++
  return joining < settings.membersMax
}

function hasBytes(group: ClassicGroup, request: JoinRequest): boolean {
  const joining = memberDocumentOf(request, request.memberId)
  let most = memberBytesMax(joining) + 1_000
  for (const member of group.members.values()) most += memberBytesMax(member)
  if (most <= DOCUMENT_BYTES_FULL) return true
  const replaced = group.members.get(request.memberId)
  const others = [...group.members.values()].filter(member => member !== replaced)
  const document = {
    ...group,
    state: 'Stable',
    coordinator: Number.MAX_SAFE_INTEGER,
    rejoin: false,
    members: [...others, joining],
  } as const
  return encodeGroupDocument(document).length <= DOCUMENT_BYTES_FULL
}

function refuseForSize(group: ClassicGroup, request: JoinRequest, moment: Moment): JoinStep {
  const draft = draftOf(group)
  removeMember(draft, request.memberId)
  completeJoinIfAll(draft, moment)
  return { ...stepOf(draft), outcome: { answer: { error: 'GROUP_MAX_SIZE_REACHED', memberId: '' } } }
}

function refuse(group: ClassicGroup, error: GroupErrorCode, memberId: string): JoinStep {
  return { group, store: false, replies: [], outcome: { answer: { error, memberId } } }
}
