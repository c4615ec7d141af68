/**
 * The one call of a streams group's member (KIP-1071): it joins with its topology, shows that it lives, says which tasks it
 * has, and leaves; the answer says which it is to have, and what stands in the way. Pure; the rules are Apache Kafka's.
 */
import { LEAVING_EPOCH, LEAVING_FOR_A_WHILE_EPOCH, type Refused, type TopicsSeen } from './consumer-group.ts'
import type { ConsumerMoment } from './consumer-heartbeat.ts'
import type { StreamsHeartbeat } from './contract.ts'
import { encodeGroupDocument } from './group-document.ts'
import { DOCUMENT_BYTES_FULL, type GroupSettings } from './settings.ts'
import { assignTasks } from './streams-assignor.ts'
import {
  NO_TASKS,
  type StreamsDocument,
  type StreamsMember,
  type StreamsTopology,
  sameTasks,
  type Tasks,
} from './streams-document.ts'
import { configuredOf, newStreamsMember, streamsMemberWith } from './streams-group.ts'
import { ownsNoMoreThan, reconcileStreams } from './streams-reconcile.ts'
import { type StreamsStatus, shapesSeen, topicsOfTopology } from './streams-topology.ts'

export interface StreamsMoment extends ConsumerMoment {
  /** The targets are to be made anew, though nothing that the group knows has changed. */
  readonly reassigns: boolean
}

export type StreamsStep =
  | Refused
  | {
      /** The same object where nothing has to be stored. */
      readonly group: StreamsDocument
      readonly member: StreamsMember | undefined
      /** Where the member must be told. */
      readonly tasks: Tasks | undefined
      readonly status: readonly StreamsStatus[]
    }

export function refusalOfStreamsHeartbeat(request: StreamsHeartbeat): Refused | undefined {
  const { memberId, instanceId, rackId, epoch } = request
  const refuse = (message: string): Refused => ({ error: 'INVALID_REQUEST', message })
  if (memberId === '') return refuse("MemberId can't be empty.")
  if (instanceId === '') return refuse("InstanceId can't be empty.")
  if (rackId === '') return refuse("RackId can't be empty.")
  if (epoch < LEAVING_FOR_A_WHILE_EPOCH)
    return refuse(`MemberEpoch is ${epoch}, but must be greater than or equal to -2.`)
  if (epoch === LEAVING_FOR_A_WHILE_EPOCH && instanceId === undefined) return refuse("InstanceId can't be null.")
  if (epoch !== 0) {
    return request.topology === undefined ? undefined : refuse('Topology can only be provided when (re-)joining.')
  }
  if (request.rebalanceTimeoutMs === undefined) return refuse('RebalanceTimeoutMs must be provided in first request.')
  for (const role of ['active', 'standby', 'warmup'] as const) {
    const name = { active: 'ActiveTasks', standby: 'StandbyTasks', warmup: 'WarmupTasks' }[role]
    if (request.owned === undefined || request.owned[role].size > 0)
      return refuse(`${name} must be empty when (re-)joining.`)
  }
  if (request.topology === undefined) return refuse('Topology must be non-null when (re-)joining.')
  return refusalOfTopology(request.topology)
}

function refusalOfTopology({ subtopologies }: StreamsTopology): Refused | undefined {
  for (const each of subtopologies) {
    for (const { name, partitions } of each.changelogTopics) {
      if (partitions === 0) continue
      const message = `Changelog topic ${name} must have an undefined partition count, but it is set to ${partitions}.`
      return { error: 'STREAMS_INVALID_TOPOLOGY', message }
    }
  }
  return undefined
}

/** The topology that the group has after this request. A newer one replaces what is there; an older one does not. */
export function topologyAfter(group: StreamsDocument, request: StreamsHeartbeat): StreamsTopology | undefined {
  const known = group.members.size === 0 && request.epoch === 0 ? undefined : group.topology
  if (!request.topology || (known && known.epoch >= request.topology.epoch)) return known
  return request.topology
}

/** The topics that `seen` is asked for must be known to it. */
export function heartbeatOfStreams(
  before: StreamsDocument,
  request: StreamsHeartbeat,
  seen: TopicsSeen,
  moment: StreamsMoment,
): StreamsStep {
  if (request.epoch < 0) return leave(before, request, moment)
  const found = findMember(before, request, moment.settings)
  if ('error' in found) return found
  const { member, replaces } = found
  const topology = topologyAfter(before, request)
  if (request.topology && topology?.epoch === request.topology.epoch && !sameTopology(topology, request.topology)) {
    const message = `Topology epoch ${topology.epoch} is known with another topology.`
    return { error: 'STREAMS_INVALID_TOPOLOGY', message }
  }
  const updated = updateMember(member, request)
  const isFirst = before.members.size === 0
  let group: StreamsDocument = {
    ...before,
    topology,
    shutsDown: request.shutsDown || (before.shutsDown && !isFirst),
    members: replaces ? inPlaceOf(before, replaces.id, updated) : new Map(before.members).set(updated.id, updated),
    ...(isFirst && { stateChangedAt: moment.wallTime }),
  }
  const isNew = !replaces && !before.members.has(member.id)
  const looked = lookAtStreamsTopics(group, seen)
  const changes = looked !== group || topology !== before.topology || changesAssignment(member, updated)
  if (isNew || changes || moment.reassigns) {
    group = assignStreamsAnew(looked, moment.settings.streamsStandbyReplicas)
  }
  // As in `heartbeatOfConsumer`: who comes in the epoch before is told again, and goes no further.
  const isBehind = request.epoch !== member.epoch
  const current = group.members.get(updated.id)!
  const settled = isBehind ? current : reconcileStreams(group, current, request.owned)
  group = { ...group, members: new Map(group.members).set(settled.id, settled) }
  if (endpointsDiffer(before.members.get(member.id), settled))
    group = { ...group, endpointEpoch: group.endpointEpoch + 1 }
  if (isNew && encodeGroupDocument(group).length > DOCUMENT_BYTES_FULL) return full(before)
  const isFull = request.rebalanceTimeoutMs !== undefined && request.owned !== undefined
  const tells = request.epoch === 0 || isFull || isBehind || !sameTasks(member.assigned, settled.assigned)
  return {
    group: isUnchanged(before, group, settled) ? before : group,
    member: settled,
    tasks: tells ? settled.assigned : undefined,
    status: statusFor(group, settled),
  }
}

export function statusFor(group: StreamsDocument, member: StreamsMember): StreamsStatus[] {
  const status: StreamsStatus[] = []
  const configured = configuredOf(group)
  if (configured?.status) status.push(configured.status)
  if (group.topology && member.topologyEpoch < group.topology.epoch) {
    const detail = `The member's topology epoch ${member.topologyEpoch} is behind the group's topology epoch ${group.topology.epoch}.`
    status.push({ status: 'STALE_TOPOLOGY', detail })
  }
  if (group.shutsDown)
    status.push({ status: 'SHUTDOWN_APPLICATION', detail: 'A member has requested the shutdown of the application.' })
  return status
}

export function removeStreamsMembers(
  group: StreamsDocument,
  ids: readonly string[],
  moment: StreamsMoment,
): StreamsDocument {
  const members = new Map(group.members)
  let hadEndpoint = false
  for (const id of ids) {
    hadEndpoint ||= members.get(id)?.endpoint !== undefined
    members.delete(id)
  }
  if (members.size === group.members.size) return group
  const left = assignStreamsAnew({ ...group, members }, moment.settings.streamsStandbyReplicas)
  const served = hadEndpoint ? { ...left, endpointEpoch: left.endpointEpoch + 1 } : left
  return members.size > 0 ? served : { ...served, shutsDown: false, stateChangedAt: moment.wallTime }
}

/** The group with its topics as they are now; the same object where nothing changed. */
export function lookAtStreamsTopics(group: StreamsDocument, seen: TopicsSeen): StreamsDocument {
  if (!group.topology) return group
  const topics = shapesSeen(group.topology, seen)
  const regexes = new Map([...topicsOfTopology(group.topology).regexes].map(regex => [regex, seen.matching(regex)]))
  const same = JSON.stringify([[...topics], [...regexes]]) === JSON.stringify([[...group.topics], [...group.regexes]])
  return same ? group : { ...group, topics, regexes }
}

/** Raises the epoch and gives every member its target; nothing while the topology is not ready. */
export function assignStreamsAnew(group: StreamsDocument, standbyReplicas: number): StreamsDocument {
  const configured = configuredOf(group)
  const able = [...group.members.values()].filter(({ topologyEpoch }) => topologyEpoch === group.topology?.epoch)
  const targets = assignTasks({
    members: able,
    tasks: configured?.tasks ?? new Map(),
    subtopologies: configured?.subtopologies ?? [],
    standbyReplicas,
  })
  const members = new Map<string, StreamsMember>()
  for (const member of group.members.values()) {
    const target = targets.get(member.id) ?? NO_TASKS
    members.set(member.id, sameTasks(target, member.target) ? member : { ...member, target })
  }
  return { ...group, epoch: group.epoch + 1, members }
}

// ---------------------------------------------------------------- who it is

type Found = Refused | { readonly member: StreamsMember; readonly replaces: StreamsMember | undefined }

function findMember(group: StreamsDocument, request: StreamsHeartbeat, settings: GroupSettings): Found {
  const { memberId, instanceId, epoch } = request
  const holder = instanceId === undefined ? group.members.get(memberId) : streamsMemberWith(group, instanceId)
  if (!holder) {
    if (epoch !== 0) return unknown(request)
    if (group.members.size >= settings.consumerMembersMax) return full(group)
    return { member: newStreamsMember(memberId), replaces: undefined }
  }
  const away = holder.epoch === LEAVING_FOR_A_WHILE_EPOCH
  const returned: StreamsMember = {
    ...holder,
    id: memberId,
    epoch: 0,
    previousEpoch: 0,
    state: 'stable',
    revoking: NO_TASKS,
  }
  if (holder.id !== memberId) {
    if (epoch !== 0)
      return {
        error: 'FENCED_INSTANCE_ID',
        message: `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder.id}.`,
      }
    if (away) return { member: returned, replaces: holder }
    const message = `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${holder.id} member.`
    return { error: 'UNRELEASED_INSTANCE_ID', message }
  }
  if (epoch === 0 && away) return { member: returned, replaces: undefined }
  if (epoch === holder.epoch) return { member: holder, replaces: undefined }
  const isLast =
    epoch === holder.previousEpoch && request.owned !== undefined && ownsNoMoreThan(request.owned, holder.assigned)
  if (epoch < holder.epoch && isLast) return { member: holder, replaces: undefined }
  const message = `The streams group member has a ${epoch > holder.epoch ? 'greater' : 'smaller'} member epoch (${epoch}) than the one known by the group coordinator (${holder.epoch}). The member must abandon all its partitions and rejoin.`
  return { error: 'FENCED_MEMBER_EPOCH', message }
}

function leave(group: StreamsDocument, request: StreamsHeartbeat, moment: StreamsMoment): StreamsStep {
  const { memberId, instanceId, epoch } = request
  const holder = instanceId === undefined ? group.members.get(memberId) : streamsMemberWith(group, instanceId)
  if (holder?.id !== memberId) return unknown(request)
  const shutsDown = group.shutsDown || request.shutsDown
  const nothing = { member: undefined, tasks: undefined, status: [] }
  if (epoch === LEAVING_EPOCH)
    return { group: removeStreamsMembers({ ...group, shutsDown }, [memberId], moment), ...nothing }
  const away: StreamsMember = { ...holder, epoch, previousEpoch: holder.epoch, state: 'stable', revoking: NO_TASKS }
  return { group: { ...group, shutsDown, members: new Map(group.members).set(memberId, away) }, ...nothing }
}

function unknown({ groupId, memberId, instanceId }: StreamsHeartbeat): Refused {
  const message =
    instanceId === undefined
      ? `Member ${memberId} is not a member of group ${groupId}.`
      : `Instance id ${instanceId} is unknown.`
  return { error: 'UNKNOWN_MEMBER_ID', message }
}

function full(group: StreamsDocument): Refused {
  return {
    error: 'GROUP_MAX_SIZE_REACHED',
    message: `The streams group has reached its maximum capacity of ${group.members.size} members.`,
  }
}

// ---------------------------------------------------------------- what it says

function updateMember(member: StreamsMember, request: StreamsHeartbeat): StreamsMember {
  return {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    clientId: request.clientId,
    clientHost: request.clientHost,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs ?? member.rebalanceTimeoutMs,
    topologyEpoch: request.topology?.epoch ?? member.topologyEpoch,
    // One that does not say is a process of its own.
    processId: request.processId ?? (member.processId || member.id),
    endpoint: request.endpoint ?? member.endpoint,
    tags: request.tags ?? member.tags,
  }
}

function changesAssignment(one: StreamsMember, other: StreamsMember): boolean {
  return one.topologyEpoch !== other.topologyEpoch || one.processId !== other.processId
}

function describes(member: StreamsMember): string {
  const { assigned: _, revoking: __, target: ___, ...rest } = member
  return JSON.stringify(rest)
}

function isUnchanged(before: StreamsDocument, group: StreamsDocument, member: StreamsMember): boolean {
  const known = before.members.get(member.id)
  if (!known || before.epoch !== group.epoch || before.endpointEpoch !== group.endpointEpoch) return false
  if (before.shutsDown !== group.shutsDown || before.members.size !== group.members.size) return false
  return (
    describes(known) === describes(member) &&
    sameTasks(known.assigned, member.assigned) &&
    sameTasks(known.revoking, member.revoking)
  )
}

function endpointsDiffer(before: StreamsMember | undefined, after: StreamsMember): boolean {
  if (!after.endpoint) return false
  return (
    !before ||
    JSON.stringify(before.endpoint) !== JSON.stringify(after.endpoint) ||
    !sameTasks(before.assigned, after.assigned)
  )
}

function sameTopology(one: StreamsTopology, other: StreamsTopology): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function inPlaceOf(group: StreamsDocument, id: string, member: StreamsMember): Map<string, StreamsMember> {
  return new Map([...group.members].map(([each, other]) => (each === id ? [member.id, member] : [each, other])))
}
