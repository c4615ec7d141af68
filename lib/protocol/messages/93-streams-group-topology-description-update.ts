/** The description of a Streams group's topology, for tools to show. */
import {
  api,
  array,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  string,
  struct,
} from '../kernel/index.ts'

const topologyDescriptionNode = {
  name: string,
  nodeType: int8,
  sourceTopics: array(string),
  sinkTopic: nullableString,
  stores: array(string),
  successors: array(string),
}

const topologyDescriptionSubtopology = { subtopologyId: string, nodes: array(topologyDescriptionNode) }

const topologyDescriptionGlobalStore = {
  source: struct(topologyDescriptionNode),
  processor: struct(topologyDescriptionNode),
}

const topologyDescription = {
  subtopologies: array(topologyDescriptionSubtopology),
  globalStores: array(topologyDescriptionGlobalStore),
}

export const StreamsGroupTopologyDescriptionUpdateRequest = message({
  api: 93,
  versions: [0, 0],
  flexible: 0,
  fields: { groupId: string, memberId: string, topologyEpoch: int32, topologyDescription: struct(topologyDescription) },
})
export type StreamsGroupTopologyDescriptionUpdateRequest = Message<typeof StreamsGroupTopologyDescriptionUpdateRequest>

export const StreamsGroupTopologyDescriptionUpdateResponse = message({
  api: 93,
  versions: [0, 0],
  flexible: 0,
  fields: { throttleTimeMs: int32, errorCode: int16, errorMessage: nullableString },
})
export type StreamsGroupTopologyDescriptionUpdateResponse = Message<
  typeof StreamsGroupTopologyDescriptionUpdateResponse
>

export const StreamsGroupTopologyDescriptionUpdate = api({
  name: 'StreamsGroupTopologyDescriptionUpdate',
  request: StreamsGroupTopologyDescriptionUpdateRequest,
  response: StreamsGroupTopologyDescriptionUpdateResponse,
})
