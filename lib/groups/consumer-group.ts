/**
 * A consumer group (KIP-848) as a value, and questions to it. The group's document is all there is, besides who is alive;
 * the engine (consumer-*.ts) is pure: a step takes the document, a request and the moment, and gives the next document.
 *
 *   something changes (members, subscriptions, topics) ──► epoch + 1, and with it a target for every member
 *   each member goes there by itself, at its own heartbeats (consumer-reconcile.ts):
 *
 *      stable ── has partitions to give up ──► unrevoked ── says that it gave them up ─┐
 *        ▲  └─────────────────────────────────────────────────────────────────────────┤ takes the group's epoch, and what
 *        └── all that is its own is free ── unreleased ◄── some is another's still ────┘ of its target nobody has
 *
 * A partition is free when no member has it as `assigned` or `revoking`: so at no moment two members have it (I6).
 */
import { type Assignment, NOTHING } from './assignment.ts'
import type { ConsumerDocument, ConsumerMember, TopicShape } from './consumer-document.ts'
import type { GroupErrorCode } from './errors.ts'

export const LEAVING_EPOCH = -1
/** A static member leaves, and may be back before its session ends. */
export const LEAVING_FOR_A_WHILE_EPOCH = -2

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable' | 'Dead'

export function newConsumerGroup(incarnation: number, wallTime: number, assignor: string): ConsumerDocument {
  return {
    kind: 'consumer',
    incarnation,
    coordinator: 0,
    state: 'Live',
    stateChangedAt: wallTime,
    epoch: 0,
    assignor,
    topics: new Map(),
    regexes: new Map(),
    members: new Map(),
  }
}

export function stateOf(group: ConsumerDocument): ConsumerGroupState {
  if (group.state === 'Dead') return 'Dead'
  if (group.members.size === 0) return 'Empty'
  for (const member of group.members.values()) {
    if (member.epoch === LEAVING_FOR_A_WHILE_EPOCH) continue
    if (member.state !== 'stable' || member.epoch !== group.epoch) return 'Reconciling'
  }
  return 'Stable'
}

export function memberWithInstance(group: ConsumerDocument, instanceId: string): ConsumerMember | undefined {
  for (const member of group.members.values()) if (member.instanceId === instanceId) return member
  return undefined
}

export function withMember(group: ConsumerDocument, member: ConsumerMember): ConsumerDocument {
  return { ...group, members: new Map(group.members).set(member.id, member) }
}

export function withoutMembers(group: ConsumerDocument, ids: Iterable<string>): ConsumerDocument {
  const members = new Map(group.members)
  for (const id of ids) members.delete(id)
  return { ...group, members }
}

/** Names, sorted, of the topics that a member is subscribed to and that exist. */
export function topicsOf(
  member: ConsumerMember,
  { topics, regexes }: Pick<ConsumerDocument, 'topics' | 'regexes'>,
): string[] {
  const names = new Set(member.topicNames)
  for (const name of (member.regex !== undefined && regexes.get(member.regex)) || []) names.add(name)
  return [...names].filter(name => topics.has(name)).sort()
}

export function topicNamesById(group: Pick<ConsumerDocument, 'topics'>): Map<string, string> {
  return new Map([...group.topics].map(([name, { id }]) => [id, name]))
}

export function isSubscribedTo(group: ConsumerDocument, topicName: string): boolean {
  for (const { topicNames, regex } of group.members.values()) {
    if (topicNames.includes(topicName)) return true
    if (regex !== undefined && group.regexes.get(regex)?.includes(topicName)) return true
  }
  return false
}

/** Of each document's members, computed once. */
const ownersOfMembers = new WeakMap<object, ReadonlyMap<string, string>>()

/** Who has each partition, or has yet to give it up: `<topic id>/<partition>` → member id. */
export function ownersOf({ members }: Pick<ConsumerDocument, 'members'>): ReadonlyMap<string, string> {
  const known = ownersOfMembers.get(members)
  if (known) return known
  const owners = new Map<string, string>()
  for (const { id, assigned, revoking } of members.values()) {
    for (const [topicId, partition] of placesIn(assigned)) owners.set(`${topicId}/${partition}`, id)
    for (const [topicId, partition] of placesIn(revoking)) owners.set(`${topicId}/${partition}`, id)
  }
  ownersOfMembers.set(members, owners)
  return owners
}

/** Some of what a member is to have belongs to another still. */
export function awaitsRelease(group: ConsumerDocument, member: ConsumerMember): boolean {
  const owners = ownersOf(group)
  for (const [topicId, partition] of placesIn(member.target)) {
    const owner = owners.get(`${topicId}/${partition}`)
    if (owner !== undefined && owner !== member.id) return true
  }
  return false
}

export function* placesIn(assignment: Assignment): Generator<readonly [string, number]> {
  for (const [topicId, partitions] of assignment) for (const partition of partitions) yield [topicId, partition]
}

/** The topics as a process sees them now. */
export interface TopicsSeen {
  named(name: string): TopicShape | undefined
  /** Names, sorted, of the topics that a regular expression matches. */
  matching(regex: string): readonly string[]
}

export type Refused = { readonly error: GroupErrorCode; readonly message: string }

export function newMember(id: string): ConsumerMember {
  return {
    id,
    instanceId: undefined,
    rackId: undefined,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    topicNames: [],
    regex: undefined,
    assignor: undefined,
    epoch: 0,
    previousEpoch: 0,
    state: 'stable',
    assigned: NOTHING,
    revoking: NOTHING,
    target: NOTHING,
    classic: undefined,
  }
}
