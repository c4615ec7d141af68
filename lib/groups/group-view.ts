/** A group as administrators see it: as stored, or as its coordinator in this process sees it. Pure. */
import { type ClassicGroup, metadataOf, NO_BYTES } from './classic-group.ts'
import type { ConsumerDocument } from './consumer-document.ts'
import { stateOf, topicNamesById } from './consumer-group.ts'
import type {
  ConsumerGroupDescription,
  GroupDescription,
  GroupListing,
  GroupState,
  StreamsGroupDescription,
} from './contract.ts'
import type { GroupDocument, MemberDocument } from './group-document.ts'
import type { StreamsDocument } from './streams-document.ts'
import { configuredOf, streamsStateOf } from './streams-group.ts'

export type GroupView = ClassicView | ConsumerDocument | StreamsDocument

export interface ClassicView {
  readonly kind: 'classic'
  readonly state: GroupState
  readonly generation: number
  readonly protocolType: string | undefined
  readonly protocolName: string | undefined
  readonly members: ReadonlyMap<string, MemberDocument>
}

/** `seen` wins, as it is newer. Undefined where there is no group. */
export function viewOf(stored: GroupDocument | undefined, seen: ClassicGroup | undefined): GroupView | undefined {
  if (seen) return stored || seen.members.size > 0 ? seen : undefined
  if (stored?.kind !== 'classic') return stored
  return { ...stored, members: new Map(stored.members.map(member => [member.id, member])) }
}

export function stateOfView(group: GroupView): GroupListing['state'] {
  if (group.kind === 'classic') return group.state
  return group.kind === 'consumer' ? stateOf(group) : streamsStateOf(group)
}

export function listingOf(groupId: string, group: GroupView): GroupListing {
  const protocolType = group.kind === 'classic' ? (group.protocolType ?? '') : group.kind
  return { groupId, state: stateOfView(group), protocolType, type: group.kind }
}

/** Only a stable group tells its protocol, metadata and assignments, as in Kafka. */
export function describeClassicGroup(groupId: string, group: ClassicView): GroupDescription {
  const stable = group.state === 'Stable'
  return {
    groupId,
    state: group.state,
    protocolType: group.protocolType ?? '',
    protocolName: stable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map(member => ({
      memberId: member.id,
      instanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      metadata: stable ? metadataOf(member, group.protocolName) : NO_BYTES,
      assignment: stable ? member.assignment : NO_BYTES,
    })),
  }
}

export function describeConsumerGroup(groupId: string, group: ConsumerDocument): ConsumerGroupDescription {
  return {
    groupId,
    state: stateOf(group),
    epoch: group.epoch,
    assignmentEpoch: group.epoch,
    assignor: group.assignor,
    topicNames: topicNamesById(group),
    members: [...group.members.values()].map(member => ({
      memberId: member.id,
      instanceId: member.instanceId,
      rackId: member.rackId,
      epoch: member.epoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      topicNames: member.topicNames,
      regex: member.regex,
      assignment: member.assigned,
      target: member.target,
      protocol: member.classic ? ('classic' as const) : ('consumer' as const),
    })),
  }
}

export function describeStreamsGroup(groupId: string, group: StreamsDocument): StreamsGroupDescription {
  const configured = configuredOf(group)
  const isReady = configured !== undefined && configured.status === undefined
  return {
    groupId,
    state: streamsStateOf(group),
    epoch: group.epoch,
    topologyEpoch: group.topology?.epoch,
    subtopologies: (isReady ? configured.subtopologies : (group.topology?.subtopologies ?? [])).map(each => ({
      ...each,
      tasks: configured?.tasks.get(each.id) ?? 0,
    })),
    members: [...group.members.values()],
    description: group.description,
  }
}
