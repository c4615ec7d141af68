/**
 * SyncGroup, versions 0 to 5. The answer waits for the leader's assignment; meanwhile the connection's next request may
 * begin. From version 5 on the protocol's type and name are required (KIP-559).
 *
 * Departures from Apache Kafka: none known.
 */
import { GroupError } from '../../groups/index.ts'
import { noBytes, SyncGroup } from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf } from '../errors.ts'
import { handler } from '../handler.ts'

const protocolVersion = 5

export const syncGroup = handler(SyncGroup, {
  async handle(request, context) {
    try {
      const { groupId, protocolType, protocolName } = request
      if (context.apiVersion >= protocolVersion && (protocolType === null || protocolName === null)) {
        throw new GroupError('INCONSISTENT_GROUP_PROTOCOL', 'the protocol is missing')
      }
      checkCoordinates(groupId, context)
      const syncRequest = {
        groupId,
        memberId: request.memberId,
        instanceId: request.groupInstanceId ?? undefined,
        generation: request.generationId,
        protocolType: protocolType ?? undefined,
        protocolName: protocolName ?? undefined,
        assignments: request.assignments,
      }
      const syncing = context.groups.sync(syncRequest, context.signal)
      context.letNextBegin()
      return { errorCode: 0, ...(await syncing) }
    } catch (error) {
      return { errorCode: errorCodeOf(error, context.logger), assignment: noBytes }
    }
  },
})
