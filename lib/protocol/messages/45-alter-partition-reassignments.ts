/** Moves partitions' replicas to other brokers, or stops a move (KIP-455). */
import {
  api,
  array,
  boolean,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const AlterPartitionReassignmentsRequest = message({
  api: 45,
  versions: [0, 1],
  flexible: 0,
  fields: {
    timeoutMs: int32,
    allowReplicationFactorChange: since(1, boolean, true),
    topics: array({ name: string, partitions: array({ partitionIndex: int32, replicas: nullableArray(int32) }) }),
  },
})
export type AlterPartitionReassignmentsRequest = Message<typeof AlterPartitionReassignmentsRequest>

export const AlterPartitionReassignmentsResponse = message({
  api: 45,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    allowReplicationFactorChange: since(1, boolean, true),
    errorCode: int16,
    errorMessage: nullableString,
    responses: array({
      name: string,
      partitions: array({ partitionIndex: int32, errorCode: int16, errorMessage: nullableString }),
    }),
  },
})
export type AlterPartitionReassignmentsResponse = Message<typeof AlterPartitionReassignmentsResponse>

export const AlterPartitionReassignments = api({
  name: 'AlterPartitionReassignments',
  request: AlterPartitionReassignmentsRequest,
  response: AlterPartitionReassignmentsResponse,
})
