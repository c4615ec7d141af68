/**
 * DescribeGroups, versions 0 to 6. A group that does not exist, or is not a classic one, is Dead, from version 6 on
 * with GROUP_ID_NOT_FOUND.
 *
 * Departures from Apache Kafka: none known.
 */
import { GroupError } from '../../groups/index.ts'
import { DescribeGroups, type DescribeGroupsResponse, type MessageInput } from '../../protocol/index.ts'
import { groupOperations, operationsNotAsked } from '../authorized-operations.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Answer = MessageInput<typeof DescribeGroupsResponse>['groups'][number]

const groupIdNotFoundVersion = 6

export const describeGroups = handler(DescribeGroups, {
  async handle(request, context) {
    const authorizedOperations = request.includeAuthorizedOperations ? groupOperations : operationsNotAsked
    const answers = request.groups.map(async groupId => {
      const answer = await describeGroup(groupId, context)
      return answer.errorCode === 0 ? { ...answer, authorizedOperations } : answer
    })
    return { groups: await Promise.all(answers) }
  },
})

async function describeGroup(groupId: string, context: RequestContext): Promise<Answer> {
  const nothing = { groupId, groupState: '', protocolType: '', protocolData: '', members: [] }
  try {
    checkCoordinates(groupId, context)
    const group = await context.groups.describe(groupId)
    return {
      errorCode: 0,
      groupId,
      groupState: group.state,
      protocolType: group.protocolType,
      protocolData: group.protocolName,
      members: group.members.map(member => ({
        memberId: member.memberId,
        groupInstanceId: member.instanceId ?? null,
        clientId: member.clientId,
        clientHost: member.clientHost,
        memberMetadata: member.metadata,
        memberAssignment: member.assignment,
      })),
    }
  } catch (error) {
    const errorCode = errorCodeOf(error, context.logger)
    if (!(error instanceof GroupError) || error.code !== 'GROUP_ID_NOT_FOUND') return { ...nothing, errorCode }
    const dead = { ...nothing, groupState: 'Dead' }
    if (context.apiVersion < groupIdNotFoundVersion) return { ...dead, errorCode: 0 }
    return { ...dead, errorCode, errorMessage: error.message }
  }
}
