/** The part of a plan that is about a share group: its members' lives, and which gateway serves it, when. */
import type { Rng } from './world/rng.ts'

/** A share group's configs, small enough that a short history meets them. */
export interface ShareTuning {
  readonly lockMs: number
  readonly deliveriesMax: number
  readonly inFlightMax: number
}

export interface SharePlan {
  readonly name: string
  readonly topic: number
  /** Which gateway is preferred for all its partitions, from when on; the last holds after the healing. */
  readonly preferences: readonly { readonly at: number; readonly gateway: number }[]
  /** Spans in which members go wherever they like. */
  readonly disagreements: readonly { readonly from: number; readonly to: number }[]
  /** The first lives to the end. */
  readonly members: readonly ShareMemberPlan[]
}

export interface ShareMemberPlan {
  readonly name: string
  readonly joinAt: number
  /** It closes its session, or it is never heard of again. */
  readonly end?: { readonly at: number; readonly kind: 'leave' | 'die' }
  /** It stands still with what it holds, and goes on as if nothing had happened. */
  readonly pauses: readonly { readonly at: number; readonly ms: number }[]
  readonly recordsMax: number
  readonly strict: boolean
  readonly thinkMs: number
  /** Of what it does with records; else it accepts them. */
  readonly chances: {
    readonly release: number
    readonly reject: number
    readonly renew: number
    readonly forget: number
  }
}

/** One member's acquisitions until the healing, about: more show nothing new. */
const LOOKS_MAX = 200

export function drawShareTuning(rng: Rng): ShareTuning {
  return {
    lockMs: Math.round(rng.spread(500, 30_000)),
    deliveriesMax: rng.pick([2, 3, 5, 50]),
    inFlightMax: rng.pick([1, 2, 5, 100]),
  }
}

export function drawShare(rng: Rng, topics: readonly number[], gateways: number, healMs: number): SharePlan {
  const steady = rng.chance(0.3)
  const spans = Array.from({ length: steady ? 0 : rng.pick([0, 1, 2]) }, () => {
    const from = rng.fraction() * healMs
    return { from, to: Math.min(healMs, from + rng.spread(1_000, healMs)) }
  })
  const changes = Array.from({ length: steady ? 0 : rng.pick([1, 2, 4]) }, () => ({
    at: rng.fraction() * healMs,
    gateway: rng.below(gateways),
  }))
  return {
    name: 'shares',
    topic: rng.below(topics.length),
    preferences: [{ at: 0, gateway: rng.below(gateways) }, ...changes.sort((a, b) => a.at - b.at)],
    disagreements: spans,
    members: Array.from({ length: rng.pick([1, 2, 2, 3, 4]) }, (_, i) => drawMember(rng, i, healMs)),
  }
}

function drawMember(rng: Rng, place: number, healMs: number): ShareMemberPlan {
  const joinAt = rng.chance(0.5) ? 0 : rng.fraction() * healMs
  const end = { at: joinAt + rng.fraction() * (healMs - joinAt), kind: rng.pick(['leave', 'die'] as const) }
  const chance = () => rng.pick([0, 0, 0.1, 0.4])
  return {
    name: `s${place}`,
    joinAt,
    ...(place > 0 && rng.chance(0.4) && { end }),
    pauses: Array.from({ length: rng.pick([0, 0, 1, 2]) }, () => ({
      at: rng.fraction() * healMs,
      ms: rng.spread(100, 60_000),
    })),
    recordsMax: rng.pick([1, 2, 5, 100]),
    strict: rng.chance(0.5),
    thinkMs: rng.spread(Math.max(5, healMs / LOOKS_MAX), Math.max(10, healMs / 20)),
    chances: { release: chance(), reject: chance(), renew: chance(), forget: chance() },
  }
}
