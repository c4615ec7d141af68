/** A group as administrators see it: as stored, or as its coordinator in this process sees it. Pure. */
import { type ClassicGroup, metadataOf, NO_BYTES } from './classic-group.ts'
import type { GroupDescription, GroupState } from './contract.ts'
import type { GroupDocument, MemberDocument } from './group-document.ts'

export interface GroupView {
  readonly state: GroupState
  readonly generation: number
  readonly protocolType: string | undefined
  readonly protocolName: string | undefined
  readonly members: ReadonlyMap<string, MemberDocument>
}

/** `seen` wins, as it is newer. Undefined where there is no group. */
export function viewOf(stored: GroupDocument | undefined, seen: ClassicGroup | undefined): GroupView | undefined {
  if (seen) return stored || seen.members.size > 0 ? seen : undefined
  return stored && { ...stored, members: new Map(stored.members.map(member => [member.id, member])) }
}

/** Only a stable group tells its protocol, metadata and assignments, as in Kafka. */
export function describeGroup(groupId: string, group: GroupView): GroupDescription {
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
