/**
 * TxnOffsetCommit, versions 0 to 6; topics by name up to 5, by id in 6. Offsets become committed with their transaction.
 * From version 5 on (KIP-890) the group is added to the transaction by this; before, it must have been. Any gateway takes
 * it for any group: the stored documents decide, the member's generation too (KIP-447, from version 3 on).
 *
 * Departures from Apache Kafka: none known.
 */
import type { NewOffset } from '../../groups/index.ts'
import { type Message, TxnOffsetCommit, type TxnOffsetCommitRequest } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { commitOffsets } from '../offsets-to-commit.ts'
import { admissionCodeOf } from '../transaction-codes.ts'

type Request = Message<typeof TxnOffsetCommitRequest>

const secondProtocolVersion = 5
const topicIdVersion = 6
const versions = { abortable: 4, concurrent: secondProtocolVersion, retry: errorCodes.COORDINATOR_NOT_AVAILABLE }

export const txnOffsetCommit = handler(TxnOffsetCommit, {
  async handle(request, context) {
    const { topics } = request
    const byId = context.apiVersion >= topicIdVersion
    const commit = (offsets: readonly NewOffset[]) => stage(request, offsets, context)
    return { throttleTimeMs: 0, topics: await commitOffsets({ topics, byId, commit }, context) }
  },
})

/** Error codes in the order of `offsets`. */
async function stage(request: Request, offsets: readonly NewOffset[], context: RequestContext): Promise<number[]> {
  const { apiVersion, transactions, logger } = context
  try {
    const results = await transactions.stageOffsets({
      transactionalId: request.transactionalId,
      producerId: request.producerId,
      producerEpoch: request.producerEpoch,
      protocol: apiVersion >= secondProtocolVersion ? 2 : 1,
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId ?? undefined,
      generation: request.generationIdOrMemberEpoch,
      offsets,
    })
    return results.map(({ error }) => (error === undefined ? 0 : errorCodes[error]))
  } catch (error) {
    const code = admissionCodeOf(error, apiVersion, versions, logger)
    return offsets.map(() => code)
  }
}
