/** Moves partitions' first offset up. */
import { api, array, int16, int32, int64, int64Clamped, type Message, message, string } from '../kernel/index.ts'

export const DeleteRecordsRequest = message({
  api: 21,
  versions: [0, 2],
  flexible: 2,
  fields: {
    topics: array({ name: string, partitions: array({ partitionIndex: int32, offset: int64Clamped }) }),
    timeoutMs: int32,
  },
})
export type DeleteRecordsRequest = Message<typeof DeleteRecordsRequest>

export const DeleteRecordsResponse = message({
  api: 21,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 }),
    }),
  },
})
export type DeleteRecordsResponse = Message<typeof DeleteRecordsResponse>

export const DeleteRecords = api({
  name: 'DeleteRecords',
  request: DeleteRecordsRequest,
  response: DeleteRecordsResponse,
})
