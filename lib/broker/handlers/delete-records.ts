/**
 * DeleteRecords, versions 0 to 2: the first offset of partitions moves up; offset -1 is the high watermark. Each partition
 * succeeds or fails for itself, and answers its first offset as the low watermark, -1 where it failed.
 *
 * Departures from Apache Kafka: a gateway that has read the partition a moment ago may still serve what was deleted through
 * another for some seconds.
 */
import { DeleteRecords, type DeleteRecordsRequest, type Message } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { type Broker, handler } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'
import { writeTimeMs } from '../write-time.ts'

type TopicAsked = Message<typeof DeleteRecordsRequest>['topics'][number]

const highWatermark = -1
const noLowWatermark = -1

export const deleteRecords = handler(DeleteRecords, {
  async handle(request, context) {
    const topics = request.topics.map(topic => deleteInTopic(topic, writeTimeMs(request.timeoutMs), context))
    return { throttleTimeMs: 0, topics: await Promise.all(topics) }
  },
})

async function deleteInTopic({ name, partitions }: TopicAsked, timeoutMs: number, broker: Broker) {
  const topic = await lookUpTopic({ name }, broker)
  const answers = partitions.map(async ({ partitionIndex, offset }) => {
    const refuse = (errorCode: number) => ({ partitionIndex, lowWatermark: noLowWatermark, errorCode })
    if (typeof topic === 'number') return refuse(topic)
    if (offset < highWatermark) return refuse(errorCodes.OFFSET_OUT_OF_RANGE)
    const before = offset === highWatermark ? 'end' : offset
    try {
      const asked = { topic, partition: partitionIndex, before, timeoutMs } as const
      return { partitionIndex, lowWatermark: await broker.log.deleteRecords(asked), errorCode: 0 }
    } catch (error) {
      return refuse(errorCodeOf(error, broker.logger))
    }
  })
  return { name, partitions: await Promise.all(answers) }
}
