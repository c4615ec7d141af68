/**
 * OffsetCommit, versions 2 to 10; topics by name up to 9, by id from 10 on. Any gateway takes commits for any group: the
 * stored documents decide. Each block of 16 partitions is stored at once.
 *
 * Departures from Apache Kafka: `retentionTimeMs` (versions 2 to 4) is not looked at; an empty group id is refused with
 * INVALID_GROUP_ID.
 */
import type { CommitResult, NewOffset } from '../../groups/index.ts'
import type { Topic } from '../../log/index.ts'
import { type Message, OffsetCommit, type OffsetCommitRequest } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type Request = Message<typeof OffsetCommitRequest>
type Asked = Request['topics'][number]['partitions'][number]

/** From here on a generation may be the epoch of a member (KIP-848). */
const memberEpochVersion = 9
const topicIdVersion = 10

export const offsetCommit = handler(OffsetCommit, {
  async handle(request, context) {
    const byId = context.apiVersion >= topicIdVersion
    const found = await Promise.all(
      request.topics.map(({ name, topicId }) => lookUpTopic(byId ? { id: topicId } : { name }, context)),
    )
    const offsets = request.topics.flatMap(({ partitions }, index) => {
      const topic = found[index]!
      if (typeof topic === 'number') return []
      return partitions.filter(asked => isPartition(topic, asked)).map(asked => newOffset(topic, asked))
    })
    const codes = (await commit(request, offsets, context)).values()
    return {
      topics: request.topics.map(({ name, topicId, partitions }, index) => ({
        name,
        topicId,
        partitions: partitions.map(asked => ({
          partitionIndex: asked.partitionIndex,
          errorCode: refusalOf(found[index]!, asked) ?? codes.next().value!,
        })),
      })),
    }
  },
})

function refusalOf(topic: Topic | number, asked: Asked): number | undefined {
  if (typeof topic === 'number') return topic
  return isPartition(topic, asked) ? undefined : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}

function isPartition(topic: Topic, { partitionIndex }: Asked): boolean {
  return partitionIndex >= 0 && partitionIndex < topic.partitions
}

function newOffset(topic: Topic, asked: Asked): NewOffset {
  return {
    topicId: topic.id,
    partition: asked.partitionIndex,
    offset: asked.committedOffset,
    leaderEpoch: asked.committedLeaderEpoch,
    metadata: asked.committedMetadata ?? '',
  }
}

/** Error codes in the order of `offsets`. */
async function commit(request: Request, offsets: readonly NewOffset[], context: RequestContext): Promise<number[]> {
  if (offsets.length === 0) return []
  try {
    const results = await context.groups.commitOffsets({
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId ?? undefined,
      generation: request.generationIdOrMemberEpoch,
      offsets,
      knowsNoEpochs: context.apiVersion < memberEpochVersion,
    })
    return results.map(({ error }) => codeOf(error, context.apiVersion))
  } catch (error) {
    return offsets.map(() => errorCodeOf(error, context.logger))
  }
}

function codeOf(error: CommitResult['error'], apiVersion: number): number {
  if (error === undefined) return 0
  return errorCodes[error === 'GROUP_ID_NOT_FOUND' && apiVersion < memberEpochVersion ? 'ILLEGAL_GENERATION' : error]
}
