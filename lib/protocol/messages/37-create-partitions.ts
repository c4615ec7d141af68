/** Adds partitions to topics. */
import {
  api,
  array,
  boolean,
  int16,
  int32,
  type Message,
  message,
  nullableArray,
  nullableString,
  string,
} from '../kernel/index.ts'

export const CreatePartitionsRequest = message({
  api: 37,
  versions: [0, 3],
  flexible: 2,
  fields: {
    topics: array({ name: string, count: int32, assignments: nullableArray({ brokerIds: array(int32) }) }),
    timeoutMs: int32,
    validateOnly: boolean,
  },
})
export type CreatePartitionsRequest = Message<typeof CreatePartitionsRequest>

export const CreatePartitionsResponse = message({
  api: 37,
  versions: [0, 3],
  flexible: 2,
  fields: { throttleTimeMs: int32, results: array({ name: string, errorCode: int16, errorMessage: nullableString }) },
})
export type CreatePartitionsResponse = Message<typeof CreatePartitionsResponse>

export const CreatePartitions = api({
  name: 'CreatePartitions',
  request: CreatePartitionsRequest,
  response: CreatePartitionsResponse,
})
