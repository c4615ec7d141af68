/** Sessions: heartbeats keep a member in the group, silence and LeaveGroup take it out. */
import {
  type ClassicGroup,
  canExpire,
  draftOf,
  everyoneJoined,
  type Moment,
  memberOfInstance,
  refusalOfMember,
  type Step,
  stepOf,
  takeOver,
} from './classic-group.ts'
import { completeJoin, completeJoinIfAll, endJoinPhase, prepareRebalance, removeMember } from './classic-rebalance.ts'
import type { LeavingMember, LeftMember, MemberRequest } from './contract.ts'
import type { GroupErrorCode } from './errors.ts'
import type { ClassicDocument } from './group-document.ts'

export type HeartbeatStep = Step & { readonly error: GroupErrorCode | undefined }
export type LeaveStep = Step & { readonly left: readonly LeftMember[] }

export function heartbeat(group: ClassicGroup, request: MemberRequest, moment: Moment): HeartbeatStep {
  const refused = (error: GroupErrorCode): HeartbeatStep => ({ group, store: false, replies: [], error })
  const refusal = refusalOfMember(group, request.memberId, request.instanceId)
  if (refusal) return refused(refusal)
  if (request.generation !== group.generation) return refused('ILLEGAL_GENERATION')
  return {
    group: keepAlive(group, request.memberId, moment.now),
    store: false,
    replies: [],
    error: group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : undefined,
  }
}

/** The member was heard of. */
export function keepAlive(group: ClassicGroup, memberId: string, now: number): ClassicGroup {
  const member = group.members.get(memberId)
  if (!member || member.isNew) return group
  const deadline = Math.max(member.deadline, now + member.sessionTimeoutMs)
  return { ...group, members: new Map(group.members).set(memberId, { ...member, deadline }) }
}

/** Nobody could be heard of for a while, through no fault of theirs: everyone gets a fresh session. */
export function renewSessions(group: ClassicGroup, { now }: Moment): ClassicGroup {
  const draft = draftOf(group)
  for (const member of group.members.values()) {
    const deadline = Math.max(member.deadline, now + member.sessionTimeoutMs)
    draft.members.set(member.id, { ...member, deadline })
    for (const [id, until] of draft.pending) draft.pending.set(id, Math.max(until, now + member.sessionTimeoutMs))
  }
  if (draft.syncBy !== undefined && draft.syncBy <= now) draft.syncBy = now + 1
  return stepOf(draft).group
}

/** A stored group in the hands of a new coordinator, which has all join again where the document asks for that. */
export function resume(document: ClassicDocument, moment: Moment): ClassicGroup {
  const group = takeOver(document, moment)
  if (!document.rejoin || group.members.size === 0) return group
  const draft = draftOf(group)
  prepareRebalance(draft, moment)
  return stepOf(draft).group
}

export function leaveGroup(group: ClassicGroup, members: readonly LeavingMember[], moment: Moment): LeaveStep {
  const draft = draftOf(group)
  const left = members.map((leaving): LeftMember => {
    const { memberId, instanceId } = leaving
    const byInstance = memberId === '' && instanceId !== undefined ? memberOfInstance(draft, instanceId)?.id : undefined
    const target = byInstance ?? memberId
    if (!draft.pending.has(target)) {
      const refusal = refusalOfMember(draft, target, instanceId)
      if (refusal) return { ...leaving, error: refusal }
    }
    removeMember(draft, target)
    return { ...leaving, error: undefined }
  })
  if (draft.state === 'PreparingRebalance') completeJoinIfAll(draft, moment)
  else if (draft.members.size < group.members.size) prepareRebalance(draft, moment)
  return { ...stepOf(draft), left }
}

/** Time has passed: ends sessions, and phases of a rebalance, that are over. */
export function passTime(group: ClassicGroup, moment: Moment): Step {
  const { now } = moment
  const draft = draftOf(group)
  let removed = false
  for (const [id, until] of group.pending) {
    if (until > now) continue
    draft.pending.delete(id)
    removed = true
  }
  for (const member of group.members.values()) {
    if (member.deadline > now || !canExpire(member)) continue
    removeMember(draft, member.id)
    removed = true
  }
  if (draft.syncBy !== undefined && draft.syncBy <= now) {
    for (const member of [...draft.members.values()]) if (member.owesSync) removeMember(draft, member.id)
    draft.syncBy = undefined
    prepareRebalance(draft, moment)
  } else if (draft.members.size < group.members.size && draft.state !== 'PreparingRebalance') {
    prepareRebalance(draft, moment)
  } else if (removed && draft.state === 'PreparingRebalance' && everyoneJoined(draft)) {
    completeJoin(draft, moment)
  }
  if (draft.rebalance && draft.rebalance.joinBy <= now) endJoinPhase(draft, moment)
  return stepOf(draft)
}

/** When `passTime` has something to do next, if ever. */
export function nextDeadline(group: ClassicGroup): number | undefined {
  let next = Math.min(group.rebalance?.joinBy ?? Number.POSITIVE_INFINITY, group.syncBy ?? Number.POSITIVE_INFINITY)
  for (const until of group.pending.values()) next = Math.min(next, until)
  for (const member of group.members.values()) {
    if (canExpire(member)) next = Math.min(next, member.deadline)
  }
  return next === Number.POSITIVE_INFINITY ? undefined : next
}
