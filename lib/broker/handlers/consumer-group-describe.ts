/**
 * ConsumerGroupDescribe, versions 0 and 1 (KIP-848): members with their subscriptions, what they have and what they are to
 * have. A group that is not a consumer group is refused with GROUP_ID_NOT_FOUND.
 *
 * Departures from Apache Kafka: none known.
 */
import type { Assignment, ConsumerGroupDescription } from '../../groups/index.ts'
import { ConsumerGroupDescribe, type ConsumerGroupDescribeResponse, type MessageInput } from '../../protocol/index.ts'
import { operationsNotAsked } from '../authorized-operations.ts'
import { describeGroups } from '../group-descriptions.ts'
import { handler } from '../handler.ts'

type Answer = MessageInput<typeof ConsumerGroupDescribeResponse>['groups'][number]

const memberTypes = { classic: 0, consumer: 1 } as const

export const consumerGroupDescribe = handler(ConsumerGroupDescribe, {
  async handle(request, context) {
    const groups = await describeGroups<Answer>(request, context, {
      describe: async groupId => answerOf(await context.groups.describeConsumerGroup(groupId)),
      refused: group => ({ ...group, assignorName: '' }),
    })
    return { throttleTimeMs: 0, groups }
  },
})

function answerOf({ topicNames, ...group }: ConsumerGroupDescription): Answer {
  return {
    errorCode: 0,
    errorMessage: null,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.assignor,
    members: group.members.map(member => ({
      memberId: member.memberId,
      instanceId: member.instanceId ?? null,
      rackId: member.rackId ?? null,
      memberEpoch: member.epoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.topicNames,
      subscribedTopicRegex: member.regex ?? '',
      assignment: { topicPartitions: topicPartitionsOf(member.assignment, topicNames) },
      targetAssignment: { topicPartitions: topicPartitionsOf(member.target, topicNames) },
      memberType: memberTypes[member.protocol],
    })),
    authorizedOperations: operationsNotAsked,
  }
}

/** Topics that are gone are left out. */
function topicPartitionsOf(assignment: Assignment, names: ReadonlyMap<string, string>) {
  return [...assignment].flatMap(([topicId, partitions]) => {
    const topicName = names.get(topicId)
    return topicName === undefined ? [] : [{ topicId, topicName, partitions }]
  })
}
