/** State, topology, members and tasks of Streams groups (KIP-1071). */
import {
  api,
  array,
  boolean,
  int8,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  since,
  string,
  struct,
  uint16,
} from '../kernel/index.ts'

const keyValue = { key: string, value: string }

const topicInfo = { name: string, partitions: int32, replicationFactor: int16, topicConfigs: array(keyValue) }

const endpoint = { host: string, port: uint16 }

const taskOffset = { subtopologyId: string, partition: int32, offset: int64 }

const taskIds = { subtopologyId: string, partitions: array(int32) }

const assignment = { activeTasks: array(taskIds), standbyTasks: array(taskIds), warmupTasks: array(taskIds) }

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

export const StreamsGroupDescribeRequest = message({
  api: 89,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groupIds: array(string),
    includeAuthorizedOperations: boolean,
    includeTopologyDescription: since(1, boolean, false),
  },
})
export type StreamsGroupDescribeRequest = Message<typeof StreamsGroupDescribeRequest>

export const StreamsGroupDescribeResponse = message({
  api: 89,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    groups: array({
      errorCode: int16,
      errorMessage: nullableString,
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      topology: nullableStruct({
        epoch: int32,
        subtopologies: nullableArray({
          subtopologyId: string,
          sourceTopics: array(string),
          repartitionSinkTopics: array(string),
          stateChangelogTopics: array(topicInfo),
          repartitionSourceTopics: array(topicInfo),
        }),
      }),
      members: array({
        memberId: string,
        memberEpoch: int32,
        instanceId: nullableString,
        rackId: nullableString,
        clientId: string,
        clientHost: string,
        topologyEpoch: int32,
        processId: string,
        userEndpoint: nullableStruct(endpoint),
        clientTags: array(keyValue),
        taskOffsets: array(taskOffset),
        taskEndOffsets: array(taskOffset),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        isClassic: boolean,
      }),
      authorizedOperations: int32,
      topologyDescription: since(1, nullableStruct(topologyDescription), null),
      topologyDescriptionStatus: since(1, int8, 0),
      assignorName: since(1, nullableString, null),
    }),
  },
})
export type StreamsGroupDescribeResponse = Message<typeof StreamsGroupDescribeResponse>

export const StreamsGroupDescribe = api({
  name: 'StreamsGroupDescribe',
  request: StreamsGroupDescribeRequest,
  response: StreamsGroupDescribeResponse,
})
