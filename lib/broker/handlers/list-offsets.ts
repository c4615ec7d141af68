/**
 * ListOffsets, versions 1 to 11: the offset at a timestamp, or at one of the places that negative timestamps name.
 *
 * Departures from Apache Kafka: none known; there are no tiers, so earliest-local is the earliest offset, and
 * latest-tiered and earliest-pending-upload have none, as in a Kafka without tiered storage.
 */
import type { Isolation, OffsetSpec } from '../../log/index.ts'
import {
  ListOffsets,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  type Message,
  type MessageInput,
} from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { leaderEpoch, leaderEpochError, lookUpTopic } from '../topic-lookup.ts'

type TopicAsked = Message<typeof ListOffsetsRequest>['topics'][number]
type PartitionAsked = TopicAsked['partitions'][number]
type PartitionAnswer = MessageInput<typeof ListOffsetsResponse>['topics'][number]['partitions'][number]

/** Negative timestamps: what they mean, and since which version. `nowhere`: a place that Varve does not have. */
const places: ReadonlyMap<
  number,
  { readonly since: number; readonly at: 'latest' | 'earliest' | 'max-timestamp' | 'nowhere' }
> = new Map([
  [-1, { since: 1, at: 'latest' }],
  [-2, { since: 1, at: 'earliest' }],
  [-3, { since: 7, at: 'max-timestamp' }],
  [-4, { since: 8, at: 'earliest' }],
  [-5, { since: 9, at: 'nowhere' }],
  [-6, { since: 11, at: 'nowhere' }],
])

export const listOffsets = handler(ListOffsets, {
  async handle(request, context) {
    const isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
    const repeated = repeatedPartitions(request.topics)
    return {
      topics: await Promise.all(
        request.topics.map(async topic => ({
          name: topic.name,
          partitions: await Promise.all(
            topic.partitions
              .filter(isFirst)
              .map(partition =>
                repeated.has(`${topic.name}/${partition.partitionIndex}`)
                  ? refuse(partition, errorCodes.INVALID_REQUEST)
                  : answerPartition(topic.name, partition, isolation, context),
              ),
          ),
        })),
      ),
    }
  },
})

async function answerPartition(
  name: string,
  asked: PartitionAsked,
  isolation: Isolation,
  context: RequestContext,
): Promise<PartitionAnswer> {
  const { partitionIndex: partition, timestamp } = asked
  const place = places.get(timestamp)
  if (timestamp < 0 && (!place || place.since > context.apiVersion))
    return refuse(asked, errorCodes.UNSUPPORTED_VERSION)
  const topic = await lookUpTopic({ name }, context)
  if (typeof topic === 'number') return refuse(asked, topic)
  const epochError = leaderEpochError(asked.currentLeaderEpoch)
  if (epochError !== 0) return refuse(asked, epochError)
  try {
    const spec = specOf(timestamp, isolation)
    const found = spec ? await context.log.findOffset(topic, partition, spec) : { offset: -1, timestamp: -1 }
    return {
      partitionIndex: partition,
      errorCode: 0,
      timestamp: found.timestamp,
      offset: found.offset,
      leaderEpoch: found.offset < 0 ? -1 : leaderEpoch,
    }
  } catch (error) {
    return refuse(asked, errorCodeOf(error, context.logger))
  }
}

/** Undefined: a place that Varve does not have. */
function specOf(timestamp: number, isolation: Isolation): OffsetSpec | undefined {
  const at = places.get(timestamp)?.at
  if (at === 'nowhere') return undefined
  if (at === 'latest') return { at, isolation }
  return at ? { at } : { at: 'timestamp', timestamp }
}

function refuse({ partitionIndex }: PartitionAsked, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }
}

/** A partition that is named twice is answered once. */
function isFirst({ partitionIndex }: PartitionAsked, position: number, all: readonly PartitionAsked[]): boolean {
  return all.findIndex(other => other.partitionIndex === partitionIndex) === position
}

function repeatedPartitions(topics: readonly TopicAsked[]): Set<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}/${partitionIndex}`
      if (seen.has(key)) repeated.add(key)
      seen.add(key)
    }
  }
  return repeated
}
