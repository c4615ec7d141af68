/** Takes a voter from among the controllers (KIP-853). */
import { api, int16, int32, type Message, message, nullableString, uuid } from '../kernel/index.ts'

export const RemoveRaftVoterRequest = message({
  api: 81,
  versions: [0, 0],
  flexible: 0,
  fields: { clusterId: nullableString, voterId: int32, voterDirectoryId: uuid },
})
export type RemoveRaftVoterRequest = Message<typeof RemoveRaftVoterRequest>

export const RemoveRaftVoterResponse = message({
  api: 81,
  versions: [0, 0],
  flexible: 0,
  fields: { throttleTimeMs: int32, errorCode: int16, errorMessage: nullableString },
})
export type RemoveRaftVoterResponse = Message<typeof RemoveRaftVoterResponse>

export const RemoveRaftVoter = api({
  name: 'RemoveRaftVoter',
  request: RemoveRaftVoterRequest,
  response: RemoveRaftVoterResponse,
})
