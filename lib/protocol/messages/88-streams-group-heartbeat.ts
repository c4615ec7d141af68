/** A Streams group's member: join, tell its topology and tasks, keep alive, leave (KIP-1071). */
import {
  api,
  array,
  boolean,
  int8,
  int16,
  int32,
  int64,
  int64Clamped,
  type Message,
  message,
  nullableArray,
  nullableString,
  nullableStruct,
  since,
  string,
  struct,
  uint16,
  until,
} from '../kernel/index.ts'

const keyValue = { key: string, value: string }

const topicInfo = { name: string, partitions: int32, replicationFactor: int16, topicConfigs: array(keyValue) }

const taskIds = { subtopologyId: string, partitions: array(int32) }

const endpoint = { host: string, port: uint16 }

/** An offset that is not known yet is the highest int64. */
const taskOffset = { subtopologyId: string, partition: int32, offset: int64Clamped }

const status = { statusCode: int8, statusDetail: string }

const topicPartition = { topic: string, partitions: array(int32) }

export const StreamsGroupHeartbeatRequest = message({
  api: 88,
  versions: [0, 1],
  flexible: 0,
  fields: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    endpointInformationEpoch: int32,
    instanceId: nullableString,
    rackId: nullableString,
    rebalanceTimeoutMs: int32,
    topology: nullableStruct({
      epoch: int32,
      subtopologies: array({
        subtopologyId: string,
        sourceTopics: array(string),
        sourceTopicRegex: array(string),
        stateChangelogTopics: array(topicInfo),
        repartitionSinkTopics: array(string),
        repartitionSourceTopics: array(topicInfo),
        copartitionGroups: array({
          sourceTopics: array(int16),
          sourceTopicRegex: array(int16),
          repartitionSourceTopics: array(int16),
        }),
      }),
    }),
    activeTasks: nullableArray(taskIds),
    standbyTasks: nullableArray(taskIds),
    warmupTasks: nullableArray(taskIds),
    processId: nullableString,
    userEndpoint: nullableStruct(endpoint),
    clientTags: nullableArray(keyValue),
    taskOffsets: nullableArray(taskOffset),
    taskEndOffsets: nullableArray(taskOffset),
    shutdownApplication: boolean,
  },
})
export type StreamsGroupHeartbeatRequest = Message<typeof StreamsGroupHeartbeatRequest>

export const StreamsGroupHeartbeatResponse = message({
  api: 88,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    memberId: string,
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    acceptableRecoveryLagLegacy: until(0, int32, 0),
    taskOffsetIntervalMs: int32,
    acceptableRecoveryLag: since(1, int64, -1),
    status: nullableArray(status),
    activeTasks: nullableArray(taskIds),
    standbyTasks: nullableArray(taskIds),
    warmupTasks: nullableArray(taskIds),
    topologyDescriptionRequired: since(1, boolean, false),
    endpointInformationEpoch: int32,
    partitionsByUserEndpoint: nullableArray({
      userEndpoint: struct(endpoint),
      activePartitions: array(topicPartition),
      standbyPartitions: array(topicPartition),
    }),
  },
})
export type StreamsGroupHeartbeatResponse = Message<typeof StreamsGroupHeartbeatResponse>

export const StreamsGroupHeartbeat = api({
  name: 'StreamsGroupHeartbeat',
  request: StreamsGroupHeartbeatRequest,
  response: StreamsGroupHeartbeatResponse,
})
