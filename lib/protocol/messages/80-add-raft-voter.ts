/** A new voter among the controllers (KIP-853). */
import {
  api,
  array,
  boolean,
  int16,
  int32,
  type Message,
  message,
  nullableString,
  since,
  string,
  uint16,
  uuid,
} from '../kernel/index.ts'

export const AddRaftVoterRequest = message({
  api: 80,
  versions: [0, 1],
  flexible: 0,
  fields: {
    clusterId: nullableString,
    timeoutMs: int32,
    voterId: int32,
    voterDirectoryId: uuid,
    listeners: array({ name: string, host: string, port: uint16 }),
    ackWhenCommitted: since(1, boolean, true),
  },
})
export type AddRaftVoterRequest = Message<typeof AddRaftVoterRequest>

export const AddRaftVoterResponse = message({
  api: 80,
  versions: [0, 1],
  flexible: 0,
  fields: { throttleTimeMs: int32, errorCode: int16, errorMessage: nullableString },
})
export type AddRaftVoterResponse = Message<typeof AddRaftVoterResponse>

export const AddRaftVoter = api({ name: 'AddRaftVoter', request: AddRaftVoterRequest, response: AddRaftVoterResponse })
