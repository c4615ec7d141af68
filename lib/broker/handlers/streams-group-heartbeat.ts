/**
 * StreamsGroupHeartbeat, versions 0 and 1 (KIP-1071): a member of a streams group joins with its topology, keeps alive, says which
 * tasks it has, and leaves. Internal topics that are missing are made before the answer.
 *
 * Departures from Apache Kafka: the heartbeat interval of a group that sets none is 1 s, not 5 s, and 250 ms and some for a
 * member that is on its way to its target; an empty group does not wait for more members; there are no warm-up tasks; a newer
 * topology is taken at once; a member gives up tasks only after it was told less; epochs are counted from 1, not from 2.
 */
import {
  type Assignment,
  assignmentOf,
  GroupError,
  type StreamsEndpoint,
  type StreamsHeartbeat,
  type StreamsHeartbeatAnswer,
  type StreamsStatus,
  type StreamsTopology,
} from '../../groups/index.ts'
import {
  type Message,
  type MessageInput,
  StreamsGroupHeartbeat,
  type StreamsGroupHeartbeatRequest,
  type StreamsGroupHeartbeatResponse,
} from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Request = Message<typeof StreamsGroupHeartbeatRequest>
type Answer = MessageInput<typeof StreamsGroupHeartbeatResponse>
type TaskIds = NonNullable<Request['activeTasks']>

const statusCodes: Readonly<Record<StreamsStatus['status'], number>> = {
  STALE_TOPOLOGY: 0,
  MISSING_SOURCE_TOPICS: 1,
  INCORRECTLY_PARTITIONED_TOPICS: 2,
  MISSING_INTERNAL_TOPICS: 3,
  SHUTDOWN_APPLICATION: 4,
}
const acceptableRecoveryLag = 10_000
const taskOffsetIntervalMs = 60_000

export const streamsGroupHeartbeat = handler(StreamsGroupHeartbeat, {
  async handle(request, context) {
    try {
      checkCoordinates(request.groupId, context)
      if (request.groupId === '') throw new GroupError('INVALID_REQUEST', "GroupId can't be empty.")
      return answerOf(await context.groups.streamsHeartbeat(heartbeatOf(request, context)))
    } catch (error) {
      return {
        throttleTimeMs: 0,
        errorCode: errorCodeOf(error, context.logger),
        errorMessage: errorMessageOf(error),
        memberId: '',
        memberEpoch: 0,
        heartbeatIntervalMs: 0,
        taskOffsetIntervalMs: 0,
        status: [],
        activeTasks: null,
        standbyTasks: null,
        warmupTasks: null,
        endpointInformationEpoch: 0,
        partitionsByUserEndpoint: null,
      }
    }
  },
})

function heartbeatOf(request: Request, { clientId, clientHost }: RequestContext): StreamsHeartbeat {
  const { activeTasks, standbyTasks, warmupTasks } = request
  return {
    groupId: request.groupId,
    memberId: request.memberId,
    instanceId: request.instanceId ?? undefined,
    epoch: request.memberEpoch,
    endpointEpoch: request.endpointInformationEpoch,
    clientId: clientId ?? '',
    clientHost,
    rackId: request.rackId ?? undefined,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? undefined : request.rebalanceTimeoutMs,
    topology: request.topology ? topologyOf(request.topology) : undefined,
    owned:
      activeTasks && standbyTasks && warmupTasks
        ? { active: tasksOf(activeTasks), standby: tasksOf(standbyTasks), warmup: tasksOf(warmupTasks) }
        : undefined,
    processId: request.processId ?? undefined,
    endpoint: request.userEndpoint ?? undefined,
    tags: request.clientTags ?? undefined,
    shutsDown: request.shutdownApplication,
  }
}

function topologyOf({ epoch, subtopologies }: NonNullable<Request['topology']>): StreamsTopology {
  return {
    epoch,
    subtopologies: subtopologies.map(each => ({
      id: each.subtopologyId,
      sourceTopics: each.sourceTopics,
      sourceRegexes: each.sourceTopicRegex,
      changelogTopics: each.stateChangelogTopics.map(internalTopicOf),
      repartitionSinkTopics: each.repartitionSinkTopics,
      repartitionSourceTopics: each.repartitionSourceTopics.map(internalTopicOf),
      copartitionGroups: each.copartitionGroups.map(group => ({
        sourceTopics: group.sourceTopics,
        sourceRegexes: group.sourceTopicRegex,
        repartitionSourceTopics: group.repartitionSourceTopics,
      })),
    })),
  }
}

type TopicInfo = NonNullable<Request['topology']>['subtopologies'][number]['stateChangelogTopics'][number]

function internalTopicOf({ name, partitions, replicationFactor, topicConfigs }: TopicInfo) {
  return { name, partitions, replicationFactor, configs: topicConfigs }
}

function tasksOf(tasks: TaskIds): Assignment {
  return assignmentOf(tasks.map(({ subtopologyId, partitions }) => [subtopologyId, partitions]))
}

function answerOf({ tasks, endpoints, ...answer }: StreamsHeartbeatAnswer): Answer {
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    errorMessage: null,
    memberId: answer.memberId,
    memberEpoch: answer.epoch,
    heartbeatIntervalMs: answer.heartbeatIntervalMs,
    // Who has left has no more to tell.
    ...(answer.epoch < 0 ? { taskOffsetIntervalMs: 0 } : { acceptableRecoveryLag, taskOffsetIntervalMs }),
    status: answer.status.map(({ status, detail }) => ({ statusCode: statusCodes[status], statusDetail: detail })),
    activeTasks: tasks ? taskIdsOf(tasks.active) : null,
    standbyTasks: tasks ? taskIdsOf(tasks.standby) : null,
    warmupTasks: tasks ? taskIdsOf(tasks.warmup) : null,
    topologyDescriptionRequired: answer.descriptionRequired,
    endpointInformationEpoch: answer.epoch < 0 ? 0 : answer.endpointEpoch,
    partitionsByUserEndpoint: endpoints ? endpoints.map(partitionsOf) : null,
  }
}

function taskIdsOf(tasks: Assignment) {
  return [...tasks].map(([subtopologyId, partitions]) => ({ subtopologyId, partitions }))
}

function partitionsOf({ host, port, active, standby }: StreamsEndpoint) {
  const byTopic = (topics: StreamsEndpoint['active']) =>
    [...topics].map(([topic, partitions]) => ({ topic, partitions }))
  return { userEndpoint: { host, port }, activePartitions: byTopic(active), standbyPartitions: byTopic(standby) }
}
