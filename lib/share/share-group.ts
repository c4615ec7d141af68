/**
 * The membership of a share group: what is stored (share-group-document.ts), and what only its coordinator knows: until
 * when each member's session lasts, and the epochs it was told. Pure: a step takes the group, a request and the moment, and
 * gives the next group, the answer, and whether the document must be stored before it is given (KIP-932).
 *
 * Every change of members, subscriptions or topics raises the group's epoch and assigns anew in the same step; a member
 * learns of it by its next heartbeat. Nobody has to give anything up first: partitions are shared, and it is the share
 * partition that says who holds a record.
 */
import type { ShareHeartbeat, ShareHeartbeatAnswer } from './contract.ts'
import { ShareError } from './errors.ts'
import type { ShareGroup, ShareMember, SubscribedTopic } from './share-group-document.ts'
import { assignSimply } from './simple-assignor.ts'

/** A member's liveness. */
export interface Session {
  /** Monotonic. */
  readonly endsAt: number
  /** What the member was told last. */
  readonly epoch: number
  /** What it said that it knew: as answers get lost, it may know any epoch from here on. */
  readonly knownEpoch: number
}

export interface LiveShareGroup {
  readonly document: ShareGroup
  readonly sessions: ReadonlyMap<string, Session>
}

export interface Moment {
  /** Monotonic. */
  readonly now: number
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly membersMax: number
}

export interface Step {
  readonly group: LiveShareGroup
  readonly answer: ShareHeartbeatAnswer
}

/** A stored group in the hands of a new coordinator: every member gets a fresh session, and may know any epoch until now. */
export function takeOver(document: ShareGroup, { now, sessionTimeoutMs }: Moment): LiveShareGroup {
  const endsAt = now + sessionTimeoutMs
  const fresh = document.members.map(({ id }): [string, Session] => [
    id,
    { endsAt, epoch: document.epoch, knownEpoch: 0 },
  ])
  return { document, sessions: new Map(fresh) }
}

/** Where nobody could be heard of for a while, through no fault of theirs. */
export function renewSessions(group: LiveShareGroup, { now, sessionTimeoutMs }: Moment): LiveShareGroup {
  const sessions = [...group.sessions].map(([id, session]): [string, Session] => [
    id,
    { ...session, endsAt: Math.max(session.endsAt, now + sessionTimeoutMs) },
  ])
  return { ...group, sessions: new Map(sessions) }
}

/** All topics that members subscribe to, and those that `request` asks for. */
export function topicNamesOf({ document }: LiveShareGroup, request?: ShareHeartbeat): string[] {
  const names = document.members.flatMap(({ subscription }) => subscription)
  return [...new Set([...names, ...(request?.topicNames ?? [])])].sort()
}

/**
 * `topics`: those of `topicNamesOf` that there are.
 * @throws ShareError INVALID_REQUEST, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, GROUP_MAX_SIZE_REACHED
 */
export function heartbeat(
  group: LiveShareGroup,
  request: ShareHeartbeat,
  topics: readonly SubscribedTopic[],
  moment: Moment,
): Step {
  const { memberId, epoch } = request
  const known = group.document.members.find(({ id }) => id === memberId)
  if (epoch > 0 && !known) throw new ShareError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of the group.`)
  if (epoch === -1) {
    if (!known) throw new ShareError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of the group.`)
    const answer = { memberId, epoch, heartbeatIntervalMs: 0, assignment: undefined }
    return { group: reassigned(group, without(group, [memberId]), topics), answer }
  }
  if (!known && group.document.members.length >= moment.membersMax) {
    throw new ShareError('GROUP_MAX_SIZE_REACHED', `The share group has ${moment.membersMax} members already.`)
  }
  const session = group.sessions.get(memberId)
  if (epoch > 0) checkEpoch(epoch, session!)
  const joined = withMember(group, request, known)
  const next = reassigned(group, joined, topics)
  const told = next.document.epoch
  const isNews = epoch === 0 || request.topicNames !== undefined || epoch !== told
  const sessions = new Map(next.sessions).set(memberId, {
    endsAt: moment.now + moment.sessionTimeoutMs,
    epoch: told,
    // A request that was given up and comes late, a join too, says less than the member knows by now: never more.
    knownEpoch: epoch === 0 ? (session?.knownEpoch ?? told) : epoch,
  })
  const assignment = isNews ? next.document.members.find(({ id }) => id === memberId)!.assignment : undefined
  return {
    group: { ...next, sessions },
    answer: { memberId, epoch: told, heartbeatIntervalMs: moment.heartbeatIntervalMs, assignment },
  }
}

/** An epoch that the member may know. Kafka takes two of them, the last and the one before. */
function checkEpoch(said: number, { epoch, knownEpoch }: Session): void {
  if (said >= knownEpoch && said <= epoch) return
  throw new ShareError(
    'FENCED_MEMBER_EPOCH',
    `The member epoch ${said} is not the one that the group coordinator has (${epoch}).`,
  )
}

/** Takes out the members whose sessions are over. */
export function passTime(group: LiveShareGroup, topics: readonly SubscribedTopic[], now: number): LiveShareGroup {
  const gone = [...group.sessions].filter(([, { endsAt }]) => endsAt <= now).map(([id]) => id)
  return gone.length === 0 ? group : reassigned(group, without(group, gone), topics)
}

/** When the first session is over. */
export function nextDeadline({ sessions }: LiveShareGroup): number | undefined {
  let first: number | undefined
  for (const { endsAt } of sessions.values()) first = Math.min(first ?? endsAt, endsAt)
  return first
}

// ---------------------------------------------------------------- changes

function without({ document, sessions }: LiveShareGroup, gone: readonly string[]): LiveShareGroup {
  const members = document.members.filter(({ id }) => !gone.includes(id))
  const left = [...sessions].filter(([id]) => !gone.includes(id))
  return { document: { ...document, members }, sessions: new Map(left) }
}

function withMember(group: LiveShareGroup, request: ShareHeartbeat, known: ShareMember | undefined): LiveShareGroup {
  const { memberId, rackId, clientId, clientHost, topicNames } = request
  const subscription = topicNames ? [...new Set(topicNames)].sort() : (known?.subscription ?? [])
  const member: ShareMember = {
    id: memberId,
    rackId: rackId ?? known?.rackId,
    clientId,
    clientHost,
    subscription,
    assignment: known?.assignment ?? [],
  }
  if (known && isSame(known, member)) return group
  const { members } = group.document
  const next = known ? members.map(one => (one === known ? member : one)) : [...members, member]
  return { ...group, document: { ...group.document, members: next } }
}

function isSame(one: ShareMember, other: ShareMember): boolean {
  return (
    one.rackId === other.rackId &&
    one.clientId === other.clientId &&
    one.clientHost === other.clientHost &&
    one.subscription.join() === other.subscription.join()
  )
}

/** The next epoch, where members or topics are others than before. */
function reassigned(before: LiveShareGroup, after: LiveShareGroup, topics: readonly SubscribedTopic[]): LiveShareGroup {
  const { document } = after
  const wanted = topics
    .filter(({ name }) => document.members.some(({ subscription }) => subscription.includes(name)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const sameTopics =
    wanted.length === document.topics.length && wanted.every((topic, i) => isSameTopic(topic, document.topics[i]!))
  if (sameTopics && document === before.document) return after
  const assignments = assignSimply(document.members, wanted)
  const members = document.members.map((member, place) => ({ ...member, assignment: assignments[place]! }))
  return { ...after, document: { ...document, epoch: document.epoch + 1, topics: wanted, members } }
}

function isSameTopic(one: SubscribedTopic, other: SubscribedTopic): boolean {
  return one.id === other.id && one.name === other.name && one.partitions === other.partitions
}
