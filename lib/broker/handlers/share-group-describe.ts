/**
 * ShareGroupDescribe, version 1 (KIP-932). Each group succeeds or fails for itself.
 *
 * Departures from Apache Kafka: none known.
 */
import { type MessageInput, ShareGroupDescribe, type ShareGroupDescribeResponse } from '../../protocol/index.ts'
import type { ShareGroupDescription } from '../../share/index.ts'
import { operationsNotAsked } from '../authorized-operations.ts'
import { describeGroups } from '../group-descriptions.ts'
import { handler } from '../handler.ts'

type Answer = MessageInput<typeof ShareGroupDescribeResponse>['groups'][number]

export const shareGroupDescribe = handler(ShareGroupDescribe, {
  async handle(request, context) {
    const groups = await describeGroups<Answer>(request, context, {
      describe: async groupId => answerOf(groupId, await context.shares.describe(groupId)),
      refused: group => ({ ...group, assignorName: '' }),
    })
    return { throttleTimeMs: 0, groups }
  },
})

function answerOf(groupId: string, { state, epoch, members }: ShareGroupDescription): Answer {
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
}
