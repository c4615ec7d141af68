/**
 * Produce, versions 3 to 13 (0 to 13 are advertised, as Kafka does). Each partition's bytes must be exactly one record
 * batch; partitions succeed or fail each for itself. The batches reach the log in the order received before the
 * connection's next request begins; their appends run side by side. A client that wants no answer (acks=0) learns of an
 * error by the connection's end.
 *
 * Departures from Apache Kafka: acks=1 waits as acks=all does, for there is one way to be durable; transactions are
 * refused.
 */
import type { Appended, Topic } from '../../log/index.ts'
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

type Request = Message<typeof ProduceRequest>
type PartitionData = Request['topicData'][number]['partitionData'][number]
type PartitionAnswer = MessageInput<typeof ProduceResponse>['responses'][number]['partitionResponses'][number]

const topicIdVersion = 13
/** Before this version clients need not know zstd, so no consumer might read it. */
const zstdVersion = 7

export const produce = handler(Produce, {
  async handle(request, context) {
    const refusal = refusalOf(request)
    const byId = context.apiVersion >= topicIdVersion
    const topics = await Promise.all(
      request.topicData.map(({ name, topicId }) => lookUpTopic(byId ? { id: topicId } : { name }, context)),
    )
    // No await between here and `letNextBegin`: the log gets the batches in the order of the requests.
    const answers = request.topicData.map((data, index) =>
      data.partitionData.map(partition =>
        refusal === undefined
          ? appendBatch({ partition, request, found: topics[index]! }, context)
          : Promise.resolve(refuse(partition.index, refusal, null)),
      ),
    )
    context.letNextBegin()
    const responses = await Promise.all(
      request.topicData.map(async ({ name, topicId }, index) => ({
        name,
        topicId,
        partitionResponses: await Promise.all(answers[index]!),
      })),
    )
    if (request.acks !== 0) return { responses, throttleTimeMs: 0 }
    const failed = responses.flatMap(topic => topic.partitionResponses).find(partition => partition.errorCode !== 0)
    if (failed) throw new CloseConnection(`a batch with acks=0 failed with error ${failed.errorCode}`)
    return noResponse
  },
})

/** Why the whole request is refused. */
function refusalOf(request: Request): number | undefined {
  if (request.acks < -1 || request.acks > 1) return errorCodes.INVALID_REQUIRED_ACKS
  if (request.transactionalId !== null) return errorCodes.UNSUPPORTED_VERSION
  return undefined
}

/** Begins the append before it returns; the answer never rejects. */
function appendBatch(
  { partition, request, found }: { partition: PartitionData; request: Request; found: Topic | number },
  { log, logger, apiVersion }: RequestContext,
): Promise<PartitionAnswer> {
  const { index, records } = partition
  const { transactionalId, timeoutMs } = request
  if (typeof found === 'number') return Promise.resolve(refuse(index, found, null))
  if (index < 0) return Promise.resolve(refuse(index, errorCodes.UNKNOWN_TOPIC_OR_PARTITION, null))
  if (records === null) return Promise.resolve(refuse(index, errorCodes.INVALID_RECORD, 'no record batch'))
  try {
    const { compression, isTransactional } = viewBatch(records)
    if (apiVersion < zstdVersion && compression === 'zstd') {
      return Promise.resolve(refuse(index, errorCodes.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs Produce version 7'))
    }
    if (isTransactional && transactionalId === null) {
      return Promise.resolve(
        refuse(
          index,
          errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
          'a transactional batch without a transactional id',
        ),
      )
    }
    return log.append({ topic: found, partition: index, batch: records, timeoutMs }).then(
      appended => accept(index, appended),
      error => refuse(index, errorCodeOf(error, logger), errorMessageOf(error)),
    )
  } catch (error) {
    return Promise.resolve(refuse(index, errorCodeOf(error, logger), errorMessageOf(error)))
  }
}

function accept(index: number, { baseOffset, logStartOffset, logAppendTime }: Appended): PartitionAnswer {
  return { index, errorCode: 0, baseOffset, logAppendTimeMs: logAppendTime, logStartOffset }
}

function refuse(index: number, errorCode: number, errorMessage: string | null): PartitionAnswer {
  return { index, errorCode, baseOffset: -1, logAppendTimeMs: -1, errorMessage }
}
