import {
  type ClassicGroup,
  documentOf,
  type Moment,
  newGroup,
  type Refusal,
  type Reply,
  type Step,
} from '../../../lib/groups/classic-group.ts'
import { joinGroup } from '../../../lib/groups/classic-join.ts'
import { heartbeat, leaveGroup, nextDeadline, passTime, resume } from '../../../lib/groups/classic-session.ts'
import { syncGroup } from '../../../lib/groups/classic-sync.ts'
import { type ClassicDocument, decodeGroupDocument, encodeGroupDocument } from '../../../lib/groups/group-document.ts'
import type { Joined, JoinRequest, LeavingMember, MemberRequest, Synced } from '../../../lib/groups/index.ts'
import { defaultGroupSettings, type GroupSettings } from '../../../lib/groups/settings.ts'

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
export const textOf = (value: Uint8Array): string => Buffer.from(value).toString()

export type JoinOptions = Partial<JoinRequest>

/** The pure engine with a clock of its own: holds the group, keeps what it stored and what it answered. */
export class Engine {
  group: ClassicGroup
  now = 0
  stored: ClassicDocument | undefined
  /** Answers to held requests, in the order given. */
  readonly replies: Reply[] = []
  readonly settings: GroupSettings
  #ids = 0

  constructor(settings: Partial<GroupSettings> = {}) {
    this.settings = { ...defaultGroupSettings, ...settings }
    this.group = newGroup(1, 0)
  }

  join(options: JoinOptions = {}): Joined | Refusal | { heldAs: string } {
    const request = { ...aJoin, ...options }
    const id = `${request.instanceId ?? request.clientId}-${++this.#ids}`
    const step = joinGroup(this.group, request, id, this.#moment())
    this.#take(step)
    return 'heldAs' in step.outcome ? step.outcome : step.outcome.answer
  }

  /** A member that joins in one round, and is held. */
  enter(options: JoinOptions = {}): string {
    const outcome = this.join({ requiresMemberId: false, ...options })
    if (!('heldAs' in outcome)) throw new Error(`not held: ${JSON.stringify(outcome)}`)
    return outcome.heldAs
  }

  sync(
    memberId: string,
    assignments: Record<string, string> = {},
    options: Partial<MemberRequest & { protocolType: string; protocolName: string }> = {},
  ): Synced | Refusal | { heldAs: string } {
    const step = syncGroup(
      this.group,
      {
        groupId: 'g',
        memberId,
        instanceId: undefined,
        generation: this.group.generation,
        protocolType: undefined,
        protocolName: undefined,
        assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: bytes(text) })),
        ...options,
      },
      this.#moment(),
    )
    this.#take(step)
    return 'heldAs' in step.outcome ? step.outcome : step.outcome.answer
  }

  heartbeat(memberId: string, options: Partial<MemberRequest> = {}) {
    const request = { groupId: 'g', memberId, instanceId: undefined, generation: this.group.generation, ...options }
    const step = heartbeat(this.group, request, this.#moment())
    this.#take(step)
    return step.error
  }

  leave(...members: Partial<LeavingMember>[]) {
    const step = leaveGroup(
      this.group,
      members.map(member => ({ memberId: '', instanceId: undefined, ...member })),
      this.#moment(),
    )
    this.#take(step)
    return step.left.map(({ error }) => error)
  }

  /** Lets time pass, waking at each deadline. */
  pass(ms: number): void {
    const end = this.now + ms
    for (let steps = 0; ; steps++) {
      const due = nextDeadline(this.group)
      if (due === undefined || due > end) break
      if (steps > 10_000) throw new Error('the engine does not get over a deadline')
      this.now = Math.max(this.now, due)
      this.#take(passTime(this.group, this.#moment()))
    }
    this.now = end
  }

  /** Another process takes over from what is stored; held requests are forgotten with the old one. */
  takeOver(): void {
    if (!this.stored) this.group = newGroup(this.group.incarnation, 0)
    else this.group = resume(decodeGroupDocument(encodeGroupDocument(this.stored)) as ClassicDocument, this.#moment())
  }

  /** The last answer to a member's held JoinGroup. */
  joined(memberId: string): Joined | Refusal | undefined {
    return this.replies.findLast(
      (reply): reply is Extract<Reply, { to: 'join' }> => reply.to === 'join' && reply.memberId === memberId,
    )?.answer
  }

  synced(memberId: string): Synced | Refusal | undefined {
    return this.replies.findLast(
      (reply): reply is Extract<Reply, { to: 'sync' }> => reply.to === 'sync' && reply.memberId === memberId,
    )?.answer
  }

  #moment(): Moment {
    return { now: this.now, wallTime: 1_000 + this.now, settings: this.settings }
  }

  #take(step: Step): void {
    this.group = step.group
    if (step.store) this.stored = documentOf(step.group, 7)
    this.replies.push(...step.replies)
  }
}

export const aJoin: JoinRequest = {
  groupId: 'g',
  memberId: '',
  instanceId: undefined,
  clientId: 'client',
  clientHost: '/127.0.0.1',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: bytes('topics') }],
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  requiresMemberId: true,
  supportsSkippingAssignment: true,
}
