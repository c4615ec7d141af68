/**
 * The stored document of a group: `group#<id>` / `doc`. It changes by compare-and-swap only, and at few moments: a join
 * phase is complete, the leader's assignment is in, the group is empty, a static member was replaced, another process
 * takes over. Who is alive and who is joining is not in it; that is the coordinator's memory.
 * `kind` leaves room for groups of other protocols (KIP-848, share, streams) beside the classic one.
 * Metadata and assignments are kept once per distinct value.
 */
import { ByteReader, ByteWriter, CorruptDataError } from '../base/index.ts'
import type { ItemKey } from '../storage/index.ts'
import type { GroupState, Protocol } from './contract.ts'

export type StoredState = Exclude<GroupState, 'PreparingRebalance'>

export interface GroupDocument {
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

const FORMAT_VERSION = 1
const KIND_CLASSIC = 0
const STATES: readonly StoredState[] = ['Empty', 'CompletingRebalance', 'Stable', 'Dead']

export function groupPartitionKey(groupId: string): string {
  return `group#${groupId}`
}

export function groupDocumentKey(groupId: string): ItemKey {
  return { pk: groupPartitionKey(groupId), sk: 'doc' }
}

export function encodeGroupDocument(group: GroupDocument): Uint8Array {
  const values = new DistinctValues()
  const body = new ByteWriter(1_024)
    .uint(group.incarnation)
    .uint(group.coordinator)
    .uint8(STATES.indexOf(group.state))
    .uint(Math.max(0, Math.floor(group.stateChangedAt)))
    .uint(group.generation)
  writeOptional(body, group.protocolType)
  writeOptional(body, group.protocolName)
  writeOptional(body, group.leader)
  body.uint(group.members.length)
  for (const member of group.members) writeMember(body, member, values)
  const rest = body.finish()
  const writer = new ByteWriter(rest.length + values.bytes + 64).uint8(FORMAT_VERSION).uint8(KIND_CLASSIC)
  values.write(writer)
  return writer.raw(rest).finish()
}

/** @throws CorruptDataError also for a format or a kind of group this version does not know. */
export function decodeGroupDocument(bytes: Uint8Array): GroupDocument {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  if (version !== FORMAT_VERSION) throw new CorruptDataError(`group document of unknown format ${version}`)
  const kind = reader.uint8()
  if (kind !== KIND_CLASSIC) throw new CorruptDataError(`group document of unknown kind ${kind}`)
  const values = reader.list(r => r.bytes())
  const incarnation = reader.uint()
  const coordinator = reader.uint()
  const stateByte = reader.uint8()
  const state = STATES[stateByte]
  if (state === undefined) throw new CorruptDataError(`group document in unknown state ${stateByte}`)
  return {
    incarnation,
    coordinator,
    state,
    stateChangedAt: reader.uint(),
    generation: reader.uint(),
    protocolType: readOptional(reader),
    protocolName: readOptional(reader),
    leader: readOptional(reader),
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

function valueAt(values: readonly Uint8Array[], place: number): Uint8Array {
  const value = values[place]
  if (value === undefined) throw new CorruptDataError(`no value ${place} among ${values.length}`)
  return value
}

function writeOptional(writer: ByteWriter, text: string | undefined): void {
  writer.uint8(text === undefined ? 0 : 1)
  if (text !== undefined) writer.string(text)
}

function readOptional(reader: ByteReader): string | undefined {
  return reader.uint8() === 0 ? undefined : reader.string()
}

class DistinctValues {
  readonly #places = new Map<string, number>()
  readonly #values: Uint8Array[] = []
  bytes = 0

  place(value: Uint8Array): number {
    const content = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
    const known = this.#places.get(content)
    if (known !== undefined) return known
    const place = this.#values.push(value) - 1
    this.#places.set(content, place)
    this.bytes += value.length + 4
    return place
  }

  write(writer: ByteWriter): void {
    writer.uint(this.#values.length)
    for (const value of this.#values) writer.bytes(value)
  }
}
