/**
 * The stored document of a group: `group#<id>` / `doc`, one for each group, of one of several kinds; a group may change
 * its kind. It changes by compare-and-swap only. Who is alive is not in it; that is the coordinator's memory.
 * A classic group's document changes at few moments: a join phase is complete, the leader's assignment is in, the group
 * is empty, a static member was replaced, another process takes over. Metadata and assignments are kept once per distinct value.
 */
import { ByteReader, ByteWriter, CorruptDataError, checkFormat } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import { type ConsumerDocument, readConsumerDocument, writeConsumerDocument } from './consumer-document.ts'
import type { GroupState, Protocol } from './contract.ts'
import { DistinctValues, readOptional, valueAt, writeOptional } from './distinct-values.ts'
import { GROUP_KINDS } from './group-kinds.ts'
import { readStreamsDocument, type StreamsDocument, writeStreamsDocument } from './streams-document.ts'

export type GroupDocument = ClassicDocument | ConsumerDocument | StreamsDocument

export type StoredState = Exclude<GroupState, 'PreparingRebalance'>

export interface ClassicDocument {
  readonly kind: 'classic'
  /** Drawn when the group is made; committed offsets carry it, so none outlives its group. */
  readonly incarnation: number
  /** Token of the process that coordinates the group; 0 where none does. */
  readonly coordinator: number
  /** Dead: being deleted; whoever finds it so finishes that. */
  readonly state: StoredState
  /** Wall clock, for the expiry of offsets only. */
  readonly stateChangedAt: number
  readonly generation: number
  readonly protocolType: string | undefined
  readonly protocolName: string | undefined
  readonly leader: string | undefined
  /** Who takes over has the members join again: the group has just become classic, and somebody's partitions have no owner. */
  readonly rejoin: boolean
  readonly members: readonly MemberDocument[]
}

export interface MemberDocument {
  readonly id: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocols: readonly Protocol[]
  readonly assignment: Uint8Array
}

/** Version 1 had classic groups only, without `rejoin`. */
const FORMAT_VERSION = 2
const STATES: readonly StoredState[] = ['Empty', 'CompletingRebalance', 'Stable', 'Dead']

export function groupPartitionKey(groupId: string): string {
  return `group#${groupId}`
}

export function groupDocumentKey(groupId: string): ItemKey {
  return { pk: groupPartitionKey(groupId), sk: 'doc' }
}

/** In the place of a coordinator: upkeep looks whether the group can be removed, and lists its blocks of offsets after this. */
export const REMOVER = Number.MAX_SAFE_INTEGER

/** Nobody is in it, and it is not being deleted. */
export function isEmptyGroup(group: GroupDocument): boolean {
  return group.kind === 'classic' ? group.state === 'Empty' : group.state !== 'Dead' && group.members.size === 0
}

export function encodeGroupDocument(group: GroupDocument): Uint8Array {
  const values = new DistinctValues()
  const body = new ByteWriter(1_024).uint(group.incarnation).uint(group.coordinator)
  if (group.kind === 'classic') writeClassicDocument(body, group, values)
  else if (group.kind === 'consumer') writeConsumerDocument(body, group, values)
  else writeStreamsDocument(body, group, values)
  const rest = body.finish()
  const writer = new ByteWriter(rest.length + values.bytes + 64)
  writer.uint8(FORMAT_VERSION).uint8(GROUP_KINDS[group.kind])
  values.write(writer)
  return writer.raw(rest).finish()
}

/** @throws CorruptDataError also for a format or a kind of group this version does not know. */
export function decodeGroupDocument(bytes: Uint8Array): GroupDocument {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('group document', version, FORMAT_VERSION, 1)
  const place = reader.uint8()
  const values = reader.list(r => r.bytes())
  const common = { incarnation: reader.uint(), coordinator: reader.uint() }
  if (place === GROUP_KINDS.classic) return { ...common, ...readClassicDocument(reader, values, version) }
  if (place === GROUP_KINDS.consumer) return { ...common, ...readConsumerDocument(reader, values) }
  if (place === GROUP_KINDS.streams) return { ...common, ...readStreamsDocument(reader, values) }
  throw new CorruptDataError(`group document of unknown kind ${place}`)
}

function writeClassicDocument(body: ByteWriter, group: ClassicDocument, values: DistinctValues): void {
  body
    .uint8(STATES.indexOf(group.state))
    .uint(Math.max(0, Math.floor(group.stateChangedAt)))
    .uint(group.generation)
  writeOptional(body, group.protocolType)
  writeOptional(body, group.protocolName)
  writeOptional(body, group.leader)
  body.uint8(group.rejoin ? 1 : 0).uint(group.members.length)
  for (const member of group.members) writeMember(body, member, values)
}

function readClassicDocument(
  reader: ByteReader,
  values: readonly Uint8Array[],
  version: number,
): Omit<ClassicDocument, 'incarnation' | 'coordinator'> {
  const stateByte = reader.uint8()
  const state = STATES[stateByte]
  if (state === undefined) throw new CorruptDataError(`group document in unknown state ${stateByte}`)
  return {
    kind: 'classic',
    state,
    stateChangedAt: reader.uint(),
    generation: reader.uint(),
    protocolType: readOptional(reader),
    protocolName: readOptional(reader),
    leader: readOptional(reader),
    rejoin: version > 1 && reader.uint8() === 1,
    members: reader.list(r => readMember(r, values)),
  }
}

/** Bytes that a member adds to the document at most (values that others share are counted again). */
export function memberBytesMax(member: MemberDocument): number {
  let bytes = 64 + 3 * (member.id.length + (member.instanceId?.length ?? 0))
  bytes += 3 * (member.clientId.length + member.clientHost.length) + member.assignment.length
  for (const protocol of member.protocols) bytes += 3 * protocol.name.length + protocol.metadata.length + 16
  return bytes
}

function writeMember(writer: ByteWriter, member: MemberDocument, values: DistinctValues): void {
  writer.string(member.id)
  writeOptional(writer, member.instanceId)
  writer
    .string(member.clientId)
    .string(member.clientHost)
    .int(member.sessionTimeoutMs)
    .int(member.rebalanceTimeoutMs)
    .uint(member.protocols.length)
  for (const protocol of member.protocols) writer.string(protocol.name).uint(values.place(protocol.metadata))
  writer.uint(values.place(member.assignment))
}

function readMember(reader: ByteReader, values: readonly Uint8Array[]): MemberDocument {
  return {
    id: reader.string(),
    instanceId: readOptional(reader),
    clientId: reader.string(),
    clientHost: reader.string(),
    sessionTimeoutMs: reader.int(),
    rebalanceTimeoutMs: reader.int(),
    protocols: reader.list(r => ({ name: r.string(), metadata: valueAt(values, r.uint()) })),
    assignment: valueAt(values, reader.uint()),
  }
}
