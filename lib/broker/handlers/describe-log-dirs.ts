/**
 * DescribeLogDirs, versions 1 to 5: one directory, which stands for the stores, with the bytes of each partition's records.
 * Every gateway serves every partition, so each tells of all.
 *
 * Departures from Apache Kafka: the directory is no path, and has no size of its own.
 */
import { inParallel } from '../../base/index.ts'
import type { Topic } from '../../log/index.ts'
import { DescribeLogDirs, type DescribeLogDirsRequest, type Message } from '../../protocol/index.ts'
import { errorCodeOf } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'

type Asked = NonNullable<Message<typeof DescribeLogDirsRequest>['topics']>

/** Partitions whose size is looked up at once. */
const parallelMax = 16

export const logDirectory = 'varve'

export const describeLogDirs = handler(DescribeLogDirs, {
  async handle(request, context) {
    try {
      const wanted = request.topics === null ? await all(context) : await named(request.topics, context)
      const topics = await Promise.all(
        wanted.map(async ({ topic, partitions }) => ({
          name: topic.name,
          partitions: await inParallel(partitions, parallelMax, async partitionIndex => ({
            partitionIndex,
            partitionSize: await context.log.sizeOf(topic, partitionIndex),
            offsetLag: 0,
            isFutureKey: false,
          })),
        })),
      )
      const directory = { errorCode: 0, logDir: logDirectory, topics, totalBytes: -1, usableBytes: -1 }
      return { throttleTimeMs: 0, errorCode: 0, results: [directory] }
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: errorCodeOf(error, context.logger), results: [] }
    }
  },
})

interface Wanted {
  readonly topic: Topic
  readonly partitions: readonly number[]
}

async function all({ log }: Broker): Promise<Wanted[]> {
  const topics = await log.topics.list()
  return topics.map(topic => ({ topic, partitions: Array.from({ length: topic.partitions }, (_, index) => index) }))
}

/** What does not exist is left out, as Kafka does. */
async function named(asked: Asked, { log }: Broker): Promise<Wanted[]> {
  const found = await Promise.all(
    asked.map(async ({ topic: name, partitions }) => {
      const topic = await log.topics.find({ name })
      return topic && { topic, partitions: partitions.filter(index => index >= 0 && index < topic.partitions) }
    }),
  )
  return found.filter(wanted => wanted !== undefined && wanted.partitions.length > 0) as Wanted[]
}
