/**
 * ShareFetch, versions 1 and 2 (KIP-932, 1206, 1222): acknowledges, then acquires records for a share group's member. What
 * it fetches from is kept in a share session, which ends with its connection. While it waits, the connection's next request
 * may begin.
 *
 * Departures from Apache Kafka: every acquisition is stored before it is answered, so the records that a member holds stay
 * its own when the gateway goes, until their locks run out; records of a member whose connection broke come back with
 * their delivery counted, so that a record which kills its readers is given up in the end.
 */
import {
  type Message,
  type MessageInput,
  ShareFetch,
  type ShareFetchRequest,
  type ShareFetchResponse,
} from '../../protocol/index.ts'
import {
  type AcquiredSpan,
  checkConsumer,
  FINAL_EPOCH,
  INITIAL_EPOCH,
  keyOf,
  ShareError,
  type ShareSession,
} from '../../share/index.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { handler, type RequestContext } from '../handler.ts'
import { type AcknowledgeOutcome, acknowledgeAll } from '../share-acknowledgements.ts'
import { ShareFetchRound, type SharePart } from '../share-fetch-round.ts'
import { leaderEpoch, lookUpTopic } from '../topic-lookup.ts'

type Request = Message<typeof ShareFetchRequest>
type Response = MessageInput<typeof ShareFetchResponse>
type PartitionAnswer = Response['responses'][number]['partitions'][number]

/** ShareAcquireMode: never more than MaxRecords. */
const recordLimit = 1
/** A request that sets no limit. */
const batchSizeDefault = 500

export const shareFetch = handler(ShareFetch, {
  async handle(request, context) {
    const consumer = { groupId: request.groupId ?? '', memberId: request.memberId ?? '' }
    try {
      checkConsumer(consumer)
      checkRenewal(request)
      const acquisitionLockTimeoutMs = await context.shares.records.lockDurationMs(consumer.groupId)
      const answered = await fetchInSession(request, consumer, context)
      return { throttleTimeMs: 0, errorCode: 0, errorMessage: null, acquisitionLockTimeoutMs, ...answered }
    } catch (error) {
      return {
        throttleTimeMs: 0,
        errorCode: errorCodeOf(error, context.logger),
        errorMessage: errorMessageOf(error),
        acquisitionLockTimeoutMs: 0,
        responses: [],
        nodeEndpoints: [],
      }
    }
  },
})

/** A renewal fetches nothing, for that might take longer than the lock (KIP-1222). */
function checkRenewal({ isRenewAck, maxBytes, minBytes, maxRecords, maxWaitMs }: Request): void {
  if (isRenewAck && (maxBytes !== 0 || minBytes !== 0 || maxRecords !== 0 || maxWaitMs !== 0)) {
    throw new ShareError('INVALID_REQUEST', 'A renewal must ask for no records: its limits must be 0.')
  }
}

async function fetchInSession(
  request: Request,
  consumer: { readonly groupId: string; readonly memberId: string },
  context: RequestContext,
): Promise<Pick<Response, 'responses' | 'nodeEndpoints'>> {
  const { shares } = context
  const { shareSessionEpoch: epoch, topics, isRenewAck } = request
  if (epoch === FINAL_EPOCH) {
    const session = shares.records.sessions.find(consumer)
    const outcomes = await acknowledgeAll(session, topics, isRenewAck, context)
    await shares.records.endSession(session, { unseen: true })
    return answer([], outcomes, context)
  }
  const session =
    epoch === INITIAL_EPOCH
      ? await openSession(request, consumer, context)
      : shares.records.sessions.next(consumer, epoch)
  if (epoch !== INITIAL_EPOCH) {
    session.add(placesOf(topics))
    session.forget(
      request.forgottenTopicsData.flatMap(({ topicId, partitions }) =>
        partitions.map(partition => ({ topicId, partition })),
      ),
    )
  }
  const outcomes = await acknowledgeAll(session, topics, isRenewAck, context)
  if (isRenewAck) return answer([], outcomes, context)
  const { maxWaitMs, minBytes, maxBytes, maxRecords, shareAcquireMode } = request
  const limits = { maxWaitMs, minBytes, maxBytes, maxRecords, strict: shareAcquireMode === recordLimit }
  const round = await ShareFetchRound.of(session, limits, context)
  await round.acquireOrWait()
  return answer(newsOf(round.parts, session, outcomes), outcomes, context, request.batchSize)
}

/** The session ends with the connection: then nobody hears its answers. */
async function openSession(
  { topics }: Request,
  consumer: { readonly groupId: string; readonly memberId: string },
  context: RequestContext,
): Promise<ShareSession> {
  const { shares, signal } = context
  if (topics.some(({ partitions }) => partitions.some(one => one.acknowledgementBatches.length > 0))) {
    throw new ShareError('INVALID_REQUEST', 'The first request of a share session has nothing to acknowledge.')
  }
  const places = placesOf(topics)
  const session = shares.records.openSession(consumer, places, signal)
  const found = await Promise.all(
    places.map(async ({ topicId, partition }) => ({ topic: await lookUpTopic({ id: topicId }, context), partition })),
  )
  const known = found.flatMap(({ topic, partition }) =>
    typeof topic === 'number' || partition < 0 || partition >= topic.partitions ? [] : [{ topic, partition }],
  )
  await shares.records.begin(consumer, known)
  return session
}

function placesOf(topics: Request['topics']) {
  return topics.flatMap(({ topicId, partitions }) =>
    partitions.map(({ partitionIndex }) => ({ topicId, partition: partitionIndex })),
  )
}

/** What the member does not know yet: records, errors, and partitions that it was never told of. */
function newsOf(
  parts: readonly SharePart[],
  session: ShareSession,
  outcomes: readonly AcknowledgeOutcome[],
): SharePart[] {
  const acknowledged = new Set(outcomes.map(keyOf))
  return parts.filter(part => {
    const key = keyOf(part)
    const isNews =
      part.errorCode !== 0 || part.acquired?.spans.length || acknowledged.has(key) || !session.told.has(key)
    if (part.errorCode === 0) session.told.add(key)
    else session.told.delete(key)
    return isNews
  })
}

function answer(
  parts: readonly SharePart[],
  outcomes: readonly AcknowledgeOutcome[],
  { cluster }: RequestContext,
  batchSize = batchSizeDefault,
): Pick<Response, 'responses' | 'nodeEndpoints'> {
  const byKey = new Map(outcomes.map(outcome => [keyOf(outcome), outcome]))
  const asked = new Set(parts.map(keyOf))
  const alone = outcomes.filter(outcome => !asked.has(keyOf(outcome)))
  const partitions = [
    ...parts.map(part => ({
      topicId: part.topicId,
      partition: answerPart(part, byKey.get(keyOf(part)), batchSize, cluster),
    })),
    ...alone.map(outcome => ({ topicId: outcome.topicId, partition: answerOutcome(outcome) })),
  ]
  const isElsewhere = parts.some(({ errorCode }) => errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER)
  return {
    responses: [...Map.groupBy(partitions, ({ topicId }) => topicId)].map(([topicId, some]) => ({
      topicId,
      partitions: some.map(({ partition }) => partition),
    })),
    nodeEndpoints: isElsewhere
      ? cluster.gateways().map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack }))
      : [],
  }
}

function answerOutcome({ partition, errorCode, errorMessage }: AcknowledgeOutcome): PartitionAnswer {
  return {
    partitionIndex: partition,
    errorCode: 0,
    errorMessage: null,
    acknowledgeErrorCode: errorCode,
    acknowledgeErrorMessage: errorMessage,
    currentLeader: { leaderId: 0, leaderEpoch: 0 },
    records: [],
    acquiredRecords: [],
  }
}

function answerPart(
  { topic, topicId, partition, errorCode, errorMessage, acquired }: SharePart,
  outcome: AcknowledgeOutcome | undefined,
  batchSize: number,
  cluster: RequestContext['cluster'],
): PartitionAnswer {
  const isElsewhere = topic && errorCode === errorCodes.NOT_LEADER_OR_FOLLOWER
  const leaderId = isElsewhere ? cluster.leaderOf(topicId, Math.floor(partition / topic.shardSize)).nodeId : 0
  return {
    partitionIndex: partition,
    errorCode,
    errorMessage,
    acknowledgeErrorCode: outcome?.errorCode ?? 0,
    acknowledgeErrorMessage: outcome?.errorMessage ?? null,
    currentLeader: { leaderId, leaderEpoch },
    records: acquired?.batches ?? [],
    acquiredRecords: (acquired?.spans ?? []).flatMap(span => inBatches(span, batchSize)),
  }
}

/** Clients acknowledge in the ranges that they are given. */
function inBatches({ first, last, deliveries }: AcquiredSpan, batchSize: number) {
  const size = batchSize > 0 ? batchSize : batchSizeDefault
  return Array.from({ length: Math.ceil((last - first + 1) / size) }, (_, i) => ({
    firstOffset: first + i * size,
    lastOffset: Math.min(last, first + (i + 1) * size - 1),
    deliveryCount: deliveries,
  }))
}
