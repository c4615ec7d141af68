/** A client's metrics (KIP-714). */
import { api, boolean, bytes, int8, int16, int32, type Message, message, uuid } from '../kernel/index.ts'

export const PushTelemetryRequest = message({
  api: 72,
  versions: [0, 0],
  flexible: 0,
  fields: {
    clientInstanceId: uuid,
    subscriptionId: int32,
    terminating: boolean,
    compressionType: int8,
    metrics: bytes,
  },
})
export type PushTelemetryRequest = Message<typeof PushTelemetryRequest>

export const PushTelemetryResponse = message({
  api: 72,
  versions: [0, 0],
  flexible: 0,
  fields: { throttleTimeMs: int32, errorCode: int16 },
})
export type PushTelemetryResponse = Message<typeof PushTelemetryResponse>

export const PushTelemetry = api({
  name: 'PushTelemetry',
  request: PushTelemetryRequest,
  response: PushTelemetryResponse,
})
