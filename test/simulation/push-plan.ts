/** The part of a plan that is about a push subscription: its topic's producer, its receiver, and what becomes of it meanwhile. */
import type { ProducerPlan } from './plan.ts'
import type { Rng } from './world/rng.ts'

export interface PushPlan {
  readonly name: string
  readonly partitions: number
  readonly producers: readonly ProducerPlan[]
  readonly recordsMax: number
  readonly windowMs: number
  /** Null: tries for ever, and no record is bad. */
  readonly attemptsMax: number | null
  readonly receiver: ReceiverPlan
  /** From when it is paused, and for how long. */
  readonly pauses: readonly { readonly at: number; readonly ms: number }[]
}

export interface ReceiverPlan {
  /** How often it refuses all of a delivery, takes the first part alone, or takes all and its answer is lost; until the healing. */
  readonly refuseChance: number
  readonly partChance: number
  readonly lostAnswerChance: number
  /** Of every so many records one is never taken; 0: none. */
  readonly badEvery: number
  readonly delayMs: number
}

export function drawPush(rng: Rng, healMs: number): PushPlan {
  const partitions = rng.pick([1, 1, 2])
  const attemptsMax = rng.pick([null, 1, 2, 3])
  const chance = () => rng.pick([0, 0, 0.1, 0.4])
  const producer = (place: number): ProducerPlan => {
    const batches = rng.pick([3, 10, 30])
    return {
      name: `q${place}`,
      idempotent: true,
      topic: 0,
      partition: place % partitions,
      batches,
      recordsMax: rng.pick([1, 3]),
      valueBytesMax: 0,
      inFlight: rng.pick([1, 3]),
      thinkMs: rng.spread(1, Math.max(2, (2 * healMs) / batches)),
      retries: 0,
    }
  }
  return {
    name: 'pushed',
    partitions,
    producers: Array.from({ length: rng.pick([1, 2]) }, (_, place) => producer(place)),
    recordsMax: rng.pick([1, 2, 5, 100]),
    windowMs: rng.pick([0, 0, 1_000]),
    attemptsMax,
    receiver: {
      refuseChance: chance(),
      partChance: chance(),
      lostAnswerChance: chance(),
      badEvery: attemptsMax === null ? 0 : rng.pick([0, 2, 5]),
      delayMs: rng.spread(1, 5_000),
    },
    pauses: Array.from({ length: rng.pick([0, 0, 1]) }, () => ({
      at: rng.fraction() * healMs,
      ms: rng.spread(100, 60_000),
    })),
  }
}
