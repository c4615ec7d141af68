/**
 * The document of a consumer group (KIP-848), as stored. Everything that the group's engine decides by is in it, but who
 * is alive: the group's epoch, each member's subscription, its epoch, what it has, what it must give up, and what it is to have.
 * Subscriptions are kept once per distinct value, topic ids once, and a target only where it differs from what is assigned.
 */
import { ByteReader, ByteWriter, CorruptDataError } from '../base/index.ts'
import { type Assignment, NOTHING, readAssignment, sameAssignment, writeAssignment } from './assignment.ts'
import type { Protocol } from './classic-protocol.ts'
import { type DistinctValues, readOptional, valueAt, writeOptional } from './distinct-values.ts'

export interface ConsumerDocument {
  readonly kind: 'consumer'
  /** Drawn when the group is made; committed offsets carry it, so none outlives its group. */
  readonly incarnation: number
  /** Token of the process that coordinates the group; 0 where none does. */
  readonly coordinator: number
  /** Dead: being deleted; whoever finds it so finishes that. */
  readonly state: (typeof STATES)[number]
  /** Wall clock: when it got its first member or lost its last, for the expiry of offsets only. */
  readonly stateChangedAt: number
  /** Raised by every change that asks for another assignment; the members' targets are always those of this epoch. */
  readonly epoch: number
  /** The assignor that made the targets. */
  readonly assignor: string
  /** The topics, of those subscribed to, that there are: what the targets were made for. By name. */
  readonly topics: ReadonlyMap<string, TopicShape>
  /** Which topics each regular expression of a member matched. */
  readonly regexes: ReadonlyMap<string, readonly string[]>
  /** By member id, in the order in which they came. */
  readonly members: ReadonlyMap<string, ConsumerMember>
}

export interface TopicShape {
  /** 32 lower-case hex digits. */
  readonly id: string
  readonly partitions: number
}

/**
 * `stable`: has all that its epoch gives it. `unrevoked`: has yet to say that it gave up `revoking`; its epoch waits for
 * that. `unreleased`: is in its epoch, but others have yet to give up some of what it is to have.
 */
export type MemberState = (typeof MEMBER_STATES)[number]

export interface ConsumerMember {
  readonly id: string
  readonly instanceId: string | undefined
  readonly rackId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  /** Sorted, each once. */
  readonly topicNames: readonly string[]
  /** In RE2's syntax. */
  readonly regex: string | undefined
  /** The assignor it would like; undefined: any. */
  readonly assignor: string | undefined
  /** -2: a static member that has left for a while. */
  readonly epoch: number
  readonly previousEpoch: number
  readonly state: MemberState
  readonly assigned: Assignment
  readonly revoking: Assignment
  readonly target: Assignment
  /** A member that still speaks the classic protocol. */
  readonly classic: ClassicMembership | undefined
}

export interface ClassicMembership {
  readonly sessionTimeoutMs: number
  readonly protocols: readonly Protocol[]
}

const STATES = ['Live', 'Dead'] as const
const MEMBER_STATES = ['stable', 'unrevoked', 'unreleased'] as const

export function writeConsumerDocument(body: ByteWriter, group: ConsumerDocument, values: DistinctValues): void {
  body
    .uint8(STATES.indexOf(group.state))
    .uint(Math.max(0, Math.floor(group.stateChangedAt)))
    .uint(group.epoch)
    .string(group.assignor)
    .uint(group.topics.size)
  for (const [name, { id, partitions }] of group.topics) body.string(name).raw(Buffer.from(id, 'hex')).uint(partitions)
  body.uint(group.regexes.size)
  for (const [regex, names] of group.regexes) writeNames(body.string(regex), names)
  body.uint(group.members.size)
  const placeOf = (topicId: string) => values.place(Buffer.from(topicId, 'hex'))
  for (const member of group.members.values()) writeMember(body, member, values, placeOf)
}

/** @throws CorruptDataError */
export function readConsumerDocument(
  reader: ByteReader,
  values: readonly Uint8Array[],
): Omit<ConsumerDocument, 'incarnation' | 'coordinator'> {
  const topicIdAt = (place: number) => Buffer.from(valueAt(values, place)).toString('hex')
  return {
    kind: 'consumer',
    state: oneOf(STATES, reader.uint8()),
    stateChangedAt: reader.uint(),
    epoch: reader.uint(),
    assignor: reader.string(),
    topics: new Map(
      reader.list(r => [r.string(), { id: Buffer.from(r.raw(16)).toString('hex'), partitions: r.uint() }]),
    ),
    regexes: new Map(reader.list(r => [r.string(), readNames(r)])),
    members: new Map(
      reader.list(r => {
        const member = readMember(r, values, topicIdAt)
        return [member.id, member]
      }),
    ),
  }
}

function writeMember(
  writer: ByteWriter,
  member: ConsumerMember,
  values: DistinctValues,
  placeOf: (topicId: string) => number,
): void {
  writer.string(member.id)
  writeOptional(writer, member.instanceId)
  writeOptional(writer, member.rackId)
  writer.string(member.clientId).string(member.clientHost).int(member.rebalanceTimeoutMs)
  writer.uint(values.place(encodeSubscription(member)))
  writer.int(member.epoch).int(member.previousEpoch).uint8(MEMBER_STATES.indexOf(member.state))
  writeAssignment(writer, member.assigned, placeOf)
  writeAssignment(writer, member.revoking, placeOf)
  const settled = sameAssignment(member.target, member.assigned)
  writer.uint8(settled ? 0 : 1)
  if (!settled) writeAssignment(writer, member.target, placeOf)
  writer.uint8(member.classic ? 1 : 0)
  if (!member.classic) return
  writer.int(member.classic.sessionTimeoutMs).uint(member.classic.protocols.length)
  for (const { name, metadata } of member.classic.protocols) writer.string(name).uint(values.place(metadata))
}

function readMember(
  reader: ByteReader,
  values: readonly Uint8Array[],
  topicIdAt: (place: number) => string,
): ConsumerMember {
  const member = {
    id: reader.string(),
    instanceId: readOptional(reader),
    rackId: readOptional(reader),
    clientId: reader.string(),
    clientHost: reader.string(),
    rebalanceTimeoutMs: reader.int(),
    ...decodeSubscription(valueAt(values, reader.uint())),
    epoch: reader.int(),
    previousEpoch: reader.int(),
    state: oneOf(MEMBER_STATES, reader.uint8()),
  }
  const assigned = readAssignment(reader, topicIdAt)
  const revoking = readAssignment(reader, topicIdAt)
  const target = reader.uint8() === 0 ? assigned : readAssignment(reader, topicIdAt)
  const classic =
    reader.uint8() === 0
      ? undefined
      : {
          sessionTimeoutMs: reader.int(),
          protocols: reader.list(r => ({ name: r.string(), metadata: valueAt(values, r.uint()) })),
        }
  return { ...member, assigned, revoking: revoking.size === 0 ? NOTHING : revoking, target, classic }
}

type Subscription = Pick<ConsumerMember, 'topicNames' | 'regex' | 'assignor'>

function encodeSubscription({ topicNames, regex, assignor }: Subscription): Uint8Array {
  const writer = new ByteWriter(64)
  writeNames(writer, topicNames)
  writeOptional(writer, regex)
  writeOptional(writer, assignor)
  return writer.finish()
}

function decodeSubscription(bytes: Uint8Array): Subscription {
  const reader = new ByteReader(bytes)
  return { topicNames: readNames(reader), regex: readOptional(reader), assignor: readOptional(reader) }
}

function writeNames(writer: ByteWriter, names: readonly string[]): void {
  writer.uint(names.length)
  for (const name of names) writer.string(name)
}

function readNames(reader: ByteReader): string[] {
  return reader.list(r => r.string())
}

function oneOf<T>(values: readonly T[], place: number): T {
  const value = values[place]
  if (value === undefined) throw new CorruptDataError(`a group document with a state ${place}`)
  return value
}
