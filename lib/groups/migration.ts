/**
 * A classic group becomes a consumer group when the first member of the consumer protocol joins it, and the other way
 * round when the last one leaves (KIP-848, group.consumer.migration.policy=bidirectional). Pure.
 *
 * Upgrade: only from a stable group, whose stored assignment is all that members have. They keep it, and go on in the
 * generation that they are in, which is their epoch. Downgrade: the members have what they have; all are to join again.
 */
import { type Assignment, assignmentOf } from './assignment.ts'
import type { ConsumerDocument, ConsumerMember } from './consumer-document.ts'
import { newConsumerGroup, newMember, type Refused, type TopicsSeen, topicNamesById } from './consumer-group.ts'
import { readConsumerAssignment, readSubscription, writeConsumerAssignment } from './consumer-subscription.ts'
import { lookAtTopics } from './consumer-target.ts'
import type { ClassicDocument, MemberDocument } from './group-document.ts'

const CONSUMER_PROTOCOL_TYPE = 'consumer'

/** Why a classic group cannot take members of the consumer protocol, if so. */
export function refusalOfUpgrade(groupId: string, group: ClassicDocument): Refused | undefined {
  if (group.members.length === 0) return undefined
  const notOne: Refused = { error: 'GROUP_ID_NOT_FOUND', message: `Group ${groupId} is not a consumer group.` }
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) return notOne
  for (const member of group.members) {
    if (!readSubscription(metadataOf(member, group))) return notOne
    if (readConsumerAssignment(member.assignment)?.hasUserData !== false) return notOne
  }
  if (group.state === 'Stable' && !group.rejoin) return undefined
  return {
    error: 'COORDINATOR_LOAD_IN_PROGRESS',
    message: `A rebalance of the classic group ${groupId} has to end first.`,
  }
}

/** Names of the topics that `consumerOf` has to know of. */
export function topicsOfClassic(group: ClassicDocument): Set<string> {
  const names = new Set<string>()
  for (const member of group.members) {
    for (const name of readSubscription(metadataOf(member, group))?.topics ?? []) names.add(name)
    for (const [name] of readConsumerAssignment(member.assignment)?.topics ?? []) names.add(name)
  }
  return names
}

export function consumerOf(group: ClassicDocument, seen: TopicsSeen, assignor: string): ConsumerDocument {
  const members = group.members.map((member): [string, ConsumerMember] => {
    const assigned = assignmentIn(readConsumerAssignment(member.assignment)?.topics ?? [], seen)
    const subscription = readSubscription(metadataOf(member, group))
    return [
      member.id,
      {
        ...newMember(member.id),
        instanceId: member.instanceId,
        rackId: subscription?.rackId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        topicNames: [...new Set(subscription?.topics)].sort(),
        epoch: group.generation,
        previousEpoch: group.generation,
        assigned,
        target: assigned,
        classic: { sessionTimeoutMs: member.sessionTimeoutMs, protocols: member.protocols },
      },
    ]
  })
  const { incarnation, coordinator, stateChangedAt, generation } = group
  const upgraded: ConsumerDocument = {
    ...newConsumerGroup(incarnation, stateChangedAt, assignor),
    coordinator,
    epoch: generation,
    members: new Map(members),
  }
  return lookAtTopics(upgraded, seen)
}

/** Every member speaks the classic protocol, and there is one. */
export function isToBeClassic(group: ConsumerDocument): boolean {
  if (group.members.size === 0) return false
  for (const member of group.members.values()) if (!member.classic) return false
  return true
}

export function classicOf(group: ConsumerDocument, wallTime: number): ClassicDocument {
  const names = topicNamesById(group)
  const members = [...group.members.values()].map((member): MemberDocument => {
    const { id, instanceId, clientId, clientHost, rebalanceTimeoutMs, assigned } = member
    const { sessionTimeoutMs, protocols } = member.classic!
    const common = { id, instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols }
    return { ...common, assignment: writeConsumerAssignment(named(assigned, names), versionOf(protocols[0]?.metadata)) }
  })
  return {
    kind: 'classic',
    incarnation: group.incarnation,
    coordinator: group.coordinator,
    state: members.length === 0 ? 'Empty' : 'Stable',
    stateChangedAt: wallTime,
    generation: group.epoch,
    protocolType: members.length === 0 ? undefined : CONSUMER_PROTOCOL_TYPE,
    protocolName: members[0]?.protocols[0]?.name,
    leader: members[0]?.id,
    rejoin: members.length > 0,
    members,
  }
}

/** By the topics' names; of topics that are gone nothing. */
export function named(assignment: Assignment, names: ReadonlyMap<string, string>): [string, readonly number[]][] {
  return [...assignment].flatMap(([topicId, partitions]): [string, readonly number[]][] => {
    const name = names.get(topicId)
    return name === undefined ? [] : [[name, partitions]]
  })
}

export function assignmentIn(
  topics: readonly (readonly [string, readonly number[]])[],
  seen: Pick<TopicsSeen, 'named'>,
): Assignment {
  return assignmentOf(
    topics.flatMap(([name, partitions]): [string, readonly number[]][] => {
      const topic = seen.named(name)
      return topic ? [[topic.id, partitions]] : []
    }),
  )
}

export function versionOf(metadata: Uint8Array | undefined): number {
  return (metadata && readSubscription(metadata)?.version) ?? 0
}

function metadataOf(member: MemberDocument, group: ClassicDocument): Uint8Array {
  const chosen = member.protocols.find(({ name }) => name === group.protocolName) ?? member.protocols[0]
  return chosen?.metadata ?? new Uint8Array(0)
}
