/** Topics to delete, by name, or from version 6 on by id. */
import {
  api,
  array,
  int16,
  int32,
  type Message,
  message,
  nullableSince,
  nullableString,
  since,
  string,
  until,
  uuid,
  zeroUuid,
} from '../kernel/index.ts'

export const DeleteTopicsRequest = message({
  api: 20,
  versions: [1, 6],
  flexible: 4,
  fields: {
    topics: since(6, array({ name: nullableString, topicId: uuid }), []),
    topicNames: until(5, array(string), []),
    timeoutMs: int32,
  },
})
export type DeleteTopicsRequest = Message<typeof DeleteTopicsRequest>

export const DeleteTopicsResponse = message({
  api: 20,
  versions: [1, 6],
  flexible: 4,
  fields: {
    throttleTimeMs: int32,
    responses: array({
      name: nullableSince(6, nullableString),
      topicId: since(6, uuid, zeroUuid),
      errorCode: int16,
      errorMessage: since(5, nullableString, null),
    }),
  },
})
export type DeleteTopicsResponse = Message<typeof DeleteTopicsResponse>

export const DeleteTopics = api({ name: 'DeleteTopics', request: DeleteTopicsRequest, response: DeleteTopicsResponse })
