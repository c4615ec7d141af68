/**
 * A topic's records as they come, as Server-Sent Events. Each event's id is the position after it in all partitions, so a reader
 * that comes back with it (`Last-Event-ID`, which browsers send by themselves) misses nothing and gets nothing twice.
 * Partitions that are added join from their first record. Where retention took what the reader had not seen, an event
 * `skipped` says so; where the topic is gone, or its reader may not read it any more, an event `end`.
 */
import * as z from 'zod'
import { OverloadedError } from '../../base/index.ts'
import { LogError, type Topic } from '../../log/index.ts'
import { UnauthenticatedError } from '../../security/index.ts'
import { HttpError } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import { problemOf } from '../problems.ts'
import { unknownPartition } from '../produce/appender.ts'
import { type Call, type Route, route } from '../route.ts'
import { streamOf } from '../streaming.ts'
import { findTopic } from '../topic-routes.ts'
import { formatQuery, fromQuery, isolationQuery, openCursors, timeQuery } from './consume-routes.ts'
import { decodePosition, encodePosition } from './position.ts'
import { type Cursor, PartitionsReader } from './read-partitions.ts'
import { outputRecordSchema, recordLine } from './record-output.ts'

/** A comment goes out when nothing else did for so long, so that nobody on the way closes the connection. */
const QUIET_MS = 15_000
const RETRY_MS = 1_000
const RECORDS_MAX = 500
const BYTES_MAX = 1_024 * 1_024

const query = z.strictObject({
  from: fromQuery.describe('latest unless told.'),
  timestamp: timeQuery,
  partitions: z
    .string()
    .regex(/^\d{1,9}(,\d{1,9})*$/)
    .optional()
    .describe('Some of them: 0,1,2'),
  lastEventId: z.string().optional().describe('As the header Last-Event-ID, for those who cannot set it.'),
  isolation: isolationQuery,
  ...formatQuery,
})
type TailCall = Call<{ topic: string }, z.infer<typeof query>>

export const tailRoute: Route = route({
  method: 'get',
  path: '/v1/topics/{topic}/tail',
  tag: 'Records',
  summary: 'Follow a topic live (Server-Sent Events)',
  description: "Read it with a browser's EventSource, or with `curl -N`. The data of each event is a record.",
  params: z.strictObject({ topic: z.string() }),
  query,
  answers: { 200: { description: 'Events without end.', content: { 'text/event-stream': outputRecordSchema } } },
  async handle(call, parts) {
    const { params, demand } = call
    demand('consume', params.topic)
    const topic = await findTopic(parts.log, params.topic)
    const cursors = await startingCursors(call, topic, parts)
    const { tailPartitionsMax } = parts.limits
    if (cursors.length > tailPartitionsMax) {
      throw new HttpError(
        'BAD_REQUEST',
        `query.partitions: a tail follows up to ${tailPartitionsMax} of the ${cursors.length}`,
      )
    }
    return new Response(streamOf(releasing(events(call, { topic, cursors }, parts), call)), {
      headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    })
  },
})

async function* releasing<T>(pieces: AsyncGenerator<T>, { answer }: Pick<TailCall, 'answer'>): AsyncGenerator<T> {
  try {
    yield* pieces
  } finally {
    answer.release()
  }
}

async function startingCursors({ query, request }: TailCall, topic: Topic, { log }: HttpParts): Promise<Cursor[]> {
  const last = request.headers.get('last-event-id') ?? query.lastEventId
  const known = last ? decodePosition(last, topic) : new Map<number, number>()
  const wanted = query.partitions?.split(',').map(Number)
  const strange = wanted?.find(partition => partition >= topic.partitions)
  if (strange !== undefined) throw unknownPartition(topic, strange)
  const start = last
    ? { from: 'earliest' as const }
    : { from: query.timestamp === undefined ? (query.from ?? 'latest') : query.from, timestamp: query.timestamp }
  const cursors = await openCursors(log, topic, { known, start })
  return wanted ? cursors.filter(({ partition }) => wanted.includes(partition)) : cursors
}

async function* events(
  { params, query, signal, answer, renew, demand }: TailCall,
  { topic, cursors }: { topic: Topic; cursors: Cursor[] },
  { log, clock, limits, logger }: HttpParts,
): AsyncGenerator<string> {
  const ends = clock.monotonic() + limits.tailMsMax
  const position = new Map(cursors.map(({ partition, offset }) => [partition, offset]))
  const skipped: string[] = []
  const reader = new PartitionsReader(log, answer, async (cursor, error) => {
    if (!(error instanceof LogError) || error.code !== 'OFFSET_OUT_OF_RANGE') return false
    const { offset } = await log.findOffset(topic, cursor.partition, { at: 'earliest' })
    if (offset === cursor.offset) return false
    skipped.push(event('skipped', { partition: cursor.partition, from: cursor.offset, to: offset }))
    cursor.offset = offset
    position.set(cursor.partition, offset)
    return true
  })
  yield `retry: ${RETRY_MS}\nid: ${encodePosition(topic, position)}\n\n`
  while (!signal.aborted && clock.monotonic() < ends) {
    try {
      const bounds = { isolation: query.isolation, recordsMax: RECORDS_MAX, bytesMax: BYTES_MAX }
      const waitMs = Math.min(QUIET_MS, ends - clock.monotonic())
      const reads = await reader.read(cursors, bounds, { waitMs, clock, signal })
      await renew()
      demand('consume', params.topic)
      yield* skipped.splice(0)
      for (const { cursor, record } of reads) {
        position.set(cursor.partition, record.offset + 1)
        yield `id: ${encodePosition(topic, position)}\ndata: ${recordLine(record, { partition: cursor.partition }, query)}\n\n`
      }
      answer.release()
      if (reads.length === 0) yield ': nothing new\n\n'
      if (query.partitions === undefined) await addPartitions(log, { topic, cursors, position })
    } catch (error) {
      if (error instanceof OverloadedError) {
        yield ': no memory to read with\n\n'
        await clock.sleep(RETRY_MS, signal)
        continue
      }
      if (isEnd(error)) yield event('end', { code: error.code, detail: error.message })
      // The reader comes again by itself, and is told then if there is more than a moment's trouble.
      else yield `: ${problemOf(error, logger).code}\n\n`
      return
    }
  }
}

function isEnd(error: unknown): error is LogError | HttpError | UnauthenticatedError {
  if (error instanceof LogError) return error.code === 'UNKNOWN_TOPIC'
  return error instanceof UnauthenticatedError || (error instanceof HttpError && error.code === 'FORBIDDEN')
}

/** @throws LogError UNKNOWN_TOPIC where it was deleted */
async function addPartitions(
  log: HttpParts['log'],
  { topic, cursors, position }: { topic: Topic; cursors: Cursor[]; position: Map<number, number> },
): Promise<void> {
  const now = await log.topics.find({ id: topic.id })
  if (!now) throw new LogError('UNKNOWN_TOPIC', `topic '${topic.name}' was deleted`)
  for (let partition = cursors.length; partition < now.partitions; partition++) {
    cursors.push({ topic: now, partition, offset: 0 })
    position.set(partition, 0)
  }
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
