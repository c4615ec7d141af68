/**
 * Whom a partition takes at any sequence though it knows nothing of him. A producer that is new begins at 0, or his second batch could be
 * taken before the retry of his first; but one that is not new to others numbers his batches on:
 * - who was silent for so long that the partition may have forgotten him: his id says how old it is;
 * - who may have sent to a topic that was deleted, and in whose place this one was made. The topic keeps the number at which the counter of
 *   producer ids stood then; no clock has a part in it. A process that knows the topic gives out higher ones only.
 *
 * Of whom this is true, the guards are no more than what this process remembers (append/recent-failures.ts).
 */
import type { Topic } from '../contract.ts'
import { mayBeForgotten } from './producer-id-age.ts'

/** `time`: ms since 1970. */
export function mayHaveBegun(producerId: number, { replaces }: Pick<Topic, 'replaces'>, time: number): boolean {
  return mayBeForgotten(producerId, time) || (replaces !== undefined && producerId < replaces.nextProducerId)
}
