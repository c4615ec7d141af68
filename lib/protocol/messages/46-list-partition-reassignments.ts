/** The moves of replicas that are under way (KIP-455). */
import {
  api,
  array,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  string,
} from '../kernel/index.ts'

export const ListPartitionReassignmentsRequest = message({
  api: 46,
  versions: [0, 0],
  flexible: 0,
  fields: { timeoutMs: int32, topics: nullableArray({ name: string, partitionIndexes: array(int32) }) },
})
export type ListPartitionReassignmentsRequest = Message<typeof ListPartitionReassignmentsRequest>

export const ListPartitionReassignmentsResponse = message({
  api: 46,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        replicas: array(int32),
        addingReplicas: array(int32),
        removingReplicas: array(int32),
      }),
    }),
  },
})
export type ListPartitionReassignmentsResponse = Message<typeof ListPartitionReassignmentsResponse>

export const ListPartitionReassignments = api({
  name: 'ListPartitionReassignments',
  request: ListPartitionReassignmentsRequest,
  response: ListPartitionReassignmentsResponse,
})
