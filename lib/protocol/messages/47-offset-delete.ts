/** Deletes a group's committed offsets (KIP-496). */
import { api, array, int16, int32, type Message, message, string } from '../kernel/index.ts'

export const OffsetDeleteRequest = message({
  api: 47,
  versions: [0, 0],
  fields: { groupId: string, topics: array({ name: string, partitions: array({ partitionIndex: int32 }) }) },
})
export type OffsetDeleteRequest = Message<typeof OffsetDeleteRequest>

export const OffsetDeleteResponse = message({
  api: 47,
  versions: [0, 0],
  fields: {
    errorCode: int16,
    throttleTimeMs: int32,
    topics: array({ name: string, partitions: array({ partitionIndex: int32, errorCode: int16 }) }),
  },
})
export type OffsetDeleteResponse = Message<typeof OffsetDeleteResponse>

export const OffsetDelete = api({ name: 'OffsetDelete', request: OffsetDeleteRequest, response: OffsetDeleteResponse })
