/**
 * OffsetForLeaderEpoch, versions 2 to 4 (KIP-320). There is one epoch, 0, which ends where the log does.
 *
 * Departures from Apache Kafka: none known.
 */
import { type Message, OffsetForLeaderEpoch, type OffsetForLeaderEpochRequest } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { leaderEpoch, leaderEpochError, lookUpTopic } from '../topic-lookup.ts'

type Asked = Message<typeof OffsetForLeaderEpochRequest>['topics'][number]['partitions'][number]

const undefinedEpoch = { leaderEpoch: -1, endOffset: -1 }

export const offsetForLeaderEpoch = handler(OffsetForLeaderEpoch, {
  async handle(request, context) {
    return {
      throttleTimeMs: 0,
      topics: await Promise.all(
        request.topics.map(async ({ topic, partitions }) => ({
          topic,
          partitions: await Promise.all(partitions.map(partition => findEnd(topic, partition, context))),
        })),
      ),
    }
  },
})

async function findEnd(name: string, asked: Asked, broker: Broker) {
  const { partition } = asked
  const topic = await lookUpTopic({ name }, broker)
  if (typeof topic === 'number') return { errorCode: topic, partition, ...undefinedEpoch }
  if (partition < 0 || partition >= topic.partitions) {
    return { errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, partition, ...undefinedEpoch }
  }
  const errorCode = leaderEpochError(asked.currentLeaderEpoch)
  if (errorCode !== 0 || asked.leaderEpoch !== leaderEpoch) return { errorCode, partition, ...undefinedEpoch }
  try {
    const { offset } = await broker.log.findOffset(topic, partition, { at: 'latest', isolation: 'read_uncommitted' })
    return { errorCode: 0, partition, leaderEpoch, endOffset: offset }
  } catch (error) {
    return { errorCode: errorCodeOf(error, broker.logger), partition, ...undefinedEpoch }
  }
}
