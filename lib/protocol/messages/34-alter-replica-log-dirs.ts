/** Moves replicas between a broker's log directories. */
import { api, array, int16, int32, type Message, message, string } from '../kernel/index.ts'

export const AlterReplicaLogDirsRequest = message({
  api: 34,
  versions: [1, 2],
  flexible: 2,
  fields: { dirs: array({ path: string, topics: array({ name: string, partitions: array(int32) }) }) },
})
export type AlterReplicaLogDirsRequest = Message<typeof AlterReplicaLogDirsRequest>

export const AlterReplicaLogDirsResponse = message({
  api: 34,
  versions: [1, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    results: array({ topicName: string, partitions: array({ partitionIndex: int32, errorCode: int16 }) }),
  },
})
export type AlterReplicaLogDirsResponse = Message<typeof AlterReplicaLogDirsResponse>

export const AlterReplicaLogDirs = api({
  name: 'AlterReplicaLogDirs',
  request: AlterReplicaLogDirsRequest,
  response: AlterReplicaLogDirsResponse,
})
