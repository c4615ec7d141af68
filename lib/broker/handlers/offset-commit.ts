/**
 * OffsetCommit, versions 2 to 10; topics by name up to 9, by id from 10 on. Any gateway takes commits for any group: the
 * stored documents decide. Each block of 16 partitions is stored at once.
 *
 * Departures from Apache Kafka: `retentionTimeMs` (versions 2 to 4) is not looked at; an empty group id, under which Java's clients before 2.2
 * commit where `group.id` is not set, is refused with INVALID_GROUP_ID.
 */
import type { CommitResult, NewOffset } from '../../groups/index.ts'
import { type Message, OffsetCommit, type OffsetCommitRequest } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { commitOffsets } from '../offsets-to-commit.ts'

type Request = Message<typeof OffsetCommitRequest>

/** From here on a generation may be the epoch of a member (KIP-848). */
const memberEpochVersion = 9
const topicIdVersion = 10

export const offsetCommit = handler(OffsetCommit, {
  async handle(request, context) {
    const { topics } = request
    const byId = context.apiVersion >= topicIdVersion
    const commit = (offsets: readonly NewOffset[]) => commitNow(request, offsets, context)
    return { topics: await commitOffsets({ topics, byId, commit }, context) }
  },
})

/** Error codes in the order of `offsets`. */
async function commitNow(request: Request, offsets: readonly NewOffset[], context: RequestContext): Promise<number[]> {
  try {
    const results = await context.groups.commitOffsets({
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId ?? undefined,
      generation: request.generationIdOrMemberEpoch,
      offsets,
      knowsNoEpochs: context.apiVersion < memberEpochVersion,
    })
    return results.map(({ error }) => codeOf(error, context.apiVersion))
  } catch (error) {
    return offsets.map(() => errorCodeOf(error, context.logger))
  }
}

function codeOf(error: CommitResult['error'], apiVersion: number): number {
  if (error === undefined) return 0
  return errorCodes[error === 'GROUP_ID_NOT_FOUND' && apiVersion < memberEpochVersion ? 'ILLEGAL_GENERATION' : error]
}
