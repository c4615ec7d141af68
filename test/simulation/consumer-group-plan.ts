/**
 * The part of a plan that is about a group of the consumer protocol (KIP-848), with members of the classic one among them, or of the
 * streams protocol (KIP-1071).
 */
import { drawGroup, type GroupPlan, type MemberPlan } from './group-plan.ts'
import type { Rng } from './world/rng.ts'

export interface ConsumerGroupPlan extends Pick<GroupPlan, 'name' | 'coordinators' | 'disagreements'> {
  readonly members: readonly ConsumerMemberPlan[]
}

export interface ConsumerMemberPlan extends Omit<MemberPlan, 'end' | 'twoRounds'> {
  /** Of `streams` are all or none. */
  readonly protocol: 'consumer' | 'classic' | 'streams'
  /** It leaves, is never heard of again, or (a static member) leaves for a while. */
  readonly end?: { readonly at: number; readonly kind: 'leave' | 'die' | 'away' }
  /** By a regular expression, not by name. */
  readonly byRegex: boolean
  /** How long it takes to give up a partition, in ms, at most. */
  readonly revokeMs: number
  /** Of a streams group: the process that it is a thread of. Absent: one of its own. */
  readonly process?: string
}

/** Sessions of members of the consumer protocol, and of streams: the server says it, so all have the same. */
export const CONSUMER_SESSION_MS = 12_000
export const CONSUMER_HEARTBEAT_MS = 3_000
/**
 * After a heartbeat that was answered nobody puts the member out for so long: a coordinator that another has replaced may answer for a third
 * of a session more, and the other gave the member a whole one as it took over.
 */
export const SURE_MS = (2 / 3) * CONSUMER_SESSION_MS

export function drawConsumerGroup(rng: Rng, gateways: number, healMs: number): ConsumerGroupPlan {
  const { coordinators, disagreements, members } = drawGroup(rng, gateways, healMs)
  const classicShare = rng.pick([0, 0, 0, 0.5])
  const regexShare = rng.pick([0, 0, 0.5])
  return {
    name: 'consumer-group',
    coordinators,
    disagreements,
    members: members.map(({ twoRounds: _, end, ...member }): ConsumerMemberPlan => {
      const isAway = end?.kind === 'leave' && member.instance !== undefined && rng.chance(0.5)
      return {
        ...member,
        protocol: rng.chance(classicShare) ? 'classic' : 'consumer',
        ...(end && { end: isAway ? { ...end, kind: 'away' } : end }),
        byRegex: rng.chance(regexShare),
        revokeMs: rng.pick([0, 100, 5_000]),
      }
    }),
  }
}

/** Whose tasks are the partitions of a topic. */
export function drawStreamsGroup(rng: Rng, gateways: number, healMs: number): ConsumerGroupPlan {
  const { members, ...group } = drawConsumerGroup(rng, gateways, healMs)
  return {
    ...group,
    name: 'streams-group',
    members: members.map(member => ({ ...member, protocol: 'streams' as const, byRegex: false })),
  }
}

/** Some are threads of one process; static ones come back to the state that they have left. */
export function withProcesses(group: ConsumerGroupPlan, rng: Rng): ConsumerGroupPlan {
  const threadShare = rng.pick([0, 0, 0.5, 1])
  const processes = rng.pick([1, 2, 3])
  return {
    ...group,
    members: group.members.map(member => {
      const process = rng.chance(threadShare) ? `process-${rng.below(processes)}` : member.name
      return { ...member, process: member.instance === undefined ? process : `process-of-${member.instance}` }
    }),
  }
}
