/**
 * TxnOffsetCommit, versions 0 to 6; topics by name up to 5, by id in 6. Offsets become committed with their transaction.
 * From version 5 on (KIP-890) the group is added to the transaction by this; before, it must have been. Any gateway takes
 * it for any group: the stored documents decide, the member's generation too (KIP-447, from version 3 on).
 *
 * Departures from Apache Kafka: none known.
 */
import type { NewOffset } from '../../groups/index.ts'
import type { Topic } from '../../log/index.ts'
import { type Message, TxnOffsetCommit, type TxnOffsetCommitRequest } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'
import { admissionCodeOf } from '../transaction-codes.ts'

type Request = Message<typeof TxnOffsetCommitRequest>
type Asked = Request['topics'][number]['partitions'][number]

const secondProtocolVersion = 5
const topicIdVersion = 6
const versions = { abortable: 4, concurrent: secondProtocolVersion, retry: errorCodes.COORDINATOR_NOT_AVAILABLE }

export const txnOffsetCommit = handler(TxnOffsetCommit, {
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
    const codes = (await stage(request, offsets, context)).values()
    return {
      throttleTimeMs: 0,
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

/** Error codes in the order of `offsets`. */
async function stage(request: Request, offsets: readonly NewOffset[], context: RequestContext): Promise<number[]> {
  if (offsets.length === 0) return []
  const { apiVersion, transactions, logger } = context
  try {
    const results = await transactions.stageOffsets({
      transactionalId: request.transactionalId,
      producerId: request.producerId,
      producerEpoch: request.producerEpoch,
      protocol: apiVersion >= secondProtocolVersion ? 2 : 1,
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId ?? undefined,
      generation: request.generationIdOrMemberEpoch,
      offsets,
    })
    return results.map(({ error }) => (error === undefined ? 0 : errorCodes[error]))
  } catch (error) {
    const code = admissionCodeOf(error, apiVersion, versions, logger)
    return offsets.map(() => code)
  }
}

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
