/** A classic group's member is alive, and learns whether to rejoin. */
import { api, int16, int32, type Message, message, nullableString, since, string } from '../kernel/index.ts'

export const HeartbeatRequest = message({
  api: 12,
  versions: [0, 4],
  flexible: 4,
  fields: { groupId: string, generationId: int32, memberId: string, groupInstanceId: since(3, nullableString, null) },
})
export type HeartbeatRequest = Message<typeof HeartbeatRequest>

export const HeartbeatResponse = message({
  api: 12,
  versions: [0, 4],
  flexible: 4,
  fields: { throttleTimeMs: since(1, int32, 0), errorCode: int16 },
})
export type HeartbeatResponse = Message<typeof HeartbeatResponse>

export const Heartbeat = api({ name: 'Heartbeat', request: HeartbeatRequest, response: HeartbeatResponse })
