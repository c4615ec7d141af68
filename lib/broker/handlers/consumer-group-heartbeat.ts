/**
 * ConsumerGroupHeartbeat, versions 0 and 1 (KIP-848): a member of a consumer group joins, keeps alive, says what it has,
 * and leaves. A classic group is taken over with its members when the first member of this protocol joins it, and is
 * classic again when the last one has left.
 *
 * Departures from Apache Kafka: the heartbeat interval of a group that sets none is 1 s, not 5 s, and 250 ms and some for a
 * member that is on its way to its target assignment, so that a rebalance is over in two seconds; targets are made in the step
 * that needs them, so no group is ever `Assigning`; a classic group that rebalances is taken over when that is over; a
 * member gives up what it was told only after it was told less.
 */
import { type Assignment, assignmentOf, type ConsumerHeartbeat, GroupError } from '../../groups/index.ts'
import { ConsumerGroupHeartbeat, type ConsumerGroupHeartbeatRequest, type Message } from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Request = Message<typeof ConsumerGroupHeartbeatRequest>

/** From here on a member draws its id itself. */
const ownMemberIdVersion = 1

export const consumerGroupHeartbeat = handler(ConsumerGroupHeartbeat, {
  async handle(request, context) {
    try {
      checkCoordinates(request.groupId, context)
      if (request.groupId === '') throw new GroupError('INVALID_REQUEST', "GroupId can't be empty.")
      if (request.memberId === '' && context.apiVersion >= ownMemberIdVersion) {
        throw new GroupError('INVALID_REQUEST', "MemberId can't be empty.")
      }
      const { memberId, epoch, heartbeatIntervalMs, assignment } = await context.groups.consumerHeartbeat(
        heartbeatOf(request, context),
      )
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        errorMessage: null,
        memberId,
        memberEpoch: epoch,
        heartbeatIntervalMs,
        assignment: assignment ? { topicPartitions: topicPartitionsOf(assignment) } : null,
      }
    } catch (error) {
      return {
        throttleTimeMs: 0,
        errorCode: errorCodeOf(error, context.logger),
        errorMessage: errorMessageOf(error),
        memberId: null,
        memberEpoch: 0,
        heartbeatIntervalMs: 0,
        assignment: null,
      }
    }
  },
})

function heartbeatOf(request: Request, { clientId, clientHost }: RequestContext): ConsumerHeartbeat {
  return {
    groupId: request.groupId,
    memberId: request.memberId,
    instanceId: request.instanceId ?? undefined,
    epoch: request.memberEpoch,
    clientId: clientId ?? '',
    clientHost,
    rackId: request.rackId ?? undefined,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? undefined : request.rebalanceTimeoutMs,
    topicNames: request.subscribedTopicNames ?? undefined,
    regex: request.subscribedTopicRegex ?? undefined,
    assignor: request.serverAssignor ?? undefined,
    owned: request.topicPartitions
      ? assignmentOf(request.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]))
      : undefined,
  }
}

function topicPartitionsOf(assignment: Assignment): { topicId: string; partitions: readonly number[] }[] {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions }))
}
