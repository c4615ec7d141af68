/** The cluster's id, controller and brokers (KIP-700). */
import {
  api,
  array,
  boolean,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  since,
  string,
} from '../kernel/index.ts'

export const DescribeClusterRequest = message({
  api: 60,
  versions: [0, 2],
  flexible: 0,
  fields: {
    includeClusterAuthorizedOperations: boolean,
    endpointType: since(1, int8, 1),
    includeFencedBrokers: since(2, boolean, false),
  },
})
export type DescribeClusterRequest = Message<typeof DescribeClusterRequest>

export const DescribeClusterResponse = message({
  api: 60,
  versions: [0, 2],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    endpointType: since(1, int8, 1),
    clusterId: string,
    controllerId: int32,
    brokers: array({
      brokerId: int32,
      host: string,
      port: int32,
      rack: nullableString,
      isFenced: since(2, boolean, false),
    }),
    clusterAuthorizedOperations: int32,
  },
})
export type DescribeClusterResponse = Message<typeof DescribeClusterResponse>

export const DescribeCluster = api({
  name: 'DescribeCluster',
  request: DescribeClusterRequest,
  response: DescribeClusterResponse,
})
