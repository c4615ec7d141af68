/** The part of a plan that is about who is in a share group (KIP-932): its members' lives, and who is held to be its coordinator, when. */
import { CONSUMER_SESSION_MS } from './consumer-group-plan.ts'
import { drawGroup, type GroupPlan } from './group-plan.ts'
import type { Rng } from './world/rng.ts'

export interface ShareGroupPlan extends Pick<GroupPlan, 'name' | 'coordinators' | 'disagreements'> {
  readonly members: readonly ShareGroupMemberPlan[]
}

export interface ShareGroupMemberPlan {
  readonly name: string
  readonly joinAt: number
  /** It leaves, or it is never heard of again. */
  readonly end?: { readonly at: number; readonly kind: 'leave' | 'die' }
  /** It stands still, and goes on as if nothing had happened. */
  readonly pauses: readonly { readonly at: number; readonly ms: number }[]
  /** What it subscribes to, from when on: numbers of topics. */
  readonly subscriptions: readonly { readonly at: number; readonly topics: readonly number[] }[]
}

/** The server says it, so all have the same. */
export const SHARE_SESSION_MS = CONSUMER_SESSION_MS
export const SHARE_HEARTBEAT_MS = SHARE_SESSION_MS / 4

export function drawShareGroup(rng: Rng, topics: number, gateways: number, healMs: number): ShareGroupPlan {
  const { coordinators, disagreements, members } = drawGroup(rng, gateways, healMs)
  return {
    name: 'share-group',
    coordinators,
    disagreements,
    members: members.map(({ name, joinAt, end, pauses }) => ({
      name,
      joinAt,
      ...(end && { end }),
      pauses,
      subscriptions: drawSubscriptions(rng, topics, healMs),
    })),
  }
}

function drawSubscriptions(rng: Rng, topics: number, healMs: number): ShareGroupMemberPlan['subscriptions'] {
  const all = Array.from({ length: topics }, (_, topic) => topic)
  const some = () => (rng.chance(0.7) ? all : [rng.below(topics)])
  const changes = Array.from({ length: rng.pick([0, 0, 1, 2]) }, () => ({
    at: rng.fraction() * healMs,
    topics: some(),
  }))
  return [{ at: 0, topics: some() }, ...changes.sort((a, b) => a.at - b.at)]
}
