/**
 * Produce, versions 3 to 13 (0 to 13 are advertised, as Kafka does). Each partition's bytes must be exactly one record
 * batch; partitions succeed or fail each for itself. The batches reach the log in the order received before the
 * connection's next request begins; their appends run side by side. A client that wants no answer (acks=0) learns of an
 * error by the connection's end.
 *
 * A transaction's batches go to the log when its document has their partitions: from version 12 on (KIP-890) they are added here,
 * before, they must have been (AddPartitionsToTxn).
 *
 * Departures from Apache Kafka: acks=1 waits as acks=all does, for there is one way to be durable; an idempotent producer that is less than about a day old must begin at sequence 0 in a partition that knows nothing of it (also where its topic was deleted and made again), where Kafka takes any sequence.
 */
import type { Logger } from '../../base/index.ts'
import { type Appended, type AppendRequest, LogError, type Topic } from '../../log/index.ts'
import {
  type Message,
  type MessageInput,
  Produce,
  type ProduceRequest,
  type ProduceResponse,
} from '../../protocol/index.ts'
import { viewBatch } from '../../records/index.ts'
import { errorCodeOf, errorCodes, errorMessageOf } from '../errors.ts'
import { CloseConnection, handler, noResponse, type RequestContext } from '../handler.ts'
import { lookUpTopic } from '../topic-lookup.ts'
import { admissionCodeOf } from '../transaction-codes.ts'
import { writeTimeMs } from '../write-time.ts'

type Request = Message<typeof ProduceRequest>
type PartitionData = Request['topicData'][number]['partitionData'][number]
type PartitionAnswer = MessageInput<typeof ProduceResponse>['responses'][number]['partitionResponses'][number]

const topicIdVersion = 13
/** Produce adds the partition to its transaction (KIP-890). */
const secondProtocolVersion = 12
const transactionVersions = { abortable: 11, concurrent: secondProtocolVersion, retry: errorCodes.NOT_ENOUGH_REPLICAS }
/** Before this version clients need not know zstd, so no consumer might read it. */
const zstdVersion = 7

export const produce = handler(Produce, {
  async handle(request, context) {
    const refusal = refusalOf(request)
    const byId = context.apiVersion >= topicIdVersion
    const topics = await Promise.all(
      request.topicData.map(({ name, topicId }) => lookUpTopic(byId ? { id: topicId } : { name }, context)),
    )
    const admission = refusal === undefined ? await admit(request, topics, context) : {}
    // No await between here and `letNextBegin`: the log gets the batches in the order of the requests.
    const answers = request.topicData.flatMap((data, index) =>
      data.partitionData.map(partition =>
        refusal === undefined
          ? appendBatch({ partition, request, found: topics[index]!, admission }, context)
          : refuse(partition.index, refusal, null),
      ),
    )
    context.letNextBegin()
    const partitions = await Promise.all(answers)
    const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitions.splice(0, partitionData.length),
    }))
    if (request.acks !== 0) return { responses, throttleTimeMs: 0 }
    const failed = responses.flatMap(topic => topic.partitionResponses).find(partition => partition.errorCode !== 0)
    if (failed) throw new CloseConnection(`a batch with acks=0 failed with error ${failed.errorCode}`)
    return noResponse
  },
})

/** Why the whole request is refused. */
function refusalOf(request: Request): number | undefined {
  if (request.acks < -1 || request.acks > 1) return errorCodes.INVALID_REQUIRED_ACKS
  return undefined
}

/** The transaction that takes the request's transactional batches, or why none does; empty where there are no such batches. */
interface Admission {
  readonly transaction?: number
  readonly refusal?: { readonly code: number; readonly message: string | null }
}

async function admit(
  request: Request,
  topics: readonly (Topic | number)[],
  context: RequestContext,
): Promise<Admission> {
  const { transactionalId } = request
  if (transactionalId === null) return {}
  const batches = request.topicData.flatMap(({ partitionData }, index) => {
    const topic = topics[index]!
    return typeof topic === 'number' ? [] : partitionData.flatMap(partition => transactionalBatch(topic, partition))
  })
  const [first] = batches
  if (!first) return {}
  const { producerId, producerEpoch } = first
  if (batches.some(batch => batch.producerId !== producerId || batch.producerEpoch !== producerEpoch)) {
    return { refusal: { code: errorCodes.INVALID_REQUEST, message: 'batches of more than one producer' } }
  }
  const partitions = batches.map(({ topicId, partition }) => ({ topicId, partition }))
  const protocol = context.apiVersion >= secondProtocolVersion ? 2 : 1
  const admitted = { transactionalId, producerId, producerEpoch, partitions, protocol } as const
  try {
    return { transaction: await context.transactions.admit(admitted) }
  } catch (error) {
    const code = admissionCodeOf(error, context.apiVersion, transactionVersions, context.logger)
    return { refusal: { code, message: errorMessageOf(error) } }
  }
}

/** What of a partition's batch concerns its transaction; nothing of one that is refused anyhow. */
function transactionalBatch(topic: Topic, { index, records }: PartitionData) {
  if (records === null || !isPartition(topic, index)) return []
  try {
    const { isTransactional, producerId, producerEpoch } = viewBatch(records)
    return isTransactional ? [{ topicId: topic.id, partition: index, producerId, producerEpoch }] : []
  } catch {
    return []
  }
}

function isPartition(topic: Topic, index: number): boolean {
  return index >= 0 && index < topic.partitions
}

/** Begins the append before it returns; the answer never rejects. */
function appendBatch(
  options: { partition: PartitionData; request: Request; found: Topic | number; admission: Admission },
  { log, logger, apiVersion }: RequestContext,
): Promise<PartitionAnswer> | PartitionAnswer {
  const { partition, request, found, admission } = options
  const { index, records } = partition
  const { transactionalId } = request
  const timeoutMs = writeTimeMs(request.timeoutMs)
  if (typeof found === 'number') return refuse(index, found, null)
  if (index < 0) return refuse(index, errorCodes.UNKNOWN_TOPIC_OR_PARTITION, null)
  if (records === null) return refuse(index, errorCodes.INVALID_RECORD, 'no record batch')
  const append = (request: AppendRequest) =>
    log.append(request).then(
      appended => accept(index, appended),
      error => refuseFor(error, index, logger),
    )
  try {
    const { compression, isTransactional } = viewBatch(records)
    if (apiVersion < zstdVersion && compression === 'zstd') {
      return refuse(index, errorCodes.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs Produce version 7')
    }
    if (isTransactional && transactionalId === null) {
      return refuse(
        index,
        errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        'a transactional batch without a transactional id',
      )
    }
    if (!isTransactional) return append({ topic: found, partition: index, batch: records, timeoutMs })
    if (!isPartition(found, index)) {
      return refuse(index, errorCodes.UNKNOWN_TOPIC_OR_PARTITION, null)
    }
    const { refusal, transaction } = admission
    if (refusal) return refuse(index, refusal.code, refusal.message)
    return append({ topic: found, partition: index, batch: records, timeoutMs, transaction: transaction! })
  } catch (error) {
    return refuseFor(error, index, logger)
  }
}

function refuseFor(error: unknown, index: number, logger: Logger): PartitionAnswer {
  const rejected = error instanceof LogError ? error.rejected : []
  return {
    ...refuse(index, errorCodeOf(error, logger), errorMessageOf(error)),
    recordErrors: rejected.map(({ index: batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message })),
  }
}

function accept(index: number, { baseOffset, logStartOffset, logAppendTime }: Appended): PartitionAnswer {
  return { index, errorCode: 0, baseOffset, logAppendTimeMs: logAppendTime, logStartOffset }
}

function refuse(index: number, errorCode: number, errorMessage: string | null): PartitionAnswer {
  return { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, errorMessage }
}
