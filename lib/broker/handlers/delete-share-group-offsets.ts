/**
 * DeleteShareGroupOffsets, version 0 (KIP-932): an empty share group forgets where it stands in topics.
 *
 * Departures from Apache Kafka: none known.
 */
import {
  DeleteShareGroupOffsets,
  type DeleteShareGroupOffsetsResponse,
  type MessageInput,
  zeroUuid,
} from '../../protocol/index.ts'
import { ShareError } from '../../share/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { unknownPartition } from '../kafka-texts.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type TopicAnswer = MessageInput<typeof DeleteShareGroupOffsetsResponse>['responses'][number]

export const deleteShareGroupOffsets = handler(DeleteShareGroupOffsets, {
  async handle({ groupId, topics }, context) {
    try {
      checkCoordinates(groupId, context)
      const { state } = await context.shares.describe(groupId)
      if (state !== 'Empty') throw new ShareError('NON_EMPTY_GROUP', `Group ${groupId} is not empty.`)
      const responses = await Promise.all(topics.map(({ topicName }) => forgetTopic(groupId, topicName, context)))
      return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, responses }
    } catch (error) {
      const errorCode = errorCodeOf(error, context.logger)
      return { throttleTimeMs: 0, errorCode, errorMessage: errorMessageOf(error), responses: [] }
    }
  },
})

async function forgetTopic(groupId: string, topicName: string, context: RequestContext): Promise<TopicAnswer> {
  const topic = await lookUpTopic({ name: topicName }, context)
  if (typeof topic === 'number') {
    const errorCode = errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return { topicName, topicId: zeroUuid, errorCode, errorMessage: unknownPartition }
  }
  try {
    await context.shares.forgetTopic(groupId, topic.id)
    return { topicName, topicId: topic.id, errorCode: 0, errorMessage: null }
  } catch (error) {
    const errorCode = errorCodeOf(error, context.logger)
    return { topicName, topicId: topic.id, errorCode, errorMessage: errorMessageOf(error) }
  }
}
