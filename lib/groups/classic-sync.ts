/** SyncGroup: followers wait for the leader's assignment, which makes the group stable once it is stored. */
import {
  type ClassicGroup,
  type Draft,
  documentOf,
  draftOf,
  type Moment,
  NO_BYTES,
  type Outcome,
  refusalOfMember,
  type Step,
  stepOf,
  syncedAnswer,
} from './classic-group.ts'
import { changeMember, enter, prepareRebalance } from './classic-rebalance.ts'
import type { Synced, SyncRequest } from './contract.ts'
import type { GroupErrorCode } from './errors.ts'
import { encodeGroupDocument } from './group-document.ts'
import { DOCUMENT_BYTES_MAX } from './settings.ts'

export type SyncStep = Step & { readonly outcome: Outcome<Synced> }

export function syncGroup(group: ClassicGroup, request: SyncRequest, moment: Moment): SyncStep {
  const { memberId } = request
  const error = refusalOfSync(group, request)
  if (error) return { group, store: false, replies: [], outcome: { answer: { error, memberId } } }
  const draft = draftOf(group)
  const member = draft.members.get(memberId)!
  changeMember(draft, memberId, { owesSync: false, deadline: moment.now + member.sessionTimeoutMs })
  if (![...draft.members.values()].some(other => other.owesSync)) draft.syncBy = undefined
  if (draft.state === 'Stable') return { ...stepOf(draft), outcome: { answer: syncedAnswer(draft, member) } }
  changeMember(draft, memberId, { syncing: true })
  if (draft.leader === memberId) assign(draft, request, moment)
  return { ...stepOf(draft), outcome: { heldAs: memberId } }
}

function refusalOfSync(group: ClassicGroup, request: SyncRequest): GroupErrorCode | undefined {
  const refusal = refusalOfMember(group, request.memberId, request.instanceId)
  if (refusal) return refusal
  if (request.generation !== group.generation) return 'ILLEGAL_GENERATION'
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName)) {
    return 'INCONSISTENT_GROUP_PROTOCOL'
  }
  return group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : undefined
}

function differs(asked: string | undefined, held: string | undefined): boolean {
  return asked !== undefined && held !== undefined && asked !== held
}

function assign(draft: Draft, request: SyncRequest, moment: Moment): void {
  const assignments = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  for (const id of draft.members.keys()) changeMember(draft, id, { assignment: assignments.get(id) ?? NO_BYTES })
  enter(draft, 'Stable', moment)
  if (encodeGroupDocument(documentOf(stepOf(draft).group, Number.MAX_SAFE_INTEGER)).length > DOCUMENT_BYTES_MAX) {
    enter(draft, 'CompletingRebalance', moment)
    answerSyncs(draft, () => ({ error: 'UNKNOWN_SERVER_ERROR', memberId: '' }), moment)
    prepareRebalance(draft, moment)
    return
  }
  draft.store = true
  answerSyncs(draft, id => syncedAnswer(draft, draft.members.get(id)!), moment)
}

type SyncAnswer = Extract<Draft['replies'][number], { to: 'sync' }>['answer']

function answerSyncs(draft: Draft, answer: (memberId: string) => SyncAnswer, moment: Moment): void {
  for (const member of draft.members.values()) {
    if (!member.syncing) continue
    draft.replies.push({ to: 'sync', memberId: member.id, answer: answer(member.id) })
    changeMember(draft, member.id, { syncing: false, deadline: moment.now + member.sessionTimeoutMs })
  }
}
