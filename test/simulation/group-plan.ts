/** The part of a plan that is about a consumer group: its members' lives, and who is held to be its coordinator, when. */
import type { Rng } from './world/rng.ts'

export interface GroupPlan {
  readonly name: string
  readonly partitions: readonly number[]
  /** Which gateway coordinates the group, from when on; the last holds after the healing. */
  readonly coordinators: readonly { readonly at: number; readonly gateway: number }[]
  /** Spans in which every gateway believes that it does. */
  readonly disagreements: readonly { readonly from: number; readonly to: number }[]
  readonly members: readonly MemberPlan[]
  /** Once all is calm: the coordinator changes, a member comes and one goes, and every call must be answered. */
  readonly calmChange: boolean
}

export interface MemberPlan {
  readonly name: string
  /** Present: a static member (KIP-345). Two plans with the same one are rivals, or one life after the other. */
  readonly instance?: string
  readonly joinAt: number
  /** It leaves, or it is never heard of again. */
  readonly end?: { readonly at: number; readonly kind: 'leave' | 'die' }
  /** It stands still, and goes on as if nothing had happened. */
  readonly pauses: readonly { readonly at: number; readonly ms: number }[]
  readonly sessionMs: number
  readonly rebalanceMs: number
  /** Of a commit after each heartbeat. */
  readonly commitChance: number
  /** It asks for its member id first (KIP-394). */
  readonly twoRounds: boolean
  /** At work it asks for what is committed before it commits. */
  readonly looksFirst?: boolean
}

/** Heartbeats of one member until the healing, about. */
const HEARTBEATS_MAX = 60

const SESSION_MIN_MS = 2_000

export function drawGroup(rng: Rng, gateways: number, healMs: number): GroupPlan {
  const sessionMs = Math.max((3 * healMs) / HEARTBEATS_MAX, rng.spread(SESSION_MIN_MS, 20_000))
  const steady = rng.chance(0.3)
  const disagreements = Array.from({ length: steady ? 0 : rng.pick([0, 1, 2]) }, () => {
    const from = rng.fraction() * healMs
    return { from, to: Math.min(healMs, from + rng.spread(1_000, healMs)) }
  })
  const changes = Array.from({ length: steady ? 0 : rng.pick([1, 2, 4]) }, () => ({
    at: rng.fraction() * healMs,
    gateway: rng.below(gateways),
  }))
  return {
    name: 'group',
    partitions: drawPartitions(rng),
    coordinators: [{ at: 0, gateway: rng.below(gateways) }, ...changes.sort((a, b) => a.at - b.at)],
    disagreements,
    members: drawMembers(rng, sessionMs, healMs),
    calmChange: rng.chance(0.2),
  }
}

/** Side by side, or so far apart that no two have their offsets in one item. */
function drawPartitions(rng: Rng): number[] {
  const apart = rng.pick([1, 16])
  return Array.from({ length: rng.pick([1, 2, 3, 5]) }, (_, i) => i * apart)
}

function drawMembers(rng: Rng, sessionMs: number, healMs: number): MemberPlan[] {
  const staticShare = rng.pick([0, 0, 0.5, 1])
  const together = rng.chance(0.5)
  const lives = rng.pick([1, 1, 2, 4])
  const members: MemberPlan[] = []
  const count = rng.pick([1, 2, 2, 3, 4])
  for (let i = 0; i < count; i++) {
    const first = drawMember(rng, { name: `m${i}`, sessionMs, healMs, joinAt: together ? 0 : rng.fraction() * healMs })
    const member = rng.chance(staticShare) ? { ...first, instance: `i${i}` } : first
    members.push(member)
    // It starts again, sometimes before it has ended: a static member then fences its former self.
    for (let life = 1; life < rng.between(1, lives); life++) {
      const { end: _, ...again } = { ...member, name: `m${i}.${life}`, joinAt: rng.fraction() * healMs }
      members.push(again)
    }
  }
  return members
}

function drawMember(
  rng: Rng,
  { name, joinAt, sessionMs, healMs }: { name: string; joinAt: number; sessionMs: number; healMs: number },
): MemberPlan {
  const end = { at: joinAt + rng.fraction() * (healMs - joinAt), kind: rng.pick(['leave', 'die'] as const) }
  const pauses = Array.from({ length: rng.pick([0, 0, 0, 1, 2]) }, () => ({
    at: rng.fraction() * healMs,
    ms: rng.spread(100, 4 * sessionMs),
  }))
  const own = sessionMs * (1 + rng.fraction())
  return {
    name,
    joinAt,
    ...(rng.chance(0.3) && { end }),
    pauses,
    sessionMs: Math.round(own),
    rebalanceMs: Math.round(own * rng.pick([2, 3])),
    commitChance: rng.pick([0, 0.3, 1]),
    twoRounds: rng.chance(0.7),
  }
}
