/**
 * Consuming by offset, time or name: one partition (as JSON, NDJSON or the batches as they are stored) or all partitions of a
 * topic, from a position that an earlier answer gave. Groups are elsewhere.
 */
import * as z from 'zod'
import type { Isolation, Log, OffsetSpec, Topic } from '../../log/index.ts'
import { awaitPage, readPage } from '../../log/index.ts'
import { viewBatch } from '../../records/index.ts'
import { HttpError } from '../errors.ts'
import { acceptedOf, BATCHES_TYPE, JSON_TYPE, NDJSON_TYPE } from '../media-types.ts'
import type { HttpParts } from '../parts.ts'
import { type Call, type Route, route, whole } from '../route.ts'
import { findTopic, withPartition } from '../topic-routes.ts'
import { decodePosition, encodePosition } from './position.ts'
import { type Cursor, PartitionsReader } from './read-partitions.ts'
import { outputEncodings, outputRecordSchema, recordLine } from './record-output.ts'

const RECORDS_DEFAULT = 500
const BYTES_DEFAULT = 1_024 * 1_024
const FIND_PARALLEL_MAX = 16

export const timeQuery = z
  .union([whole(0, 2 ** 52), z.iso.datetime({ offset: true })])
  .optional()
  .describe('The first record that is not older: ms since 1970, or ISO 8601.')
export const fromQuery = z.enum(['earliest', 'latest']).optional()
export const formatQuery = {
  keyEncoding: z.enum(['auto', 'text', 'base64']).optional(),
  valueEncoding: z
    .enum(outputEncodings)
    .optional()
    .describe('auto: JSON if it is, else text if it is UTF-8, else base64. What has more than 16 MiB is base64.'),
}
export const isolationQuery = z.enum(['read_committed', 'read_uncommitted']).default('read_committed')

const bounds = {
  maxRecords: whole(1, 2 ** 31 - 1).default(RECORDS_DEFAULT),
  maxBytes: whole(1, 2 ** 31 - 1)
    .default(BYTES_DEFAULT)
    .describe('The first record comes whatever its size.'),
  waitMs: whole(0, 2 ** 31 - 1)
    .default(0)
    .describe('How long to wait for a first record.'),
  isolation: isolationQuery,
  ...formatQuery,
}
const pageQuery = z.strictObject({
  offset: whole(0, Number.MAX_SAFE_INTEGER).optional(),
  timestamp: timeQuery,
  from: fromQuery,
  ...bounds,
})
const topicQuery = z.strictObject({
  position: z.string().optional().describe('From the answer before.'),
  timestamp: timeQuery,
  from: fromQuery,
  ...bounds,
})

type PageCall = Call<{ topic: string; partition: number }, z.infer<typeof pageQuery>>
type Start = { readonly from?: 'earliest' | 'latest' | undefined; readonly timestamp?: number | string | undefined }

const pageSchema = z.object({
  records: z.array(outputRecordSchema),
  nextOffset: z.int().describe('Where to go on.'),
  startOffset: z.int(),
  endOffset: z.int(),
})

export const consumeRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/topics/{topic}/partitions/{partition}/records',
    tag: 'Records',
    summary: 'Read the records of a partition',
    description:
      'From an offset, a time, the earliest or the latest record (one of them; earliest unless told). NDJSON and batches say where ' +
      'to go on in the header Varve-Next-Offset. The first batch may begin before the offset asked for.',
    params: z.strictObject({ topic: z.string(), partition: whole(0, 2 ** 31 - 1) }),
    query: pageQuery,
    answers: {
      200: {
        description: 'What there is; nothing, where nothing came in time.',
        content: { [JSON_TYPE]: pageSchema, [NDJSON_TYPE]: outputRecordSchema, [BATCHES_TYPE]: undefined },
      },
    },
    async handle(call, parts) {
      const { params, query, request, demand } = call
      demand('consume', params.topic)
      const type = acceptedOf(request, [JSON_TYPE, NDJSON_TYPE, BATCHES_TYPE])
      const topic = withPartition(await findTopic(parts.log, params.topic), params.partition)
      if (query.offset !== undefined && (query.timestamp !== undefined || query.from)) throw oneStart('offset, ')
      const offset = query.offset ?? (await findStart(parts.log, { topic, partition: params.partition }, query))
      if (type === BATCHES_TYPE) return batchesFrom(call, { topic, offset }, parts)
      const { partition } = params
      const asked = { topic, partition, offset, isolation: query.isolation, ...boundsOf(query, parts) }
      const { log } = parts
      const page = await awaitPage(log, asked, waitingOf(call, parts), one =>
        call.answer.read(one.bytesMax, bytesMax => readPage(log, { ...one, bytesMax })),
      )
      await call.renew()
      demand('consume', params.topic)
      const lines = page.records.map(record => recordLine(record, { partition }, query))
      const { nextOffset, startOffset, endOffset } = page
      const offsets = { nextOffset, startOffset, endOffset }
      if (type === NDJSON_TYPE) return linesResponse(call, lines, nextHeaders(offsets))
      return recordsResponse(call, lines, offsets)
    },
  }),
  route({
    method: 'get',
    path: '/v1/topics/{topic}/records',
    tag: 'Records',
    summary: 'Read the records of all partitions of a topic',
    description:
      'Without memory on the server: each answer has a position (NDJSON: in the header Varve-Position), with which the next call goes on.',
    params: z.strictObject({ topic: z.string() }),
    query: topicQuery,
    answers: {
      200: {
        description: 'In the order of each partition.',
        content: {
          [JSON_TYPE]: z.object({ records: z.array(outputRecordSchema), position: z.string() }),
          [NDJSON_TYPE]: outputRecordSchema,
        },
      },
    },
    async handle(call, parts) {
      const { params, query, request, demand } = call
      demand('consume', params.topic)
      const type = acceptedOf(request, [JSON_TYPE, NDJSON_TYPE])
      const topic = await findTopic(parts.log, params.topic)
      if (query.position !== undefined && (query.timestamp !== undefined || query.from)) throw oneStart('position, ')
      const known = query.position === undefined ? new Map<number, number>() : decodePosition(query.position, topic)
      const start = query.position === undefined ? query : { from: 'earliest' as const }
      const cursors = await openCursors(parts.log, topic, { known, start })
      const reader = new PartitionsReader(parts.log, call.answer)
      const reads = await reader.read(
        cursors,
        { isolation: query.isolation, ...boundsOf(query, parts) },
        waitingOf(call, parts),
      )
      await call.renew()
      demand('consume', params.topic)
      const lines = reads.map(({ cursor, record }) => recordLine(record, { partition: cursor.partition }, query))
      const position = encodePosition(topic, new Map(cursors.map(({ partition, offset }) => [partition, offset])))
      if (type === NDJSON_TYPE) return linesResponse(call, lines, { 'varve-position': position })
      return recordsResponse(call, lines, { position })
    },
  }),
]

/** A cursor for each partition, in the places that are known, and at the start in the others. */
export async function openCursors(
  log: Log,
  topic: Topic,
  { known, start }: { known: ReadonlyMap<number, number>; start: Start },
): Promise<Cursor[]> {
  const cursors: Cursor[] = []
  for (let first = 0; first < topic.partitions; first += FIND_PARALLEL_MAX) {
    const some = Array.from(
      { length: Math.min(FIND_PARALLEL_MAX, topic.partitions - first) },
      (_, index) => first + index,
    )
    const opened = some.map(async partition => {
      return { topic, partition, offset: known.get(partition) ?? (await findStart(log, { topic, partition }, start)) }
    })
    cursors.push(...(await Promise.all(opened)))
  }
  return cursors
}

/** @throws LogError, HttpError BAD_REQUEST */
async function findStart(
  log: Log,
  { topic, partition }: { topic: Topic; partition: number },
  { from, timestamp }: Start,
): Promise<number> {
  if (timestamp !== undefined && from) throw oneStart('')
  const latest: OffsetSpec = { at: 'latest', isolation: 'read_uncommitted' }
  if (timestamp === undefined) {
    const { offset } = await log.findOffset(topic, partition, from === 'latest' ? latest : { at: 'earliest' })
    return offset
  }
  const time = typeof timestamp === 'number' ? timestamp : Date.parse(timestamp)
  const found = await log.findOffset(topic, partition, { at: 'timestamp', timestamp: time })
  // All are older: what comes next will not be.
  return found.offset >= 0 ? found.offset : (await log.findOffset(topic, partition, latest)).offset
}

async function batchesFrom(
  call: PageCall,
  { topic, offset }: { topic: Topic; offset: number },
  parts: HttpParts,
): Promise<Response> {
  const { params, query } = call
  const { clock, log } = parts
  const { partition } = params
  const { bytesMax } = boundsOf(query, parts)
  const { waitMs, signal } = waitingOf(call, parts)
  const deadline = clock.monotonic() + waitMs
  for (;;) {
    const isolation: Isolation = query.isolation
    const read = await call.answer.read(bytesMax, async maxBytes => {
      const some = await log.read({ topic, partition, offset, maxBytes, atLeastOneBatch: true, isolation })
      return { ...some, bytes: some.batches.reduce((sum, { length }) => sum + length, 0) }
    })
    const leftMs = deadline - clock.monotonic()
    const last = read.batches.at(-1)
    if (!last && leftMs > 0 && !signal.aborted) {
      await log.waitForRecords([{ topic, partition, offset: read.endOffset }], leftMs, signal)
      continue
    }
    await call.renew()
    call.demand('consume', params.topic)
    const view = last && viewBatch(last)
    const nextOffset = view ? view.baseOffset + view.lastOffsetDelta + 1 : offset
    const { startOffset, endOffset, abortedTransactions } = read
    const aborted = abortedTransactions.map(({ producerId, firstOffset }) => `${producerId}@${firstOffset}`).join(' ')
    return call.answer.respond(Buffer.concat(read.batches), {
      'content-type': BATCHES_TYPE,
      ...nextHeaders({ nextOffset, startOffset, endOffset }),
      ...(aborted ? { 'varve-aborted-transactions': aborted } : {}),
    })
  }
}

function boundsOf({ maxRecords, maxBytes }: { maxRecords: number; maxBytes: number }, { limits }: HttpParts) {
  return { recordsMax: Math.min(maxRecords, limits.recordsMax), bytesMax: Math.min(maxBytes, limits.answerBytesMax) }
}

function waitingOf(
  { query, signal }: { query: { waitMs: number }; signal: AbortSignal },
  { clock, limits }: HttpParts,
) {
  return { waitMs: Math.min(query.waitMs, limits.waitMsMax), clock, signal }
}

function linesResponse(
  { answer }: Pick<PageCall, 'answer'>,
  lines: readonly string[],
  headers: Readonly<Record<string, string>>,
): Response {
  return answer.respond(lines.map(line => `${line}\n`).join(''), { 'content-type': NDJSON_TYPE, ...headers })
}

/** The lines are JSON already. */
function recordsResponse({ answer }: Pick<PageCall, 'answer'>, lines: readonly string[], rest: object): Response {
  const members = JSON.stringify(rest).slice(1)
  return answer.respond(`{"records":[${lines.join(',')}],${members}`, { 'content-type': JSON_TYPE })
}

function nextHeaders(offsets: { nextOffset: number; startOffset: number; endOffset: number }): Record<string, string> {
  return {
    'varve-next-offset': String(offsets.nextOffset),
    'varve-start-offset': String(offsets.startOffset),
    'varve-end-offset': String(offsets.endOffset),
  }
}

function oneStart(also: string): HttpError {
  return new HttpError('BAD_REQUEST', `query: say one of ${also}timestamp and from`)
}
