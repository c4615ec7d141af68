/**
 * ShareGroupHeartbeat, version 1 (KIP-932): a member of a share group joins, keeps alive, and leaves by one call, and is told
 * which partitions to fetch from.
 *
 * Departures from Apache Kafka: partitions are assigned in the answer to the first call, where Kafka first initializes
 * their state; a coordinator that has just taken over takes any epoch that was given out before.
 */
import { ShareGroupHeartbeat } from '../../protocol/index.ts'
import { ShareError } from '../../share/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler } from '../handler.ts'

export const shareGroupHeartbeat = handler(ShareGroupHeartbeat, {
  async handle(request, context) {
    const { groupId, memberId, memberEpoch, rackId, subscribedTopicNames } = request
    try {
      if (groupId === '') throw new ShareError('INVALID_REQUEST', "GroupId can't be empty.")
      checkCoordinates(groupId, context)
      const answer = await context.shares.heartbeat({
        groupId,
        memberId,
        epoch: memberEpoch,
        rackId: rackId ?? undefined,
        clientId: context.clientId ?? '',
        clientHost: context.clientHost,
        topicNames: subscribedTopicNames ?? undefined,
      })
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        errorMessage: null,
        memberId: answer.memberId,
        memberEpoch: answer.epoch,
        heartbeatIntervalMs: answer.heartbeatIntervalMs,
        assignment: answer.assignment ? { topicPartitions: answer.assignment } : null,
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
