/**
 * StreamsGroupTopologyDescriptionUpdate, version 0 (KIP-1331): a member tells what tools may show of the topology. Kept with
 * the group, up to 100 KB.
 *
 * Departures from Apache Kafka: none known.
 */
import {
  StreamsGroupTopologyDescriptionUpdate,
  StreamsGroupTopologyDescriptionUpdateRequest,
} from '../../protocol/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorMessageOf } from '../errors.ts'
import { handler } from '../handler.ts'

export const streamsGroupTopologyDescriptionUpdate = handler(StreamsGroupTopologyDescriptionUpdate, {
  async handle(request, context) {
    try {
      const { groupId, memberId, topologyEpoch } = request
      checkCoordinates(groupId, context)
      const bytes = Buffer.concat(StreamsGroupTopologyDescriptionUpdateRequest.encode(request, 0))
      await context.groups.describeTopology(groupId, memberId, topologyEpoch, bytes)
      return { throttleTimeMs: 0, errorCode: 0, errorMessage: null }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: errorCodeOf(error, context.logger), errorMessage: errorMessageOf(error) }
    }
  },
})
