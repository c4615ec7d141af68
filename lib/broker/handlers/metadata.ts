/**
 * Metadata, versions 0 to 13. Topics by name, from version 12 on by id too; a name that does not exist is created where
 * client and config allow it, and is there in the answer.
 *
 * Departures from Apache Kafka: a partition's replicas are the gateway that is preferred for it and one of each other zone,
 * and any gateway can stand in for them; the leader epoch is always 0; the controller is the gateway that answers, for each can do everything;
 * a topic created on demand is usable at once, where Kafka first answers LEADER_NOT_AVAILABLE; no topic is internal: offsets and
 * transactions are not in topics, so who reads `__consumer_offsets` or `__transaction_state` instead of asking finds nothing.
 */
import { LogError, type Topic } from '../../log/index.ts'
import {
  type Message,
  type MessageInput,
  Metadata,
  type MetadataRequest,
  type MetadataResponse,
  zeroUuid,
} from '../../protocol/index.ts'
import { clusterOperations, operationsNotAsked, topicOperations } from '../authorized-operations.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { type Broker, handler, type RequestContext } from '../handler.ts'
import { replicasOf } from '../partition-replicas.ts'
import { leaderEpoch } from '../topic-lookup.ts'

type Wanted = NonNullable<Message<typeof MetadataRequest>['topics']>[number]
type TopicAnswer = MessageInput<typeof MetadataResponse>['topics'][number]

/** Topic ids and null names are for versions from here on, although the fields are older. */
const topicIdVersion = 12

export const metadata = handler(Metadata, {
  async handle(request, context) {
    const { cluster, apiVersion } = context
    const operations = request.includeTopicAuthorizedOperations ? topicOperations : operationsNotAsked
    const wantsAll = request.topics === null || (apiVersion === 0 && request.topics.length === 0)
    const topics = wantsAll
      ? (await context.log.topics.list()).map(topic => describeTopic(topic, operations, context))
      : await Promise.all(
          (request.topics ?? [])
            .filter(isFirst)
            .map(wanted => answerTopic(wanted, { operations, mayCreate: request.allowAutoTopicCreation }, context)),
        )
    return {
      brokers: cluster.gateways().map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack })),
      clusterId: cluster.clusterId,
      controllerId: cluster.nodeId,
      topics,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : operationsNotAsked,
    }
  },
})

/** A topic that is named twice is answered once. */
function isFirst({ name, topicId }: Wanted, position: number, all: readonly Wanted[]): boolean {
  return all.findIndex(other => other.name === name && other.topicId === topicId) === position
}

async function answerTopic(
  wanted: Wanted,
  options: { readonly operations: number; readonly mayCreate: boolean },
  context: RequestContext,
): Promise<TopicAnswer> {
  const byId = wanted.name === null || wanted.topicId !== zeroUuid
  if (context.apiVersion < topicIdVersion && byId) {
    return refuseTopic(wanted, errorCodes.INVALID_REQUEST)
  }
  try {
    const topic =
      wanted.name === null || byId
        ? await context.log.topics.find({ id: wanted.topicId })
        : await findOrCreate(wanted.name, options.mayCreate, context)
    if (topic) return describeTopic(topic, options.operations, context)
    return refuseTopic(wanted, byId ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  } catch (error) {
    return refuseTopic(wanted, errorCodeOf(error, context.logger))
  }
}

/** @throws LogError INVALID_TOPIC_NAME, also where nothing was to be created */
async function findOrCreate(name: string, mayCreate: boolean, { log, config }: Broker): Promise<Topic | undefined> {
  const topic = await log.topics.find({ name })
  if (topic) return topic
  const newTopic = { name, partitions: config.defaultPartitions }
  try {
    if (mayCreate && config.autoCreateTopics) return await log.topics.create(newTopic)
    await log.topics.validate(newTopic)
    return undefined
  } catch (error) {
    // Somebody else created it in between.
    if (error instanceof LogError && error.code === 'TOPIC_EXISTS') return log.topics.find({ name })
    throw error
  }
}

function describeTopic(topic: Topic, operations: number, { cluster }: Broker): TopicAnswer {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    partitions: Array.from({ length: topic.partitions }, (_, partitionIndex) => {
      const nodes = replicasOf(topic, partitionIndex, cluster).map(({ nodeId }) => nodeId)
      return {
        errorCode: 0,
        partitionIndex,
        leaderId: nodes[0]!,
        leaderEpoch,
        replicaNodes: nodes,
        isrNodes: nodes,
      }
    }),
    topicAuthorizedOperations: operations,
  }
}

function refuseTopic(wanted: Wanted, errorCode: number): TopicAnswer {
  return { errorCode, name: wanted.name, topicId: wanted.topicId, partitions: [] }
}
