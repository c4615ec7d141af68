/**
 * AlterReplicaLogDirs, versions 1 and 2: the one directory that there is has every partition already.
 *
 * Departures from Apache Kafka: none known.
 */
import { AlterReplicaLogDirs } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'
import { logDirectory } from './describe-log-dirs.ts'

export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, {
  async handle({ dirs }, context) {
    const partitions = new Map<string, { readonly partitionIndex: number; readonly errorCode: number }[]>()
    for (const { path, topics } of dirs) {
      for (const { name, partitions: indexes } of topics) {
        const codeOf = path === logDirectory ? await codesOf(name, context) : () => errorCodes.LOG_DIR_NOT_FOUND
        const told = indexes.map(partitionIndex => ({ partitionIndex, errorCode: codeOf(partitionIndex) }))
        partitions.set(name, [...(partitions.get(name) ?? []), ...told])
      }
    }
    return {
      throttleTimeMs: 0,
      results: [...partitions].map(([topicName, partitions]) => ({ topicName, partitions })),
    }
  },
})

/** Of a topic's partitions: they are there already, or are not at all. */
async function codesOf(
  name: string,
  context: Parameters<typeof lookUpTopic>[1],
): Promise<(partition: number) => number> {
  const topic = await lookUpTopic({ name }, context)
  if (typeof topic === 'number') return () => topic
  return partition => (partition >= 0 && partition < topic.partitions ? 0 : errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
}
