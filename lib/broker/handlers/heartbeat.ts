/**
 * Heartbeat, versions 0 to 4.
 *
 * Departures from Apache Kafka: none known.
 */
import { Heartbeat } from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf } from '../errors.ts'
import { handler } from '../handler.ts'

export const heartbeat = handler(Heartbeat, {
  async handle(request, context) {
    try {
      const { groupId, memberId, groupInstanceId, generationId } = request
      checkCoordinates(groupId, context)
      const instanceId = groupInstanceId ?? undefined
      await context.groups.heartbeat({ groupId, memberId, instanceId, generation: generationId })
      return { errorCode: 0 }
    } catch (error) {
      return { errorCode: errorCodeOf(error, context.logger) }
    }
  },
})
