/**
 * JoinGroup, versions 0 to 9. The answer waits until the rebalance is over; meanwhile the connection's next request may
 * begin. From version 4 on a new member gets its id first, with MEMBER_ID_REQUIRED (KIP-394).
 *
 * Departures from Apache Kafka: an empty group waits 500 ms for more members, not 3 s; a group whose document is full
 * refuses members with GROUP_MAX_SIZE_REACHED.
 */
import { GroupError, type Joined } from '../../groups/index.ts'
import { JoinGroup, type JoinGroupRequest, type Message } from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Request = Message<typeof JoinGroupRequest>

const memberIdRequiredVersion = 4
const nullableProtocolVersion = 7
const skipAssignmentVersion = 9

export const joinGroup = handler(JoinGroup, {
  async handle(request, context) {
    try {
      checkCoordinates(request.groupId, context)
      const joining = join(request, context)
      context.letNextBegin()
      const joined = await joining
      return {
        errorCode: 0,
        generationId: joined.generation,
        protocolType: joined.protocolType,
        protocolName: joined.protocolName,
        leader: joined.leader,
        skipAssignment: joined.skipAssignment,
        memberId: joined.memberId,
        members: joined.members.map(({ memberId, instanceId, metadata }) => ({
          memberId,
          groupInstanceId: instanceId ?? null,
          metadata,
        })),
      }
    } catch (error) {
      return {
        errorCode: isOfAnotherType(error) ? errorCodes.INCONSISTENT_GROUP_PROTOCOL : errorCodeOf(error, context.logger),
        generationId: -1,
        protocolName: context.apiVersion < nullableProtocolVersion ? '' : null,
        leader: '',
        memberId: error instanceof GroupError ? error.memberId : '',
        members: [],
      }
    }
  },
})

/** The group is there, but is no group that one joins so. */
function isOfAnotherType(error: unknown): boolean {
  return error instanceof GroupError && error.code === 'GROUP_ID_NOT_FOUND'
}

function join(request: Request, { groups, apiVersion, clientId, clientHost, signal }: RequestContext): Promise<Joined> {
  const joinRequest = {
    groupId: request.groupId,
    memberId: request.memberId,
    instanceId: request.groupInstanceId ?? undefined,
    clientId: clientId ?? '',
    clientHost,
    protocolType: request.protocolType,
    protocols: request.protocols,
    sessionTimeoutMs: request.sessionTimeoutMs,
    // Version 0 has none.
    rebalanceTimeoutMs: request.rebalanceTimeoutMs > 0 ? request.rebalanceTimeoutMs : request.sessionTimeoutMs,
    requiresMemberId: apiVersion >= memberIdRequiredVersion,
    supportsSkippingAssignment: apiVersion >= skipAssignmentVersion,
  }
  return groups.join(joinRequest, signal)
}
