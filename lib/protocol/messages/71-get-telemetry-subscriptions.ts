/** Which metrics a client should push (KIP-714). */
import { api, array, boolean, int8, int16, int32, type Message, message, string, uuid } from '../kernel/index.ts'

export const GetTelemetrySubscriptionsRequest = message({
  api: 71,
  versions: [0, 0],
  flexible: 0,
  fields: { clientInstanceId: uuid },
})
export type GetTelemetrySubscriptionsRequest = Message<typeof GetTelemetrySubscriptionsRequest>

export const GetTelemetrySubscriptionsResponse = message({
  api: 71,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    clientInstanceId: uuid,
    subscriptionId: int32,
    acceptedCompressionTypes: array(int8),
    pushIntervalMs: int32,
    telemetryMaxBytes: int32,
    deltaTemporality: boolean,
    requestedMetrics: array(string),
  },
})
export type GetTelemetrySubscriptionsResponse = Message<typeof GetTelemetrySubscriptionsResponse>

export const GetTelemetrySubscriptions = api({
  name: 'GetTelemetrySubscriptions',
  request: GetTelemetrySubscriptionsRequest,
  response: GetTelemetrySubscriptionsResponse,
})
