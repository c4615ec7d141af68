/**
 * StreamsGroupDescribe, versions 0 and 1 (KIP-1071): the topology, and members with the tasks that they have and are to have; from
 * version 1 on the description of the topology too (KIP-1331), where a member has sent it.
 *
 * Departures from Apache Kafka: offsets of tasks are not kept, so none are told.
 */
import type { StreamsGroupDescription, StreamsMember, Tasks } from '../../groups/index.ts'
import {
  type MessageInput,
  StreamsGroupDescribe,
  type StreamsGroupDescribeResponse,
  StreamsGroupTopologyDescriptionUpdateRequest,
} from '../../protocol/index.ts'
import { operationsNotAsked } from '../authorized-operations.ts'
import { describeGroups } from '../group-descriptions.ts'
import { handler } from '../handler.ts'

type Answer = MessageInput<typeof StreamsGroupDescribeResponse>['groups'][number]

/** KIP-1331. */
const descriptionStatus = { notRequested: 0, notStored: 1, available: 3 } as const

export const streamsGroupDescribe = handler(StreamsGroupDescribe, {
  async handle(request, context) {
    const groups = await describeGroups<Answer>(request, context, {
      describe: async groupId => {
        const group = await context.groups.describeStreamsGroup(groupId)
        return { ...answerOf(group), ...(request.includeTopologyDescription && descriptionOf(group)) }
      },
      refused: group => ({ ...group, topology: null }),
    })
    return { throttleTimeMs: 0, groups }
  },
})

function answerOf(group: StreamsGroupDescription): Answer {
  return {
    errorCode: 0,
    errorMessage: null,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.epoch,
    topology:
      group.topologyEpoch === undefined
        ? null
        : { epoch: group.topologyEpoch, subtopologies: group.subtopologies.map(subtopologyOf) },
    members: group.members.map(memberOf),
    authorizedOperations: operationsNotAsked,
    topologyDescriptionStatus: descriptionStatus.notRequested,
    assignorName: 'sticky',
  }
}

function subtopologyOf(each: StreamsGroupDescription['subtopologies'][number]) {
  const topicInfo = (partitions: number) => (topic: (typeof each.changelogTopics)[number]) => ({
    name: topic.name,
    partitions: topic.partitions || partitions,
    replicationFactor: topic.replicationFactor,
    topicConfigs: topic.configs,
  })
  return {
    subtopologyId: each.id,
    sourceTopics: each.sourceTopics,
    repartitionSinkTopics: each.repartitionSinkTopics,
    stateChangelogTopics: each.changelogTopics.map(topicInfo(each.tasks)),
    repartitionSourceTopics: each.repartitionSourceTopics.map(topicInfo(each.tasks)),
  }
}

function memberOf(member: StreamsMember): Answer['members'][number] {
  return {
    memberId: member.id,
    memberEpoch: member.epoch,
    instanceId: member.instanceId ?? null,
    rackId: member.rackId ?? null,
    clientId: member.clientId,
    clientHost: member.clientHost,
    topologyEpoch: member.topologyEpoch,
    processId: member.processId,
    userEndpoint: member.endpoint ?? null,
    clientTags: member.tags,
    taskOffsets: [],
    taskEndOffsets: [],
    assignment: tasksOf(member.assigned),
    targetAssignment: tasksOf(member.target),
    isClassic: false,
  }
}

function tasksOf({ active, standby, warmup }: Tasks) {
  const ids = (tasks: Tasks['active']) =>
    [...tasks].map(([subtopologyId, partitions]) => ({ subtopologyId, partitions }))
  return { activeTasks: ids(active), standbyTasks: ids(standby), warmupTasks: ids(warmup) }
}

/** As the member sent it: kept as the request that it came in. */
function descriptionOf({ description, topologyEpoch }: StreamsGroupDescription): Partial<Answer> {
  if (!description || description.epoch !== topologyEpoch) {
    return { topologyDescriptionStatus: descriptionStatus.notStored, topologyDescription: null }
  }
  const { topologyDescription } = StreamsGroupTopologyDescriptionUpdateRequest.decode(description.bytes, 0)
  return { topologyDescriptionStatus: descriptionStatus.available, topologyDescription }
}
