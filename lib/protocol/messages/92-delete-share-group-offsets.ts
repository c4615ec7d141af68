/** Forgets a share group's topics (KIP-932). */
import { api, array, int16, int32, type Message, message, nullableString, string, uuid } from '../kernel/index.ts'

export const DeleteShareGroupOffsetsRequest = message({
  api: 92,
  versions: [0, 0],
  flexible: 0,
  fields: { groupId: string, topics: array({ topicName: string }) },
})
export type DeleteShareGroupOffsetsRequest = Message<typeof DeleteShareGroupOffsetsRequest>

export const DeleteShareGroupOffsetsResponse = message({
  api: 92,
  versions: [0, 0],
  flexible: 0,
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: nullableString,
    responses: array({ topicName: string, topicId: uuid, errorCode: int16, errorMessage: nullableString }),
  },
})
export type DeleteShareGroupOffsetsResponse = Message<typeof DeleteShareGroupOffsetsResponse>

export const DeleteShareGroupOffsets = api({
  name: 'DeleteShareGroupOffsets',
  request: DeleteShareGroupOffsetsRequest,
  response: DeleteShareGroupOffsetsResponse,
})
