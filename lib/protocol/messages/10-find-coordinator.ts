/** Which broker coordinates a group or a transactional id: one key up to version 3, several from 4 on. */
import {
  api,
  array,
  between,
  int8,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  since,
  string,
  until,
} from '../kernel/index.ts'

export const FindCoordinatorRequest = message({
  api: 10,
  versions: [0, 6],
  flexible: 3,
  fields: { key: until(3, string, ''), keyType: since(1, int8, 0), coordinatorKeys: since(4, array(string), []) },
})
export type FindCoordinatorRequest = Message<typeof FindCoordinatorRequest>

export const FindCoordinatorResponse = message({
  api: 10,
  versions: [0, 6],
  flexible: 3,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: until(3, int16, 0),
    errorMessage: between([1, 3], nullableString, ''),
    nodeId: until(3, int32, 0),
    host: until(3, string, ''),
    port: until(3, int32, 0),
    coordinators: since(
      4,
      array({ key: string, nodeId: int32, host: string, port: int32, errorCode: int16, errorMessage: nullableString }),
      [],
    ),
  },
})
export type FindCoordinatorResponse = Message<typeof FindCoordinatorResponse>

export const FindCoordinator = api({
  name: 'FindCoordinator',
  request: FindCoordinatorRequest,
  response: FindCoordinatorResponse,
})
