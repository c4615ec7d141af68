/**
 * A producer id says in which hour it was given out, so that a partition that knows nothing of a producer can tell one that is new from
 * one that it may have forgotten, and nobody has to remember whom.
 */
import { PRODUCER_EXPIRATION_MS } from './producer-state.ts'

const HOUR_MS = 3_600_000
/** Ids of one hour, for each Idempotency-Key takes one; where more are asked for, those of the next are taken. */
const IDS_PER_HOUR = 2 ** 28

/** The lowest id of the hour that `now` (ms since 1970) is in. */
export function firstProducerIdOf(now: number): number {
  return Math.floor(now / HOUR_MS) * IDS_PER_HOUR
}

/** Ids from before they told the hour are older than any. `time`: ms since 1970. */
export function mayBeForgotten(producerId: number, time: number): boolean {
  const hourBegan = Math.floor(producerId / IDS_PER_HOUR) * HOUR_MS
  return hourBegan + PRODUCER_EXPIRATION_MS <= time
}
