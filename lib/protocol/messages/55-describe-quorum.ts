/** State of the metadata quorum's voters and observers (KIP-595). */
import {
  api,
  array,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableString,
  since,
  string,
  uint16,
  uuid,
  zeroUuid,
} from '../kernel/index.ts'

const replicaState = {
  replicaId: int32,
  replicaDirectoryId: since(2, uuid, zeroUuid),
  logEndOffset: int64,
  lastFetchTimestamp: since(1, int64, -1),
  lastCaughtUpTimestamp: since(1, int64, -1),
}

export const DescribeQuorumRequest = message({
  api: 55,
  versions: [0, 2],
  flexible: 0,
  fields: { topics: array({ topicName: string, partitions: array({ partitionIndex: int32 }) }) },
})
export type DescribeQuorumRequest = Message<typeof DescribeQuorumRequest>

export const DescribeQuorumResponse = message({
  api: 55,
  versions: [0, 2],
  flexible: 0,
  fields: {
    errorCode: int16,
    errorMessage: since(2, nullableString, ''),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: since(2, nullableString, ''),
        leaderId: int32,
        leaderEpoch: int32,
        highWatermark: int64,
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: since(2, array({ nodeId: int32, listeners: array({ name: string, host: string, port: uint16 }) }), []),
  },
})
export type DescribeQuorumResponse = Message<typeof DescribeQuorumResponse>

export const DescribeQuorum = api({
  name: 'DescribeQuorum',
  request: DescribeQuorumRequest,
  response: DescribeQuorumResponse,
})
