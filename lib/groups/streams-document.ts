/**
 * The document of a streams group (KIP-1071), as stored: its topology, the topics that it was last seen with, and each member's
 * tasks. A task is a partition of a subtopology. The topology is kept as JSON: it is nested, and the same for all members.
 */
import { type ByteReader, type ByteWriter, CorruptDataError, parseStoredJson } from '../base/index.ts'
import { type Assignment, NOTHING, readAssignment, sameAssignment, writeAssignment } from './assignment.ts'
import type { MemberState, TopicShape } from './consumer-document.ts'
import { type DistinctValues, readOptional, valueAt, writeOptional } from './distinct-values.ts'

export interface StreamsDocument {
  readonly kind: 'streams'
  readonly incarnation: number
  readonly coordinator: number
  readonly state: (typeof STATES)[number]
  readonly stateChangedAt: number
  readonly epoch: number
  readonly topology: StreamsTopology | undefined
  /** The topology's topics that there are, by name; what the targets were made for. */
  readonly topics: ReadonlyMap<string, TopicShape>
  /** What each regular expression of the topology matched. */
  readonly regexes: ReadonlyMap<string, readonly string[]>
  /** Raised when what members' endpoints serve changes. */
  readonly endpointEpoch: number
  /** A member asked for all to shut down. */
  readonly shutsDown: boolean
  /** What tools show of the topology: as a member sent it, and of which topology epoch. */
  readonly description: { readonly epoch: number; readonly bytes: Uint8Array } | undefined
  readonly members: ReadonlyMap<string, StreamsMember>
}

export interface StreamsTopology {
  readonly epoch: number
  readonly subtopologies: readonly Subtopology[]
}

export interface Subtopology {
  readonly id: string
  readonly sourceTopics: readonly string[]
  readonly sourceRegexes: readonly string[]
  readonly changelogTopics: readonly InternalTopic[]
  readonly repartitionSinkTopics: readonly string[]
  readonly repartitionSourceTopics: readonly InternalTopic[]
  /** Places in the lists above. */
  readonly copartitionGroups: readonly {
    readonly sourceTopics: readonly number[]
    readonly sourceRegexes: readonly number[]
    readonly repartitionSourceTopics: readonly number[]
  }[]
}

export interface InternalTopic {
  readonly name: string
  /** 0: as many as follow from the topics that it goes with. */
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: readonly { readonly key: string; readonly value: string }[]
}

/** Subtopology id → partitions, of each role. */
export interface Tasks {
  readonly active: Assignment
  readonly standby: Assignment
  readonly warmup: Assignment
}

export interface StreamsMember {
  readonly id: string
  readonly instanceId: string | undefined
  readonly rackId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly topologyEpoch: number
  /** Members of one process share a folder of state: no two of them can have the same task. */
  readonly processId: string
  readonly endpoint: { readonly host: string; readonly port: number } | undefined
  readonly tags: readonly { readonly key: string; readonly value: string }[]
  readonly epoch: number
  readonly previousEpoch: number
  readonly state: MemberState
  readonly assigned: Tasks
  readonly revoking: Tasks
  readonly target: Tasks
}

const STATES = ['Live', 'Dead'] as const
const MEMBER_STATES: readonly MemberState[] = ['stable', 'unrevoked', 'unreleased']
export const NO_TASKS: Tasks = { active: NOTHING, standby: NOTHING, warmup: NOTHING }

export function sameTasks(one: Tasks, other: Tasks): boolean {
  return (
    sameAssignment(one.active, other.active) &&
    sameAssignment(one.standby, other.standby) &&
    sameAssignment(one.warmup, other.warmup)
  )
}

export function writeStreamsDocument(body: ByteWriter, group: StreamsDocument, values: DistinctValues): void {
  body
    .uint8(STATES.indexOf(group.state))
    .uint(Math.max(0, Math.floor(group.stateChangedAt)))
    .uint(group.epoch)
    .uint(group.endpointEpoch)
    .uint8(group.shutsDown ? 1 : 0)
  writeOptional(body, group.topology && JSON.stringify(group.topology))
  body.uint(group.topics.size)
  for (const [name, { id, partitions }] of group.topics) body.string(name).raw(Buffer.from(id, 'hex')).uint(partitions)
  body.string(JSON.stringify([...group.regexes]))
  body.uint8(group.description ? 1 : 0)
  if (group.description) body.uint(group.description.epoch).bytes(group.description.bytes)
  body.uint(group.members.size)
  for (const member of group.members.values()) writeMember(body, member, values)
}

/** @throws CorruptDataError */
export function readStreamsDocument(
  reader: ByteReader,
  values: readonly Uint8Array[],
): Omit<StreamsDocument, 'incarnation' | 'coordinator'> {
  const state = STATES[reader.uint8()]
  if (!state) throw new CorruptDataError('a streams group in no known state')
  const numbers = { stateChangedAt: reader.uint(), epoch: reader.uint(), endpointEpoch: reader.uint() }
  const shutsDown = reader.uint8() === 1
  const topology = readOptional(reader)
  return {
    kind: 'streams',
    state,
    ...numbers,
    shutsDown,
    topology: topology === undefined ? undefined : (parseStoredJson('topology', topology) as StreamsTopology),
    topics: new Map(
      reader.list(r => [r.string(), { id: Buffer.from(r.raw(16)).toString('hex'), partitions: r.uint() }]),
    ),
    regexes: new Map(parseStoredJson('regexes', reader.string()) as [string, string[]][]),
    description: reader.uint8() === 0 ? undefined : { epoch: reader.uint(), bytes: reader.bytes() },
    members: new Map(
      reader.list(r => {
        const member = readMember(r, values)
        return [member.id, member]
      }),
    ),
  }
}

function writeMember(writer: ByteWriter, member: StreamsMember, values: DistinctValues): void {
  const placeOf = (text: string) => values.place(Buffer.from(text))
  writer.string(member.id)
  writeOptional(writer, member.instanceId)
  writeOptional(writer, member.rackId)
  writer.uint(placeOf(member.clientId)).uint(placeOf(member.clientHost)).int(member.rebalanceTimeoutMs)
  writer.int(member.topologyEpoch).uint(placeOf(member.processId))
  writer.uint(placeOf(JSON.stringify([member.endpoint ?? null, member.tags])))
  writer.int(member.epoch).int(member.previousEpoch).uint8(MEMBER_STATES.indexOf(member.state))
  writeTasks(writer, member.assigned, placeOf)
  writeTasks(writer, member.revoking, placeOf)
  const settled = sameTasks(member.target, member.assigned)
  writer.uint8(settled ? 0 : 1)
  if (!settled) writeTasks(writer, member.target, placeOf)
}

function readMember(reader: ByteReader, values: readonly Uint8Array[]): StreamsMember {
  const textAt = (place: number) => Buffer.from(valueAt(values, place)).toString('utf8')
  const identity = { id: reader.string(), instanceId: readOptional(reader), rackId: readOptional(reader) }
  const client = {
    clientId: textAt(reader.uint()),
    clientHost: textAt(reader.uint()),
    rebalanceTimeoutMs: reader.int(),
  }
  const origin = { topologyEpoch: reader.int(), processId: textAt(reader.uint()) }
  const [endpoint, tags] = parseStoredJson('endpoint', textAt(reader.uint())) as [
    StreamsMember['endpoint'] | null,
    StreamsMember['tags'],
  ]
  const epochs = { epoch: reader.int(), previousEpoch: reader.int() }
  const state = MEMBER_STATES[reader.uint8()]
  if (!state) throw new CorruptDataError('a member of a streams group in no known state')
  const assigned = readTasks(reader, textAt)
  const revoking = readTasks(reader, textAt)
  const target = reader.uint8() === 0 ? assigned : readTasks(reader, textAt)
  return {
    ...identity,
    ...client,
    ...origin,
    endpoint: endpoint ?? undefined,
    tags,
    ...epochs,
    state,
    assigned,
    revoking,
    target,
  }
}

function writeTasks(writer: ByteWriter, tasks: Tasks, placeOf: (text: string) => number): void {
  writeAssignment(writer, tasks.active, placeOf)
  writeAssignment(writer, tasks.standby, placeOf)
  writeAssignment(writer, tasks.warmup, placeOf)
}

function readTasks(reader: ByteReader, textAt: (place: number) => string): Tasks {
  return {
    active: readAssignment(reader, textAt),
    standby: readAssignment(reader, textAt),
    warmup: readAssignment(reader, textAt),
  }
}
