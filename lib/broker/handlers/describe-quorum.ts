/**
 * DescribeQuorum, versions 0 to 2. There are no controllers that vote, and no log of metadata.
 *
 * Departures from Apache Kafka: the partition of the metadata is not hosted, as any other one.
 */
import { DescribeQuorum } from '../../protocol/index.ts'
import { errorCodes } from '../errors.ts'
import { handler } from '../handler.ts'
import { unknownPartition } from '../kafka-texts.ts'

export const describeQuorum = handler(DescribeQuorum, {
  handle({ topics }) {
    return {
      errorCode: 0,
      errorMessage: '',
      topics: topics.map(({ topicName, partitions }) => ({
        topicName,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
          errorMessage: unknownPartition,
          leaderId: 0,
          leaderEpoch: 0,
          highWatermark: 0,
          currentVoters: [],
          observers: [],
        })),
      })),
      nodes: [],
    }
  },
})
