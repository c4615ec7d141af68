/** Elects partitions' leaders, the preferred ones or any. */
import {
  api,
  array,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const ElectLeadersRequest = message({
  api: 43,
  versions: [0, 2],
  flexible: 2,
  fields: {
    electionType: since(1, int8, 0),
    topicPartitions: nullableArray({ topic: string, partitions: array(int32) }),
    timeoutMs: int32,
  },
})
export type ElectLeadersRequest = Message<typeof ElectLeadersRequest>

export const ElectLeadersResponse = message({
  api: 43,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    errorCode: since(1, int16, 0),
    replicaElectionResults: array({
      topic: string,
      partitionResult: array({ partitionId: int32, errorCode: int16, errorMessage: nullableString }),
    }),
  },
})
export type ElectLeadersResponse = Message<typeof ElectLeadersResponse>

export const ElectLeaders = api({ name: 'ElectLeaders', request: ElectLeadersRequest, response: ElectLeadersResponse })
