/**
 * AlterReplicaLogDirs, versions 1 and 2: there is no directory to move a replica to.
 *
 * Departures from Apache Kafka: none known.
 */
import { AlterReplicaLogDirs } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'

export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, {
  handle({ dirs }) {
    const partitions = new Map<string, number[]>()
    for (const { name, partitions: indexes } of dirs.flatMap(({ topics }) => topics)) {
      partitions.set(name, [...(partitions.get(name) ?? []), ...indexes])
    }
    return {
      throttleTimeMs: 0,
      results: [...partitions].map(([topicName, indexes]) => ({
        topicName,
        partitions: indexes.map(partitionIndex => ({ partitionIndex, errorCode: errorCodes.LOG_DIR_NOT_FOUND })),
      })),
    }
  },
})
