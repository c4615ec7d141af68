/**
 * LeaveGroup, versions 0 to 5: one member up to version 2, whose error is the answer's; several from 3 on, static
 * members also by their instance id alone.
 *
 * Departures from Apache Kafka: a member that was only given an id leaves a stable group without a rebalance.
 */
import type { LeftMember } from '../../groups/index.ts'
import { LeaveGroup, type LeaveGroupRequest, type Message } from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

const batchVersion = 3

export const leaveGroup = handler(LeaveGroup, {
  async handle(request, context) {
    try {
      checkCoordinates(request.groupId, context)
      const left = await leave(request, context)
      const members = left.map(({ memberId, instanceId, error }) => ({
        memberId,
        groupInstanceId: instanceId ?? null,
        errorCode: error ? errorCodes[error] : 0,
      }))
      return { errorCode: context.apiVersion < batchVersion ? members[0]!.errorCode : 0, members }
    } catch (error) {
      return { errorCode: errorCodeOf(error, context.logger), members: [] }
    }
  },
})

function leave(request: Message<typeof LeaveGroupRequest>, context: RequestContext): Promise<readonly LeftMember[]> {
  const { groupId, memberId, members } = request
  const leaving =
    context.apiVersion < batchVersion
      ? [{ memberId, instanceId: undefined }]
      : members.map(member => ({ memberId: member.memberId, instanceId: member.groupInstanceId ?? undefined }))
  return context.groups.leave({ groupId, members: leaving })
}
