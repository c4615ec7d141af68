/**
 * DeleteTopics, versions 1 to 6: by name, from version 6 on by name or by id. Each topic succeeds or fails for itself.
 *
 * Departures from Apache Kafka: `timeoutMs` is not looked at.
 */
import {
  DeleteTopics,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
  type Message,
  type MessageInput,
  zeroUuid,
} from '../../protocol/index.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { unknownId, unknownPartition } from '../kafka-texts.ts'
import { findRepeated } from '../repeated.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type Asked = Message<typeof DeleteTopicsRequest>['topics'][number]
type Answer = MessageInput<typeof DeleteTopicsResponse>['responses'][number]

export const deleteTopics = handler(DeleteTopics, {
  async handle(request, context) {
    const asked = [...request.topics, ...request.topicNames.map(name => ({ name, topicId: zeroUuid }))]
    const repeated = findRepeated(asked, keyOf)
    const once = asked.filter(topic => !repeated.has(keyOf(topic)))
    const twice = asked.filter(
      (topic, index) => repeated.has(keyOf(topic)) && asked.findIndex(other => keyOf(other) === keyOf(topic)) === index,
    )
    return {
      throttleTimeMs: 0,
      responses: [
        ...twice.map(topic =>
          refuse(
            topic,
            errorCodes.INVALID_REQUEST,
            topic.name === null ? 'Duplicate topic id.' : 'Duplicate topic name.',
          ),
        ),
        ...(await Promise.all(once.map(topic => deleteTopic(topic, context)))),
      ],
    }
  },
})

async function deleteTopic(asked: Asked, broker: Broker): Promise<Answer> {
  const { name, topicId } = asked
  if (name === null && topicId === zeroUuid)
    return refuse(asked, errorCodes.INVALID_REQUEST, 'Neither topic name nor id were specified.')
  if (name !== null && topicId !== zeroUuid)
    return refuse(asked, errorCodes.INVALID_REQUEST, 'You may not specify both topic name and topic id.')
  const topic = await lookUpTopic(name === null ? { id: topicId } : { name }, broker)
  if (typeof topic === 'number') return refuse(asked, topic, name === null ? unknownId : unknownPartition)
  try {
    await broker.log.topics.delete(topic.name)
    await removeOffsets(topic.id, broker)
    return { name: topic.name, topicId: topic.id, errorCode: 0 }
  } catch (error) {
    return refuse(asked, errorCodeOf(error, broker.logger), errorMessageOf(error))
  }
}

/** What groups had committed. The topic is gone by now, so a failure here is no answer's business. */
async function removeOffsets(topicId: string, { groups, shares, logger }: Broker): Promise<void> {
  try {
    await groups.removeTopicOffsets(topicId)
    await shares.removeTopic(topicId)
  } catch (error) {
    logger.warn('offsets of a deleted topic not removed', { topicId, error: String(error) })
  }
}

function refuse({ name, topicId }: Asked, errorCode: number, errorMessage: string | null): Answer {
  return { name, topicId, errorCode, errorMessage }
}

function keyOf({ name, topicId }: Asked): string {
  return name ?? topicId
}
