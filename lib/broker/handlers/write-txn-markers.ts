/**
 * WriteTxnMarkers, versions 1 and 2: what Admin.abortTransaction sends for a transaction that hangs in a partition
 * (KIP-664). Gateways have no need of it among each other.
 *
 * Departures from Apache Kafka: a transaction that its transactional id knows of is aborted as a whole, so that no reader
 * sees a part of it; a producer without an open transaction gets no marker; a commit is refused.
 */
import { type Message, WriteTxnMarkers, type WriteTxnMarkersRequest } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'

type Marker = Message<typeof WriteTxnMarkersRequest>['markers'][number]

export const writeTxnMarkers = handler(WriteTxnMarkers, {
  async handle(request, context) {
    const markers = request.markers.map(async marker => {
      const topics = marker.topics.map(async ({ name, partitionIndexes }) => {
        const partitions = partitionIndexes.map(async partitionIndex => {
          return { partitionIndex, errorCode: await abort(marker, name, partitionIndex, context) }
        })
        return { name, partitions: await Promise.all(partitions) }
      })
      return { producerId: marker.producerId, topics: await Promise.all(topics) }
    })
    return { markers: await Promise.all(markers) }
  },
})

async function abort(marker: Marker, name: string, partition: number, context: RequestContext): Promise<number> {
  const { producerId, producerEpoch, transactionResult } = marker
  if (transactionResult) return errorCodes.INVALID_REQUEST
  const topic = await lookUpTopic({ name }, context)
  if (typeof topic === 'number') return topic
  if (partition < 0 || partition >= topic.partitions) return errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  try {
    await context.transactions.abort({ topic, partition, producerId, producerEpoch })
    return 0
  } catch (error) {
    return errorCodeOf(error, context.logger)
  }
}
