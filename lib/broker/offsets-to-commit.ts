/** The offsets that a request wants to have committed, now (OffsetCommit) or with a transaction (TxnOffsetCommit): both name them alike. */
import type { NewOffset } from '../groups/index.ts'
import type { Topic } from '../log/index.ts'
import { errorCodes } from './errors.ts'
import type { RequestContext } from './handler.ts'
import { lookUpTopic } from './topic-lookup.ts'

interface AskedTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly AskedPartition[]
}

interface AskedPartition {
  readonly partitionIndex: number
  readonly committedOffset: number
  readonly committedLeaderEpoch: number
  readonly committedMetadata: string | null
}

interface CommitOfOffsets {
  readonly topics: readonly AskedTopic[]
  /** Whether topics are named by id. */
  readonly byId: boolean
  /** Answers with an error code for each, in their order. Not called without any. */
  readonly commit: (offsets: readonly NewOffset[]) => Promise<readonly number[]>
}

/** The topics as a response has them, each partition with its error code. */
export async function commitOffsets({ topics, byId, commit }: CommitOfOffsets, context: RequestContext) {
  const found = await Promise.all(
    topics.map(({ name, topicId }) => lookUpTopic(byId ? { id: topicId } : { name }, context)),
  )
  const offsets = topics.flatMap(({ partitions }, index) => {
    const topic = found[index]!
    if (typeof topic === 'number') return []
    return partitions.filter(asked => isPartition(topic, asked)).map(asked => newOffset(topic, asked))
  })
  const codes = (offsets.length > 0 ? await commit(offsets) : []).values()
  return topics.map(({ name, topicId, partitions }, index) => ({
    name,
    topicId,
    partitions: partitions.map(asked => ({
      partitionIndex: asked.partitionIndex,
      errorCode: refusalOf(found[index]!, asked) ?? codes.next().value!,
    })),
  }))
}

function refusalOf(topic: Topic | number, asked: AskedPartition): number | undefined {
  if (typeof topic === 'number') return topic
  return isPartition(topic, asked) ? undefined : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
}

function isPartition(topic: Topic, { partitionIndex }: AskedPartition): boolean {
  return partitionIndex >= 0 && partitionIndex < topic.partitions
}

function newOffset(topic: Topic, asked: AskedPartition): NewOffset {
  return {
    topicId: topic.id,
    partition: asked.partitionIndex,
    offset: asked.committedOffset,
    leaderEpoch: asked.committedLeaderEpoch,
    metadata: asked.committedMetadata ?? '',
  }
}
