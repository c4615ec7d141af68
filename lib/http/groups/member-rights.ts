import type { HttpParts } from '../parts.ts'
import type { Call } from '../route.ts'
import type { MemberState } from './group-member.ts'

/**
 * Whoever acts for a member must be allowed to consume all that it is subscribed to and all that it has: the member may
 * have been somebody else's before.
 * @throws HttpError FORBIDDEN
 */
export async function demandAllOf(
  { demand }: Pick<Call<unknown, unknown>, 'demand'>,
  { topics, places }: MemberState,
  { log }: Pick<HttpParts, 'log'>,
): Promise<void> {
  for (const topic of topics) demand('consume', topic)
  for (const id of Object.keys(places)) {
    const topic = await log.topics.find({ id })
    if (topic) demand('consume', topic.name)
  }
}
