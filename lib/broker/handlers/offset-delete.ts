/**
 * OffsetDelete, version 0 (KIP-496). Offsets of topics that the group is subscribed to stay.
 *
 * Departures from Apache Kafka: none known.
 */
import type { Topic } from '../../log/index.ts'
import { type Message, OffsetDelete, type OffsetDeleteRequest } from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type Request = Message<typeof OffsetDeleteRequest>

export const offsetDelete = handler(OffsetDelete, {
  async handle(request, context) {
    const found = await Promise.all(request.topics.map(({ name }) => lookUpTopic({ name }, context)))
    try {
      checkCoordinates(request.groupId, context)
      const codes = (await deleteOffsets(request, found, context)).values()
      const topics = request.topics.map((asked, index) => ({
        name: asked.name,
        partitions: asked.partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: refusalOf(found[index]!, partitionIndex) ?? codes.next().value!,
        })),
      }))
      return { errorCode: 0, throttleTimeMs: 0, topics }
    } catch (error) {
      return { errorCode: errorCodeOf(error, context.logger), throttleTimeMs: 0, topics: [] }
    }
  },
})

/** Error codes of the partitions that exist, in order. */
async function deleteOffsets(
  { groupId, topics }: Request,
  found: readonly (Topic | number)[],
  { groups }: RequestContext,
): Promise<number[]> {
  const asked = topics.flatMap((topic, index) => {
    const existing = found[index]!
    if (typeof existing === 'number') return []
    const indexes = topic.partitions.map(({ partitionIndex }) => partitionIndex)
    const partitions = indexes.filter(partition => refusalOf(existing, partition) === undefined)
    return [{ id: existing.id, name: topic.name, partitions }]
  })
  const results = await groups.deleteOffsets({ groupId, topics: asked })
  return results.map(({ error }) => (error ? errorCodes[error] : 0))
}

function refusalOf(topic: Topic | number, partition: number): number | undefined {
  if (typeof topic === 'number') return topic
  return partition >= 0 && partition < topic.partitions ? undefined : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}
