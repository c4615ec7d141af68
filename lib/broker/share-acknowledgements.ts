/** The acknowledgements in a ShareFetch or a ShareAcknowledge: from wire to share partition, each partition for itself. */
import type { AcknowledgementBatch, AcknowledgeType, ShareError, ShareSession } from '../share/index.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from './errors.ts'
import type { RequestContext } from './handler.ts'
import { lookUpTopic } from './topic-lookup.ts'

/** By Kafka's numbers. */
const typeNames: readonly AcknowledgeType[] = ['gap', 'accept', 'release', 'reject', 'renew']
const renewType = 4

export interface AcknowledgedTopic {
  readonly topicId: string
  readonly partitions: readonly AcknowledgedPartition[]
}

interface AcknowledgedPartition {
  readonly partitionIndex: number
  readonly acknowledgementBatches: readonly {
    readonly firstOffset: number
    readonly lastOffset: number
    readonly acknowledgeTypes: readonly number[]
  }[]
}

export interface AcknowledgeOutcome {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** One outcome for each partition that has acknowledgements, in order. */
export async function acknowledgeAll(
  session: ShareSession,
  topics: readonly AcknowledgedTopic[],
  isRenewal: boolean,
  context: RequestContext,
): Promise<AcknowledgeOutcome[]> {
  const work = topics.flatMap(({ topicId, partitions }) =>
    partitions
      .filter(({ acknowledgementBatches }) => acknowledgementBatches.length > 0)
      .map(async partition => ({
        topicId,
        partition: partition.partitionIndex,
        ...(await acknowledgeOne(session, topicId, partition, { isRenewal, context })),
      })),
  )
  return Promise.all(work)
}

async function acknowledgeOne(
  session: ShareSession,
  topicId: string,
  { partitionIndex, acknowledgementBatches }: AcknowledgedPartition,
  { isRenewal, context }: { readonly isRenewal: boolean; readonly context: RequestContext },
): Promise<Pick<AcknowledgeOutcome, 'errorCode' | 'errorMessage'>> {
  const topic = await lookUpTopic({ id: topicId }, context)
  if (typeof topic === 'number') return { errorCode: topic, errorMessage: null }
  const types = acknowledgementBatches.flatMap(({ acknowledgeTypes }) => acknowledgeTypes)
  if (types.some(type => !typeNames[type] || (type === renewType && !isRenewal))) {
    return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: 'Unknown acknowledge type.' }
  }
  try {
    if (types.includes(renewType) && !(await context.shares.records.mayRenew(session.groupId))) {
      return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: 'Renewing is disabled for the group.' }
    }
    await context.shares.records.acknowledge({
      ...{ groupId: session.groupId, memberId: session.memberId, session: session.number },
      topic,
      partition: partitionIndex,
      batches: batchesOf(acknowledgementBatches),
    })
    return { errorCode: 0, errorMessage: null }
  } catch (error) {
    return { errorCode: partitionErrorOf(error, context), errorMessage: errorMessageOf(error) }
  }
}

function batchesOf(batches: AcknowledgedPartition['acknowledgementBatches']): AcknowledgementBatch[] {
  return batches.map(({ firstOffset, lastOffset, acknowledgeTypes }) => ({
    first: firstOffset,
    last: lastOffset,
    types: acknowledgeTypes.map(type => typeNames[type]!),
  }))
}

/** Share consumers expect of a partition the errors that a broker's log has, not those of a coordinator. */
export function partitionErrorOf(error: unknown, { logger }: RequestContext): number {
  const code = errorCodeOf(error, logger)
  const isOfStore = ['COORDINATOR_NOT_AVAILABLE', 'REQUEST_TIMED_OUT'].includes(
    (error as Partial<ShareError>).code ?? '',
  )
  return isOfStore ? errorCodes.KAFKA_STORAGE_ERROR : code
}
