/**
 * ConsumerGroupDescribe, versions 0 and 1 (KIP-848): members with their subscriptions, what they have and what they are to
 * have. A group that is not a consumer group is refused with GROUP_ID_NOT_FOUND.
 *
 * Departures from Apache Kafka: none known.
 */
import { type Assignment, type ConsumerGroupDescription, GroupError } from '../../groups/index.ts'
import { ConsumerGroupDescribe, type ConsumerGroupDescribeResponse, type MessageInput } from '../../protocol/index.ts'
import { groupOperations, operationsNotAsked } from '../authorized-operations.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Answer = MessageInput<typeof ConsumerGroupDescribeResponse>['groups'][number]

const memberTypes = { classic: 0, consumer: 1 } as const

export const consumerGroupDescribe = handler(ConsumerGroupDescribe, {
  async handle({ groupIds, includeAuthorizedOperations }, context) {
    const authorizedOperations = includeAuthorizedOperations ? groupOperations : operationsNotAsked
    const answers = [...new Set(groupIds)].map(async groupId => {
      const answer = await describeGroup(groupId, context)
      return answer.errorCode === 0 ? { ...answer, authorizedOperations } : answer
    })
    return { throttleTimeMs: 0, groups: await Promise.all(answers) }
  },
})

async function describeGroup(groupId: string, context: RequestContext): Promise<Answer> {
  try {
    checkCoordinates(groupId, context)
    if (groupId === '') throw new GroupError('INVALID_GROUP_ID', "GroupId can't be empty.")
    return answerOf(await context.groups.describeConsumerGroup(groupId))
  } catch (error) {
    return {
      errorCode: errorCodeOf(error, context.logger),
      errorMessage: errorMessageOf(error),
      groupId,
      groupState: '',
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignorName: '',
      members: [],
      authorizedOperations: operationsNotAsked,
    }
  }
}

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
