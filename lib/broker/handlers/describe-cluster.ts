/**
 * DescribeCluster, versions 0 to 2: the cluster's id and its live gateways.
 *
 * Departures from Apache Kafka: the controller is the gateway that answers; there are no fenced brokers.
 */
import { DescribeCluster } from '../../protocol/index.ts'
import { clusterOperations, operationsNotAsked } from '../authorized-operations.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

const endpointType = { brokers: 1, controllers: 2 } as const

export const describeCluster = handler(DescribeCluster, {
  handle(request, { cluster }) {
    const isAnswered = request.endpointType === endpointType.brokers
    return {
      throttleTimeMs: 0,
      ...(isAnswered ? { errorCode: 0, errorMessage: null } : refusalOf(request.endpointType)),
      endpointType: endpointType.brokers,
      clusterId: isAnswered ? cluster.clusterId : '',
      controllerId: isAnswered ? cluster.nodeId : -1,
      brokers: isAnswered
        ? cluster.gateways().map(({ nodeId, host, port, rack }) => ({ brokerId: nodeId, host, port, rack }))
        : [],
      clusterAuthorizedOperations:
        isAnswered && request.includeClusterAuthorizedOperations ? clusterOperations : operationsNotAsked,
    }
  },
})

function refusalOf(type: number) {
  return type === endpointType.controllers
    ? {
        errorCode: errorCodes.MISMATCHED_ENDPOINT_TYPE,
        errorMessage:
          'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER',
      }
    : { errorCode: errorCodes.UNSUPPORTED_ENDPOINT_TYPE, errorMessage: `Unsupported endpoint type ${type}` }
}
