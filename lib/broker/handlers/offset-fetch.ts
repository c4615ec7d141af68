/**
 * OffsetFetch, versions 1 to 10: one group up to version 7, several from 8 on; topics by name up to 9, by id from 10 on;
 * null topics: all that the group committed. Read strongly, by any gateway. What was not committed, for whatever group
 * or topic name, is -1 without an error. A member of a consumer group that says its epoch (from version 9 on) must be in it.
 *
 * Departures from Apache Kafka: none known. A store that does not answer is NOT_COORDINATOR, which all clients retry.
 */
import type { CommittedOffset, FetchOffsetsRequest } from '../../groups/index.ts'
import type { Topic } from '../../log/index.ts'
import { type Message, OffsetFetch, type OffsetFetchRequest, zeroUuid } from '../../protocol/index.ts'
import { errorCodeOf, errorCodes } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'

type Request = Message<typeof OffsetFetchRequest>
type AskedTopic = NonNullable<Request['groups'][number]['topics']>[number]

interface AskedGroup {
  readonly groupId: string
  readonly topics: readonly AskedTopic[] | null
  readonly memberId: string | null
  readonly memberEpoch: number
}

interface PartitionAnswer {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly metadata: string
  readonly errorCode: number
}

interface TopicAnswer {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly PartitionAnswer[]
}

const groupErrorVersion = 2
const batchVersion = 8
const topicIdVersion = 10

/** What clients do not expect here becomes what makes all of them look for the coordinator and try again. */
const retriedAsNotCoordinator: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.KAFKA_STORAGE_ERROR,
  errorCodes.NOT_ENOUGH_REPLICAS,
  errorCodes.REQUEST_TIMED_OUT,
])

export const offsetFetch = handler(OffsetFetch, {
  async handle(request, context) {
    if (context.apiVersion >= batchVersion) {
      const answers = request.groups.map(async group => {
        return { groupId: group.groupId, ...(await answerGroup(group, request.requireStable, context)) }
      })
      return { groups: await Promise.all(answers) }
    }
    const asked = askedOf(request)
    const { errorCode, topics } = await answerGroup(asked, request.requireStable, context)
    if (errorCode === 0 || context.apiVersion >= groupErrorVersion) return { errorCode, topics }
    return { topics: (asked.topics ?? []).map(topic => nothingOf(topic, errorCode)) }
  },
})

function askedOf({ groupId, topics }: Request): AskedGroup {
  const asked = topics?.map(topic => ({ ...topic, topicId: zeroUuid })) ?? null
  return { groupId, topics: asked, memberId: null, memberEpoch: -1 }
}

async function answerGroup(
  asked: AskedGroup,
  requireStable: boolean,
  context: RequestContext,
): Promise<{ errorCode: number; topics: TopicAnswer[] }> {
  const { groupId } = asked
  const reader = { groupId, requireStable, memberId: asked.memberId ?? undefined, memberEpoch: asked.memberEpoch }
  try {
    if (asked.topics === null) {
      const all = await context.groups.fetchOffsets({ ...reader, partitions: undefined })
      return { errorCode: 0, topics: await answerAll(all, context) }
    }
    return { errorCode: 0, topics: await answerTopics(reader, asked.topics, context) }
  } catch (error) {
    const code = errorCodeOf(error, context.logger)
    return { errorCode: retriedAsNotCoordinator.has(code) ? errorCodes.NOT_COORDINATOR : code, topics: [] }
  }
}

async function answerTopics(
  reader: Omit<FetchOffsetsRequest, 'partitions'>,
  asked: readonly AskedTopic[],
  { groups, log, apiVersion }: RequestContext,
): Promise<TopicAnswer[]> {
  const byId = apiVersion >= topicIdVersion
  const found = await Promise.all(asked.map(({ name, topicId }) => log.topics.find(byId ? { id: topicId } : { name })))
  const partitions = asked.flatMap(({ partitionIndexes }, index) => {
    const topic = found[index]
    return topic ? partitionIndexes.map(partition => ({ topicId: topic.id, partition })) : []
  })
  const offsets = (await groups.fetchOffsets({ ...reader, partitions })).values()
  return asked.map((topic, index) => {
    if (!found[index]) return nothingOf(topic, byId ? errorCodes.UNKNOWN_TOPIC_ID : 0)
    return answerOf(
      topic,
      topic.partitionIndexes.map(() => partitionAnswer(offsets.next().value!)),
    )
  })
}

/** Topics that are gone are left out. */
async function answerAll(offsets: readonly CommittedOffset[], { log }: RequestContext): Promise<TopicAnswer[]> {
  const byTopic = [...Map.groupBy(offsets, ({ topicId }) => topicId)]
  const answers = byTopic.map(async ([id, committed]): Promise<TopicAnswer[]> => {
    const topic: Topic | undefined = await log.topics.find({ id })
    return topic ? [{ name: topic.name, topicId: id, partitions: committed.map(partitionAnswer) }] : []
  })
  return (await Promise.all(answers)).flat()
}

function partitionAnswer({ partition, offset, leaderEpoch, metadata, error }: CommittedOffset): PartitionAnswer {
  return {
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: error === undefined ? 0 : errorCodes[error],
  }
}

function nothingOf(topic: AskedTopic, errorCode: number): TopicAnswer {
  const nothing = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
  return answerOf(
    topic,
    topic.partitionIndexes.map(partitionIndex => ({ partitionIndex, ...nothing })),
  )
}

function answerOf({ name, topicId }: AskedTopic, partitions: readonly PartitionAnswer[]): TopicAnswer {
  return { name, topicId, partitions }
}
