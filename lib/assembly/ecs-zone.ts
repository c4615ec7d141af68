/** The availability zone of a task on ECS, as its metadata endpoint tells it (task metadata endpoint version 4; Fargate since 1.4). */
import type { Logger } from '../base/index.ts'

const ANSWER_MS = 2_000

/** Null, with a warning, where it cannot be had: a gateway of no zone serves all the same. */
export async function zoneOfTask(metadataUri: string, logger: Logger): Promise<string | null> {
  try {
    const answer = await fetch(`${metadataUri}/task`, { signal: AbortSignal.timeout(ANSWER_MS) })
    if (!answer.ok) throw new Error(`it answered ${answer.status}`)
    const { AvailabilityZone: zone } = (await answer.json()) as { readonly AvailabilityZone?: unknown }
    if (typeof zone !== 'string' || zone === '') throw new Error('it names no AvailabilityZone')
    return zone
  } catch (error) {
    logger.warn('zone unknown: clients are not sent to the gateway nearest to them', {
      metadataUri,
      error: error instanceof Error ? error.message : String(error),
    })
    return null
  }
}
