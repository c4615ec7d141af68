/** How a request names a topic: by name, or by id in the versions that have ids. */
import type { Topic } from '../log/index.ts'
import { errorCodeOf, errorCodes } from './errors.ts'
import type { Broker } from './handler.ts'

/** The topic, or the error code for everything that was asked of it. */
export async function lookUpTopic(
  key: { readonly name: string } | { readonly id: string },
  { log, logger }: Broker,
): Promise<Topic | number> {
  try {
    const topic = await log.topics.find(key)
    return topic ?? ('id' in key ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  } catch (error) {
    return errorCodeOf(error, logger)
  }
}

/** There is one epoch, 0: one copy and no leader to change. */
export const leaderEpoch = 0

/** What is wrong with the leader epoch that a client believes in (KIP-320); negative: it has none. */
export function leaderEpochError(currentLeaderEpoch: number): number {
  return currentLeaderEpoch > leaderEpoch ? errorCodes.UNKNOWN_LEADER_EPOCH : 0
}
