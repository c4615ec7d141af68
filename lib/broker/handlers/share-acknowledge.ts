/**
 * ShareAcknowledge, versions 1 and 2 (KIP-932, 1222): what a share group's member did with records that it holds. With the
 * final epoch its share session ends, and what it still holds is given back.
 *
 * Departures from Apache Kafka: none known.
 */
import { type MessageInput, ShareAcknowledge, type ShareAcknowledgeResponse } from '../../protocol/index.ts'
import { checkConsumer, FINAL_EPOCH, INITIAL_EPOCH, ShareError } from '../../share/index.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler } from '../handler.ts'
import { type AcknowledgeOutcome, acknowledgeAll } from '../share-acknowledgements.ts'

type TopicAnswer = MessageInput<typeof ShareAcknowledgeResponse>['responses'][number]

export const shareAcknowledge = handler(ShareAcknowledge, {
  async handle(request, context) {
    const { shares, logger } = context
    const { shareSessionEpoch: epoch, topics, isRenewAck } = request
    const consumer = { groupId: request.groupId ?? '', memberId: request.memberId ?? '' }
    try {
      checkConsumer(consumer)
      if (epoch === INITIAL_EPOCH) {
        throw new ShareError('INVALID_SHARE_SESSION_EPOCH', 'A share session is not opened by acknowledging.')
      }
      const session =
        epoch === FINAL_EPOCH ? shares.records.sessions.find(consumer) : shares.records.sessions.next(consumer, epoch)
      const outcomes = await acknowledgeAll(session, topics, isRenewAck, context)
      if (epoch === FINAL_EPOCH) await shares.records.endSession(session, { unseen: true })
      const acquisitionLockTimeoutMs = await shares.records.lockDurationMs(consumer.groupId)
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        errorMessage: null,
        acquisitionLockTimeoutMs,
        responses: answer(outcomes),
        nodeEndpoints: [],
      }
    } catch (error) {
      return {
        throttleTimeMs: 0,
        errorCode: errorCodeOf(error, logger),
        errorMessage: errorMessageOf(error),
        acquisitionLockTimeoutMs: 0,
        responses: [],
        nodeEndpoints: [],
      }
    }
  },
})

function answer(outcomes: readonly AcknowledgeOutcome[]): TopicAnswer[] {
  return [...Map.groupBy(outcomes, ({ topicId }) => topicId)].map(([topicId, some]) => ({
    topicId,
    partitions: some.map(({ partition, errorCode, errorMessage }) => ({
      partitionIndex: partition,
      errorCode,
      errorMessage,
      currentLeader: { leaderId: 0, leaderEpoch: 0 },
    })),
  }))
}
