/**
 * The classic group as a value: what is stored (group-document.ts) and what only its coordinator knows: who is alive,
 * whose JoinGroup or SyncGroup is held open, which rebalance is under way. The engine (classic-*.ts) is pure: a step
 * takes a group, a request and the moment, and gives the next group, the answers that are now due, and whether the
 * document must be stored before they are given. The rules are Apache Kafka's (GroupMetadataManager, ClassicGroup;
 * KIP-345, 394, 559, 800, 814).
 *
 *   Empty ── join ──► PreparingRebalance ── all joined, or time is over ──► CompletingRebalance ── leader syncs ──► Stable
 *     ▲                 │        ▲                (generation + 1, stored)          │      (assignments, stored)      │
 *     └── nobody left ──┘        └──────── join, leave, death, missing sync ────────┴─────────────────────────────────┘
 *
 * PreparingRebalance is never stored: its document is still that of the generation before, whose members may commit.
 * A process that takes over therefore finds Empty, CompletingRebalance or Stable, and its members go on from there.
 */
import { invariant } from '../base/index.ts'
import type { GroupState, Joined, Protocol, Synced } from './contract.ts'
import type { GroupErrorCode } from './errors.ts'
import type { ClassicDocument, MemberDocument } from './group-document.ts'
import type { GroupSettings } from './settings.ts'

export interface ClassicGroup extends Omit<ClassicDocument, 'state' | 'members' | 'coordinator' | 'rejoin'> {
  readonly state: GroupState
  readonly members: ReadonlyMap<string, Member>
  /** Ids given out with MEMBER_ID_REQUIRED, and until when they may come back. */
  readonly pending: ReadonlyMap<string, number>
  /** While PreparingRebalance. */
  readonly rebalance: Rebalance | undefined
  /** Until when every member of the generation must have asked for its assignment; undefined: all have. */
  readonly syncBy: number | undefined
}

export interface Member extends MemberDocument {
  /** Its session ends then, unless an answer is awaited from us. */
  readonly deadline: number
  /** Its JoinGroup is held open. */
  readonly joining: boolean
  /** Its SyncGroup is held open. */
  readonly syncing: boolean
  /** Has not completed a join yet, so it cannot send heartbeats. */
  readonly isNew: boolean
  /** Has not asked for its assignment of this generation. */
  readonly owesSync: boolean
}

export interface Rebalance {
  readonly joinBy: number
  /** Set while a group that was empty waits for more members: how much longer it may, and whether one came. */
  readonly gathering:
    | { readonly delayMs: number; readonly remainingMs: number; readonly newcomers: boolean }
    | undefined
}

/** When a step happens: `now` is monotonic (sessions follow it), `wallTime` is for the record. */
export interface Moment {
  readonly now: number
  readonly wallTime: number
  readonly settings: GroupSettings
}

export interface Refusal {
  readonly error: GroupErrorCode
  readonly memberId: string
}

/** The answer to a JoinGroup or SyncGroup that was held open. */
export type Reply =
  | { readonly to: 'join'; readonly memberId: string; readonly answer: Joined | Refusal }
  | { readonly to: 'sync'; readonly memberId: string; readonly answer: Synced | Refusal }

export interface Step {
  readonly group: ClassicGroup
  /** The document of `group` must be stored before any answer of this step is given. */
  readonly store: boolean
  readonly replies: readonly Reply[]
}

/** What becomes of the request itself: answered now, or held open under this member's id until a step replies to it. */
export type Outcome<T> = { readonly answer: T | Refusal } | { readonly heldAs: string }

/** A group being changed within one step. */
export type Draft = {
  -readonly [K in keyof Omit<ClassicGroup, 'members' | 'pending'>]: ClassicGroup[K]
} & {
  members: Map<string, Member>
  pending: Map<string, number>
  store: boolean
  replies: Reply[]
}

export const NO_BYTES: Uint8Array = new Uint8Array(0)

export function newGroup(incarnation: number, wallTime: number): ClassicGroup {
  return {
    kind: 'classic',
    incarnation,
    state: 'Empty',
    stateChangedAt: wallTime,
    generation: 0,
    protocolType: undefined,
    protocolName: undefined,
    leader: undefined,
    members: new Map(),
    pending: new Map(),
    rebalance: undefined,
    syncBy: undefined,
  }
}

/** A stored group in the hands of a new coordinator: every member gets a fresh session. */
export function takeOver({ rejoin: _, ...document }: ClassicDocument, { now }: Moment): ClassicGroup {
  const completing = document.state === 'CompletingRebalance'
  const members = document.members.map((stored): [string, Member] => [
    stored.id,
    {
      ...stored,
      deadline: now + stored.sessionTimeoutMs,
      joining: false,
      syncing: false,
      isNew: false,
      owesSync: completing,
    },
  ])
  const group = { ...document, members: new Map(members), pending: new Map(), rebalance: undefined, syncBy: undefined }
  return completing ? { ...group, syncBy: now + rebalanceTimeoutOf(group) } : group
}

/** What is stored of a group; no step asks for that while a rebalance is being prepared. */
export function documentOf(group: ClassicGroup, coordinator: number): ClassicDocument {
  invariant(group.state !== 'PreparingRebalance', 'a rebalance in preparation is not stored')
  return {
    kind: 'classic',
    incarnation: group.incarnation,
    coordinator,
    state: group.state,
    stateChangedAt: group.stateChangedAt,
    generation: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leader,
    rejoin: false,
    members: [...group.members.values()],
  }
}

export function draftOf(group: ClassicGroup): Draft {
  return { ...group, members: new Map(group.members), pending: new Map(group.pending), store: false, replies: [] }
}

export function stepOf(draft: Draft): Step {
  const { store, replies, ...group } = draft
  return { group, store, replies }
}

// ---------------------------------------------------------------- questions

export function memberOfInstance(group: ClassicGroup | Draft, instanceId: string): Member | undefined {
  for (const member of group.members.values()) if (member.instanceId === instanceId) return member
  return undefined
}

/** Why a request in this member's name is refused, if it is. */
export function refusalOfMember(
  group: { readonly members: Iterable<readonly [string, { readonly instanceId: string | undefined }]> },
  memberId: string,
  instanceId: string | undefined,
): 'UNKNOWN_MEMBER_ID' | 'FENCED_INSTANCE_ID' | undefined {
  let known = false
  let holder: string | undefined
  for (const [id, member] of group.members) {
    if (id === memberId) known = true
    if (instanceId !== undefined && member.instanceId === instanceId) holder = id
  }
  if (instanceId !== undefined && holder === undefined) return 'UNKNOWN_MEMBER_ID'
  if (holder !== undefined && holder !== memberId) return 'FENCED_INSTANCE_ID'
  return known ? undefined : 'UNKNOWN_MEMBER_ID'
}

export function rebalanceTimeoutOf(group: { readonly members: ReadonlyMap<string, MemberDocument> }): number {
  let longest = 0
  for (const member of group.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
  return longest
}

export function shortestSessionOf(group: ClassicGroup): number {
  let shortest = Number.POSITIVE_INFINITY
  for (const member of group.members.values()) shortest = Math.min(shortest, member.sessionTimeoutMs)
  return shortest
}

export function everyoneJoined(group: ClassicGroup | Draft): boolean {
  if (group.pending.size > 0) return false
  for (const member of group.members.values()) if (!member.joining) return false
  return true
}

/** Members that wait for us, other than new ones, cannot be late. */
export function canExpire(member: Member): boolean {
  return member.isNew || !(member.joining || member.syncing)
}

/** True where the member's type, and at least one of its protocols, suit everyone in the group. */
export function suitsProtocols(group: ClassicGroup, type: string, protocols: readonly Protocol[]): boolean {
  if (group.state === 'Empty') return type !== '' && protocols.length > 0
  return group.protocolType === type && protocols.some(({ name }) => everyoneSupports(group, name))
}

function everyoneSupports(group: ClassicGroup | Draft, name: string): boolean {
  for (const member of group.members.values()) {
    if (!member.protocols.some(protocol => protocol.name === name)) return false
  }
  return true
}

/** Each member votes for the first of its protocols that all support; most votes win, on a tie the one voted for first. */
export function electProtocol(group: ClassicGroup | Draft): string | undefined {
  const candidates = new Set<string>()
  const [first] = group.members.values()
  for (const { name } of first?.protocols ?? []) if (everyoneSupports(group, name)) candidates.add(name)
  const votes = new Map<string, number>()
  for (const member of group.members.values()) {
    const choice = member.protocols.find(({ name }) => candidates.has(name))
    if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
  }
  let elected: string | undefined
  for (const [name, count] of votes) if (elected === undefined || count > votes.get(elected)!) elected = name
  return elected
}

export function metadataOf(member: MemberDocument, protocolName: string | undefined): Uint8Array {
  return member.protocols.find(protocol => protocol.name === protocolName)?.metadata ?? NO_BYTES
}

export function sameProtocols(one: readonly Protocol[], other: readonly Protocol[]): boolean {
  return (
    one.length === other.length &&
    one.every((protocol, i) => {
      const counterpart = other[i]!
      return protocol.name === counterpart.name && Buffer.compare(protocol.metadata, counterpart.metadata) === 0
    })
  )
}

/** The current generation as a member learns it from JoinGroup. */
export function joinedAnswer(group: ClassicGroup | Draft, memberId: string): Joined {
  return {
    memberId,
    generation: group.generation,
    protocolType: group.protocolType ?? '',
    protocolName: group.protocolName ?? '',
    leader: group.leader ?? '',
    skipAssignment: false,
    members: memberId === group.leader ? joinedMembers(group) : [],
  }
}

export function joinedMembers(group: ClassicGroup | Draft): Joined['members'] {
  return [...group.members.values()].map(member => ({
    memberId: member.id,
    instanceId: member.instanceId,
    metadata: metadataOf(member, group.protocolName),
  }))
}

export function syncedAnswer(group: ClassicGroup | Draft, member: Member): Synced {
  return {
    protocolType: group.protocolType ?? '',
    protocolName: group.protocolName ?? '',
    assignment: member.assignment,
  }
}
