/**
 * DescribeTopicPartitions, version 0 (KIP-966): topics in the order of their names, so many partitions at a time; a cursor
 * says where the next answer begins. No topics: all.
 *
 * Departures from Apache Kafka: a partition's replicas are the gateway that is preferred for it and one of each other zone, and
 * any gateway can stand in for them; the leader epoch is always 0.
 */
import type { Topic } from '../../log/index.ts'
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
  type Message,
  type MessageInput,
} from '../../protocol/index.ts'
import { operationsNotAsked, topicOperations } from '../authorized-operations.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { replicasOf } from '../partition-replicas.ts'
import { leaderEpoch } from '../topic-lookup.ts'

type Request = Message<typeof DescribeTopicPartitionsRequest>
type TopicAnswer = MessageInput<typeof DescribeTopicPartitionsResponse>['topics'][number]

/** `max.request.partition.size.limit` of Kafka. */
const partitionsMax = 2_000

export const describeTopicPartitions = handler(DescribeTopicPartitions, {
  async handle(request, context) {
    if (!isCursor(request)) {
      const topics = request.topics.map(({ name }) => refuse(name, errorCodes.INVALID_REQUEST, operationsNotAsked))
      return { throttleTimeMs: 0, topics, nextCursor: null }
    }
    return { throttleTimeMs: 0, ...(await describe(request, context)) }
  },
})

/** A cursor names a partition of one of the topics that are asked for. */
function isCursor({ cursor, topics }: Request): boolean {
  if (cursor === null) return true
  const isAsked = topics.length === 0 || topics.some(({ name }) => name === cursor.topicName)
  return isAsked && cursor.partitionIndex >= 0
}

async function describe({ topics: asked, cursor, responsePartitionLimit }: Request, broker: Broker) {
  const limit = Math.min(Math.max(responsePartitionLimit, 1), partitionsMax)
  const found =
    asked.length === 0 ? await all(broker) : await named([...new Set(asked.map(({ name }) => name))], broker)
  const refused: TopicAnswer[] = []
  const described: TopicAnswer[] = []
  let left = limit
  for (const [name, topic] of found) {
    if (cursor !== null && name < cursor.topicName) continue
    if (typeof topic === 'number') {
      refused.push(refuse(name, topic, topicOperations))
      continue
    }
    const from = cursor?.topicName === name ? cursor.partitionIndex : 0
    if (left === 0) return { topics: [...refused, ...described], nextCursor: { topicName: name, partitionIndex: 0 } }
    const to = Math.min(topic.partitions, from + left)
    described.push(answerOf(topic, from, to, broker))
    left -= Math.max(to - from, 0)
    if (to < topic.partitions) {
      return { topics: [...refused, ...described], nextCursor: { topicName: name, partitionIndex: to } }
    }
  }
  return { topics: [...refused, ...described], nextCursor: null }
}

async function all({ log }: Broker): Promise<[string, Topic | number][]> {
  return (await log.topics.list()).map(topic => [topic.name, topic])
}

/** By name, each with its topic or with why there is none. */
async function named(names: readonly string[], { log, logger }: Broker): Promise<[string, Topic | number][]> {
  return Promise.all(
    names.toSorted().map(async (name): Promise<[string, Topic | number]> => {
      try {
        const topic = await log.topics.find({ name })
        if (!topic) await log.topics.validate({ name, partitions: 1 })
        return [name, topic ?? errorCodes.UNKNOWN_TOPIC_OR_PARTITION]
      } catch (error) {
        return [name, errorCodeOf(error, logger)]
      }
    }),
  )
}

function answerOf(topic: Topic, from: number, to: number, { cluster }: Broker): TopicAnswer {
  const indexes = Array.from({ length: Math.max(to - from, 0) }, (_, position) => from + position)
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: indexes.map(partitionIndex => {
      const nodes = replicasOf(topic, partitionIndex, cluster).map(({ nodeId }) => nodeId)
      return {
        errorCode: 0,
        partitionIndex,
        leaderId: nodes[0]!,
        leaderEpoch,
        replicaNodes: nodes,
        isrNodes: nodes,
        eligibleLeaderReplicas: [],
        lastKnownElr: [],
        offlineReplicas: [],
      }
    }),
    topicAuthorizedOperations: topicOperations,
  }
}

function refuse(name: string, errorCode: number, operations: number): TopicAnswer {
  return {
    errorCode,
    name,
    topicId: '0'.repeat(32),
    isInternal: false,
    partitions: [],
    topicAuthorizedOperations: operations,
  }
}
