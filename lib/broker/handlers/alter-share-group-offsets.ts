/**
 * AlterShareGroupOffsets, version 0 (KIP-932): an empty share group, or a new one, begins from the offsets given.
 *
 * Departures from Apache Kafka: none known.
 */
import {
  AlterShareGroupOffsets,
  type AlterShareGroupOffsetsRequest,
  type AlterShareGroupOffsetsResponse,
  type Message,
  type MessageInput,
  zeroUuid,
} from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { unknownPartition } from '../kafka-texts.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type TopicAsked = Message<typeof AlterShareGroupOffsetsRequest>['topics'][number]
type TopicAnswer = MessageInput<typeof AlterShareGroupOffsetsResponse>['responses'][number]

export const alterShareGroupOffsets = handler(AlterShareGroupOffsets, {
  async handle({ groupId, topics }, context) {
    try {
      checkCoordinates(groupId, context)
      await context.shares.ensureEmpty(groupId)
      const responses = await Promise.all(topics.map(topic => alterTopic(groupId, topic, context)))
      return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, responses }
    } catch (error) {
      const errorCode = errorCodeOf(error, context.logger)
      return { throttleTimeMs: 0, errorCode, errorMessage: errorMessageOf(error), responses: [] }
    }
  },
})

async function alterTopic(
  groupId: string,
  { topicName, partitions }: TopicAsked,
  context: RequestContext,
): Promise<TopicAnswer> {
  const topic = await lookUpTopic({ name: topicName }, context)
  const alter = async ({ partitionIndex, startOffset }: TopicAsked['partitions'][number]) => {
    if (typeof topic === 'number' || partitionIndex < 0 || partitionIndex >= topic.partitions) {
      return {
        partitionIndex,
        errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
        errorMessage: unknownPartition,
      }
    }
    if (startOffset < 0) {
      return { partitionIndex, errorCode: errorCodes.INVALID_REQUEST, errorMessage: `${startOffset} is no offset.` }
    }
    try {
      await context.shares.setStart(groupId, { topic, partition: partitionIndex }, startOffset)
      return { partitionIndex, errorCode: 0, errorMessage: null }
    } catch (error) {
      return { partitionIndex, errorCode: errorCodeOf(error, context.logger), errorMessage: errorMessageOf(error) }
    }
  }
  const topicId = typeof topic === 'number' ? zeroUuid : topic.id
  return { topicName, topicId, partitions: await Promise.all(partitions.map(alter)) }
}
