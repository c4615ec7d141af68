/**
 * A group in haste, and gateways that stand still with what they have read: members come and go all the time, look and
 * commit whenever they can, and gateways that do not coordinate freeze just when they have work. What it is after:
 *
 *   1. M, of generation g, commits through gateway A, which reads the group, finds M in it, and stands still.
 *   2. M is put out or joins again; in generation g+1 N owns the partition, reads the committed offset, and commits
 *      through another gateway (on A it would wait in M's lane).
 *   3. A goes on and writes M's commit.
 *
 * If A had read the item of offsets before the group, N has changed it since, and the write fails. If A reads it only now,
 * M's older offset replaces N's: who asks before N commits again is told it (committed-offset-lost), hence `looksFirst`.
 */
import type { GroupPlan, MemberPlan } from './group-plan.ts'
import type { Rng } from './world/rng.ts'

/** Of all members: not much longer than the gateways allow (`sessionTimeoutMinMs`). */
const SESSION_MS = { low: 1_200, high: 3_000 }

const HEAL_MS = { low: 10_000, high: 40_000 }

/** Within the few requests to the stores that a commit takes. */
const STRIKES_AFTER_MS = { low: 0.1, high: 20 }

/** `gateways`: two at least, for the one that coordinates goes on. */
export function drawHaste(rng: Rng, gateways: number) {
  const healMs = rng.spread(HEAL_MS.low, HEAL_MS.high)
  const sessionMs = Math.round(rng.spread(SESSION_MS.low, SESSION_MS.high))
  const coordinator = rng.below(gateways)
  const group: GroupPlan = {
    name: 'group',
    partitions: rng.pick([[0], [0], [0, 1], [0, 16]]),
    coordinators: [{ at: 0, gateway: coordinator }],
    disagreements: [],
    members: drawMembers(rng, sessionMs, healMs),
    calmChange: false,
  }
  const disasters = Array.from({ length: rng.between(2, 8) }, () => ({
    kind: 'freeze' as const,
    at: rng.fraction() * healMs,
    afterRequestMs: rng.spread(STRIKES_AFTER_MS.low, STRIKES_AFTER_MS.high),
    gateway: (coordinator + rng.between(1, gateways - 1)) % gateways,
    ms: rng.spread(sessionMs / 2, 5 * sessionMs),
  }))
  const faults = {
    rates: rng.pick([{}, { 'slow-request': 0.02, 'slow-answer': 0.02 }]),
    storms: [{ from: 0, to: healMs }],
    latency: rng.pick(['calm', 'wild'] as const),
    calmFromMs: healMs,
    without: [],
  }
  return { healMs, groups: [group], disasters, faults }
}

/** Two or more at a time, each with lives one after the other. */
function drawMembers(rng: Rng, sessionMs: number, healMs: number): MemberPlan[] {
  const members: MemberPlan[] = []
  const count = rng.between(2, 3)
  for (let i = 0; i < count; i++) {
    let at = rng.fraction() * sessionMs
    for (let life = 0; at < healMs; life++) {
      const endAt = at + rng.spread(2 * sessionMs, 10 * sessionMs)
      members.push({
        name: `m${i}.${life}`,
        joinAt: at,
        ...(endAt < healMs && { end: { at: endAt, kind: rng.pick(['leave', 'leave', 'die'] as const) } }),
        pauses: [],
        sessionMs,
        rebalanceMs: 2 * sessionMs,
        commitChance: 1,
        twoRounds: false,
        looksFirst: true,
      })
      at = endAt + rng.fraction() * sessionMs
    }
  }
  return members
}
