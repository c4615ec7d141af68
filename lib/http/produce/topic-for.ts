import { LogError, type Topic } from '../../log/index.ts'
import type { HttpParts } from '../parts.ts'
import type { Call } from '../route.ts'

/** The topic, made where it is missing and may be made. @throws LogError, HttpError FORBIDDEN */
export async function topicFor(
  { params, demand }: Pick<Call<{ topic: string }, unknown>, 'params' | 'demand'>,
  { log, autoCreateTopics, defaultPartitions }: HttpParts,
): Promise<Topic> {
  const { topics } = log
  const known = await topics.find({ name: params.topic })
  if (known) return known
  if (autoCreateTopics) demand('admin', params.topic)
  try {
    if (autoCreateTopics) return await topics.create({ name: params.topic, partitions: defaultPartitions })
  } catch (error) {
    if (!(error instanceof LogError && error.code === 'TOPIC_EXISTS')) throw error
    // Somebody else made it in between.
    const found = await topics.find({ name: params.topic })
    if (found) return found
  }
  throw new LogError('UNKNOWN_TOPIC', `there is no topic '${params.topic}'`)
}
