/**
 * How a rebalance begins, gathers its members and ends in a new generation. All functions change the draft of one step.
 */
import {
  type Draft,
  electProtocol,
  everyoneJoined,
  joinedAnswer,
  type Member,
  type Moment,
  NO_BYTES,
  rebalanceTimeoutOf,
} from './classic-group.ts'
import type { GroupState } from './contract.ts'
import type { GroupErrorCode } from './errors.ts'

/** A change in who belongs to the group, or in what a member supports, asks for a new generation. */
export function rebalance(draft: Draft, moment: Moment): void {
  if (draft.state === 'PreparingRebalance') completeJoinIfAll(draft, moment)
  else prepareRebalance(draft, moment)
}

export function prepareRebalance(draft: Draft, moment: Moment): void {
  if (draft.state === 'CompletingRebalance') {
    for (const member of draft.members.values()) {
      changeMember(draft, member.id, { assignment: NO_BYTES })
      if (member.syncing) releaseSync(draft, member, 'REBALANCE_IN_PROGRESS', moment)
    }
  }
  for (const member of draft.members.values()) if (member.owesSync) changeMember(draft, member.id, { owesSync: false })
  draft.syncBy = undefined
  const wasEmpty = draft.state === 'Empty'
  enter(draft, 'PreparingRebalance', moment)
  if (wasEmpty) gatherMembers(draft, moment)
  else if (everyoneJoined(draft)) completeJoin(draft, moment)
  else draft.rebalance = { joinBy: moment.now + rebalanceTimeoutOf(draft), gathering: undefined }
}

/** While an empty group gathers its first members, being complete is no reason to hurry. */
export function completeJoinIfAll(draft: Draft, moment: Moment): void {
  if (draft.state !== 'PreparingRebalance' || draft.rebalance?.gathering !== undefined) return
  if (everyoneJoined(draft)) completeJoin(draft, moment)
}

/** The time to join is over; the first rebalance of an empty group is prolonged as long as members keep coming. */
export function endJoinPhase(draft: Draft, moment: Moment): void {
  const gathering = draft.rebalance?.gathering
  if (!gathering?.newcomers || gathering.remainingMs === 0) {
    completeJoin(draft, moment)
    return
  }
  const delayMs = Math.min(moment.settings.initialRebalanceDelayMs, gathering.remainingMs)
  const remainingMs = Math.max(gathering.remainingMs - gathering.delayMs, 0)
  draft.rebalance = { joinBy: moment.now + delayMs, gathering: { delayMs, remainingMs, newcomers: false } }
}

/** Those who did not come are out, except static members, who keep their place until their session ends. */
export function completeJoin(draft: Draft, moment: Moment): void {
  for (const member of [...draft.members.values()]) {
    if (!member.joining && member.instanceId === undefined) removeMember(draft, member.id)
  }
  if (draft.members.size > 0 && !leaderJoined(draft)) {
    draft.rebalance = { joinBy: moment.now + rebalanceTimeoutOf(draft), gathering: undefined }
    return
  }
  draft.rebalance = undefined
  draft.generation++
  draft.store = true
  draft.protocolName = electProtocol(draft)
  enter(draft, draft.members.size > 0 ? 'CompletingRebalance' : 'Empty', moment)
  if (draft.state === 'Empty') return
  draft.syncBy = moment.now + rebalanceTimeoutOf(draft)
  for (const member of draft.members.values()) {
    if (member.joining) replyToJoin(draft, member.id, joinedAnswer(draft, member.id))
    changeMember(draft, member.id, {
      joining: false,
      isNew: false,
      owesSync: true,
      assignment: NO_BYTES,
      deadline: moment.now + member.sessionTimeoutMs,
    })
  }
}

/** Takes a member, or an id that was given out, from the group; whatever it waits for is answered. */
export function removeMember(draft: Draft, memberId: string, error: GroupErrorCode = 'UNKNOWN_MEMBER_ID'): void {
  draft.pending.delete(memberId)
  const member = draft.members.get(memberId)
  if (!member) return
  if (member.joining) replyToJoin(draft, memberId, { error, memberId: '' })
  if (member.syncing) draft.replies.push({ to: 'sync', memberId, answer: { error, memberId: '' } })
  draft.members.delete(memberId)
  if (draft.leader === memberId) draft.leader = draft.members.keys().next().value
  if (![...draft.members.values()].some(other => other.owesSync)) draft.syncBy = undefined
}

export function changeMember(draft: Draft, memberId: string, change: Partial<Member>): void {
  const member = draft.members.get(memberId)
  if (member) draft.members.set(memberId, { ...member, ...change })
}

export function enter(draft: Draft, state: GroupState, moment: Moment): void {
  draft.state = state
  draft.stateChangedAt = moment.wallTime
}

export function replyToJoin(
  draft: Draft,
  memberId: string,
  answer: Extract<Draft['replies'][number], { to: 'join' }>['answer'],
): void {
  draft.replies.push({ to: 'join', memberId, answer })
}

function releaseSync(draft: Draft, member: Member, error: GroupErrorCode, moment: Moment): void {
  draft.replies.push({ to: 'sync', memberId: member.id, answer: { error, memberId: member.id } })
  changeMember(draft, member.id, { syncing: false, deadline: moment.now + member.sessionTimeoutMs })
}

function gatherMembers(draft: Draft, moment: Moment): void {
  const delayMs = moment.settings.initialRebalanceDelayMs
  const remainingMs = Math.max(rebalanceTimeoutOf(draft) - delayMs, 0)
  draft.rebalance = { joinBy: moment.now + delayMs, gathering: { delayMs, remainingMs, newcomers: false } }
  if (delayMs === 0) completeJoin(draft, moment)
}

/** The leader is one who joined; true where there is one. */
function leaderJoined(draft: Draft): boolean {
  if (draft.leader !== undefined && draft.members.get(draft.leader)?.joining) return true
  for (const member of draft.members.values()) {
    if (!member.joining) continue
    draft.leader = member.id
    return true
  }
  return false
}
