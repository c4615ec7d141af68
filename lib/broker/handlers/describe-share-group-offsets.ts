/**
 * DescribeShareGroupOffsets, versions 0 and 1 (KIP-932, 1226): where share groups stand in partitions; from version 1 on with
 * the lag: the records from there on that are not done. Without topics: everything the group has begun to read.
 *
 * Departures from Apache Kafka: where a group begins in a partition is kept, and told, from the first fetch on, not from the first acknowledgement.
 */
import {
  DescribeShareGroupOffsets,
  type DescribeShareGroupOffsetsRequest,
  type DescribeShareGroupOffsetsResponse,
  type Message,
  type MessageInput,
  zeroUuid,
} from '../../protocol/index.ts'
import { ShareError, type SharePosition } from '../../share/index.ts'
import { checkCoordinates } from '../coordination.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { unknownPartition } from '../kafka-texts.ts'
import { leaderEpoch, lookUpTopic } from '../topic-lookup.ts'

type GroupAsked = Message<typeof DescribeShareGroupOffsetsRequest>['groups'][number]
type GroupAnswer = MessageInput<typeof DescribeShareGroupOffsetsResponse>['groups'][number]
type TopicAnswer = GroupAnswer['topics'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]

/** The group has not begun to read the partition. */
const nowhere = -1

export const describeShareGroupOffsets = handler(DescribeShareGroupOffsets, {
  async handle({ groups }, context) {
    return { throttleTimeMs: 0, groups: await Promise.all(groups.map(group => describeGroup(group, context))) }
  },
})

async function describeGroup({ groupId, topics }: GroupAsked, context: RequestContext): Promise<GroupAnswer> {
  try {
    checkCoordinates(groupId, context)
    const positions = await positionsOf(groupId, context)
    const answers = topics
      ? topics.map(({ topicName, partitions }) => describeTopic({ name: topicName }, partitions, positions, context))
      : [...Map.groupBy(positions, ({ topicId }) => topicId)].map(([id, some]) =>
          describeTopic(
            { id },
            some.map(({ partition }) => partition),
            positions,
            context,
          ),
        )
    const described = await Promise.all(answers)
    return { groupId, topics: described.filter(topic => topic !== undefined), errorCode: 0, errorMessage: null }
  } catch (error) {
    return {
      groupId,
      topics: [],
      errorCode: errorCodeOf(error, context.logger),
      errorMessage: errorMessageOf(error),
    }
  }
}

/** A group that is not there has begun to read nothing. */
async function positionsOf(groupId: string, { shares }: RequestContext): Promise<readonly SharePosition[]> {
  try {
    return await shares.positions(groupId)
  } catch (error) {
    if (error instanceof ShareError && error.code === 'GROUP_ID_NOT_FOUND') return []
    throw error
  }
}

/** Undefined: a topic that is gone, whose name nobody knows. */
async function describeTopic(
  key: { readonly name: string } | { readonly id: string },
  partitions: readonly number[],
  positions: readonly SharePosition[],
  context: RequestContext,
): Promise<TopicAnswer | undefined> {
  const topic = await lookUpTopic(key, context)
  if (typeof topic === 'number') {
    if ('id' in key) return undefined
    const refused = partitions.map(partitionIndex => ({
      ...{ partitionIndex, startOffset: nowhere, leaderEpoch, lag: -1 },
      ...{ errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: unknownPartition },
    }))
    return { topicName: key.name, topicId: zeroUuid, partitions: refused }
  }
  const describe = async (partitionIndex: number): Promise<PartitionAnswer> => {
    const position = positions.find(one => one.topicId === topic.id && one.partition === partitionIndex)
    const answer = { partitionIndex, startOffset: nowhere, leaderEpoch, lag: -1, errorCode: 0, errorMessage: null }
    if (!position) return answer
    try {
      const spec = { at: 'latest', isolation: 'read_uncommitted' } as const
      const { offset } = await context.log.findOffset(topic, partitionIndex, spec)
      const lag = Math.max(0, offset - position.start - position.done)
      return { ...answer, startOffset: position.start, lag }
    } catch (error) {
      return { ...answer, errorCode: errorCodeOf(error, context.logger), errorMessage: errorMessageOf(error) }
    }
  }
  return { topicName: topic.name, topicId: topic.id, partitions: await Promise.all(partitions.map(describe)) }
}
