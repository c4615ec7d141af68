/**
 * ShareGroupDescribe, version 1 (KIP-932). Each group succeeds or fails for itself.
 *
 * Departures from Apache Kafka: none known.
 */
import { checkGroupId } from '../../groups/index.ts'
import { type MessageInput, ShareGroupDescribe, type ShareGroupDescribeResponse } from '../../protocol/index.ts'
import { groupOperations, operationsNotAsked } from '../authorized-operations.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Answer = MessageInput<typeof ShareGroupDescribeResponse>['groups'][number]

export const shareGroupDescribe = handler(ShareGroupDescribe, {
  async handle({ groupIds, includeAuthorizedOperations }, context) {
    const authorizedOperations = includeAuthorizedOperations ? groupOperations : operationsNotAsked
    const groups = await Promise.all(
      groupIds.map(async groupId => {
        const answer = await describeGroup(groupId, context)
        return answer.errorCode === 0 ? { ...answer, authorizedOperations } : answer
      }),
    )
    return { throttleTimeMs: 0, groups }
  },
})

async function describeGroup(groupId: string, context: RequestContext): Promise<Answer> {
  try {
    checkGroupId(groupId)
    checkCoordinates(groupId, context)
    const { state, epoch, members } = await context.shares.describe(groupId)
    return {
      errorCode: 0,
      errorMessage: null,
      groupId,
      groupState: state,
      groupEpoch: epoch,
      assignmentEpoch: epoch,
      assignorName: 'simple',
      members: members.map(member => ({
        memberId: member.memberId,
        rackId: member.rackId ?? null,
        memberEpoch: member.epoch,
        clientId: member.clientId,
        clientHost: member.clientHost,
        subscribedTopicNames: member.topicNames,
        assignment: { topicPartitions: member.assignment },
      })),
      authorizedOperations: operationsNotAsked,
    }
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
