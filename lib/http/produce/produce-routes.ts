/**
 * Producing: `POST /v1/topics/{topic}/records`. The content type says what the body is: JSON (a record or an array of
 * them), NDJSON (a record a line, of any length, answered line by line), record batches as Kafka's producers build them,
 * and anything else is one record's value, byte for byte.
 */
import * as z from 'zod'
import type { Topic } from '../../log/index.ts'
import { splitBatches } from '../../records/index.ts'
import { readPieces, readWhole } from '../body.ts'
import { HttpError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { BATCHES_TYPE, contentTypeOf, JSON_TYPE, NDJSON_TYPE } from '../media-types.ts'
import type { HttpParts } from '../parts.ts'
import { type Problem, problemOf, problemResponse } from '../problems.ts'
import { type Call, check, jsonResponse, type Route, route, whole } from '../route.ts'
import { streamOf } from '../streaming.ts'
import { textIn } from '../text.ts'
import { type Outcome, unknownPartition } from './appender.ts'
import { checkIdempotencyKey } from './idempotency-keys.ts'
import { type Identity, identityOf } from './identity.ts'
import { type InputRecord, keyEncodings, readRecordInput, recordSchema, valueEncodings } from './record-input.ts'
import { splitLines } from './record-lines.ts'
import { appendLines } from './record-stream.ts'
import { appendTo, type TargetTopic, topicFor } from './topic-for.ts'

/** How many failures a summary tells of. */
const SUMMARY_ERRORS_MAX = 100

const query = z.strictObject({
  key: z.string().optional().describe('Of a body that is one value: its key.'),
  partition: whole(0, 2 ** 31 - 1)
    .optional()
    .describe('Of records that do not say. Needed with batches.'),
  timestamp: whole(0, 2 ** 52)
    .optional()
    .describe('Of a body that is one value: ms since 1970.'),
  keyEncoding: z.enum(keyEncodings).optional().describe('Of records that do not say.'),
  valueEncoding: z.enum(valueEncodings).optional().describe('Of records that do not say.'),
  results: z
    .enum(['each', 'summary'])
    .optional()
    .describe('Of NDJSON: a line for each record, or one object at the end.'),
})
const IDEMPOTENCY_KEY = 'idempotency-key'
const PRODUCER_ID = 'varve-producer-id'
const PRODUCER_EPOCH = 'varve-producer-epoch'
const SEQUENCE = 'varve-sequence'
const numbersSchema = z.object({
  [PRODUCER_ID]: whole(0, Number.MAX_SAFE_INTEGER),
  [PRODUCER_EPOCH]: whole(0, 2 ** 15 - 1),
  [SEQUENCE]: whole(0, 2 ** 31 - 1),
})
type Query = z.infer<typeof query>
type ProduceCall = Call<{ topic: string }, Query>

const resultSchema = z.object({
  partition: z.int(),
  offset: z.int(),
  timestamp: z.int().optional().describe('In topics that keep the time of the append.'),
  duplicate: z.boolean().optional().describe('It was there already, at this offset: this was a repetition.'),
})
const failureSchema = z.object({ error: z.object({ status: z.int(), code: z.string(), detail: z.string() }) })
const resultsSchema = z.object({ failed: z.int(), results: z.array(z.union([resultSchema, failureSchema])) })

export const produceRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/topics/{topic}/records',
    tag: 'Records',
    summary: 'Produce records',
    description:
      'Records are durable and readable when they are answered. An array and batches succeed or fail record by record ' +
      '(207 where some did). A malformed array is refused whole. Repeat a request exactly with an Idempotency-Key header, or ' +
      'with Varve-Producer-Id, Varve-Producer-Epoch and Varve-Sequence.',
    params: z.strictObject({ topic: z.string() }),
    query,
    body: {
      [JSON_TYPE]: z.union([recordSchema, z.array(recordSchema)]),
      [NDJSON_TYPE]: recordSchema,
      [BATCHES_TYPE]: undefined,
      'text/plain': undefined,
      'application/octet-stream': undefined,
    },
    answers: {
      200: {
        description: 'Appended: one record, an array in the order of the request, or a line for each line.',
        content: {
          [JSON_TYPE]: z.union([resultSchema, resultsSchema]),
          [NDJSON_TYPE]: z.union([resultSchema, failureSchema]),
        },
      },
      207: { description: 'Some records failed.', content: { [JSON_TYPE]: resultsSchema } },
    },
    async handle(call, parts) {
      const { request, params, demand } = call
      demand('produce', params.topic)
      const type = contentTypeOf(request)
      if (type === NDJSON_TYPE && !isNumbered(request)) return produceLines(call, await topicFor(call, parts), parts)
      const body = await readWhole(request, parts)
      if (type === BATCHES_TYPE) return produceBatches(call, body, parts)
      if (type === NDJSON_TYPE) return produceFewLines(call, body, parts)
      const records = type === JSON_TYPE ? recordsIn(body, call, parts) : [rawRecord(body, call, parts)]
      const list = Array.isArray(records) ? records : [records]
      const outcomes = await appendList(call, list, { body, type }, parts)
      return Array.isArray(records) && type === JSON_TYPE ? answerMany(outcomes, parts) : answerOne(outcomes[0]!, parts)
    },
  }),
]

/** A repetition of this request is to be exact. */
function isNumbered({ headers }: Request): boolean {
  return [IDEMPOTENCY_KEY, PRODUCER_ID, PRODUCER_EPOCH, SEQUENCE].some(name => headers.has(name))
}

interface Sent {
  readonly body: Uint8Array
  readonly type: string | undefined
}

/** All of a request, exactly once if it is numbered. @throws HttpError, LogError, StoreError */
async function appendList(
  call: ProduceCall,
  records: readonly InputRecord[],
  sent: Sent,
  parts: HttpParts,
): Promise<Outcome[]> {
  const { appender, limits } = parts
  const target = await topicFor(call, parts)
  const identityIn = readNumbers(call, sent, parts)
  const identity = identityIn && (await identityIn(await target.open()))
  return appendTo(target, records, { appender, timeoutMs: limits.appendTimeoutMs, identity })
}

/**
 * Who the request's batches come from in its topic, checked before there is one; undefined: anybody.
 * @throws HttpError BAD_REQUEST; IDEMPOTENCY_KEY_REUSED, StoreError once the topic is known
 */
function readNumbers(
  { request, query, params }: ProduceCall,
  { body, type }: Sent,
  { idempotencyKeys }: HttpParts,
): ((topic: Topic) => Promise<Identity>) | undefined {
  const { headers } = request
  if (!isNumbered(request)) return undefined
  const key = headers.get(IDEMPOTENCY_KEY)
  if (key !== null) {
    if (headers.has(PRODUCER_ID))
      throw new HttpError('BAD_REQUEST', `say ${IDEMPOTENCY_KEY} or ${PRODUCER_ID}, not both`)
    checkIdempotencyKey(key)
    return topic => idempotencyKeys.claim(topic, key, [type ?? '', JSON.stringify(query), body])
  }
  if (query.partition === undefined) {
    throw new HttpError(
      'BAD_REQUEST',
      `query.partition: sequence numbers are those of one partition of ${params.topic}`,
    )
  }
  const numbers = {
    [PRODUCER_ID]: headers.get(PRODUCER_ID) ?? undefined,
    [PRODUCER_EPOCH]: headers.get(PRODUCER_EPOCH) ?? '0',
    [SEQUENCE]: headers.get(SEQUENCE) ?? undefined,
  }
  const checked = check(numbersSchema, numbers, 'header')
  const identity = identityOf({
    producerId: checked[PRODUCER_ID],
    producerEpoch: checked[PRODUCER_EPOCH],
    firstSequence: checked[SEQUENCE],
  })
  return async () => identity
}

function recordsIn(body: Buffer, { query }: ProduceCall, { clock }: HttpParts): InputRecord | InputRecord[] {
  const text = textIn(body)
  if (text === undefined) throw new HttpError('MALFORMED_BODY', 'the body is not UTF-8')
  const parsed = parseJson(text)
  const defaults = { ...query, now: clock.now() }
  if (!Array.isArray(parsed)) return readRecordInput(parsed, defaults, 'body')
  return parsed.map((record, index) => readRecordInput(record, defaults, `body.${index}`))
}

function rawRecord(body: Buffer, { query }: ProduceCall, { clock }: HttpParts): InputRecord {
  const { key, partition, timestamp = clock.now() } = query
  return { key: key === undefined ? null : Buffer.from(key), value: body, headers: [], timestamp, partition }
}

/** One append for each batch, in order. */
async function produceBatches(call: ProduceCall, body: Buffer, parts: HttpParts): Promise<Response> {
  const { partition } = call.query
  if (partition === undefined) throw new HttpError('BAD_REQUEST', 'query.partition: batches need to be told theirs')
  const batches = splitBatches(body)
  if (batches.length === 0) throw new HttpError('MALFORMED_BODY', 'the body has no record batch')
  if (isNumbered(call.request)) {
    throw new HttpError(
      'BAD_REQUEST',
      'batches have their producer id and sequence in themselves, and no header for it',
    )
  }
  if (batches.some(({ isTransactional }) => isTransactional)) {
    throw new HttpError('BAD_REQUEST', 'batches of a transaction need the Kafka protocol')
  }
  const target = await topicFor(call, parts)
  if (partition >= target.partitions) throw unknownPartition(target, partition)
  const topic = await target.open()
  const outcomes = await Promise.all(
    batches.map(({ bytes }) =>
      parts.log.append({ topic, partition, batch: bytes, timeoutMs: parts.limits.appendTimeoutMs }).then(
        ({ baseOffset, duplicate }): Outcome => ({
          partition,
          offset: baseOffset,
          ...(duplicate ? { duplicate } : {}),
        }),
        (error): Outcome => ({ error }),
      ),
    ),
  )
  return answerMany(outcomes, parts)
}

/** Lines whose repetition is to be exact: as many as an array may hold, and as an array refused whole where one is malformed. */
async function produceFewLines(call: ProduceCall, body: Buffer, parts: HttpParts): Promise<Response> {
  const defaults = { ...call.query, now: parts.clock.now() }
  const records = body
    .toString('latin1')
    .split('\n')
    .map((line, index) => ({ bytes: Buffer.from(line, 'latin1'), where: `line ${index + 1}` }))
    .filter(({ bytes }) => bytes.toString('latin1').trim() !== '')
    .map(({ bytes, where }) => {
      const text = textIn(bytes)
      if (text === undefined) throw new HttpError('MALFORMED_BODY', `${where} is not UTF-8`)
      return readRecordInput(parseJson(text, where), defaults, where)
    })
  return answerLines(call, [await appendList(call, records, { body, type: NDJSON_TYPE }, parts)], parts)
}

function produceLines(
  { query, request }: ProduceCall,
  topic: TargetTopic,
  parts: HttpParts,
): Response | Promise<Response> {
  const { appender, clock, limits } = parts
  const read = (parsed: unknown, where: string, now: number) => readRecordInput(parsed, { ...query, now }, where)
  const outcomes = appendLines(readPieces(request, parts), {
    topic,
    appender,
    clock,
    split: splitLines,
    read,
    ...limits,
  })
  return answerLines({ query }, outcomes, parts)
}

type Outcomes = AsyncIterable<Outcome[]> | Iterable<Outcome[]>

function answerLines(
  { query }: Pick<ProduceCall, 'query'>,
  outcomes: Outcomes,
  parts: HttpParts,
): Response | Promise<Response> {
  if (query.results === 'summary') return summaryOf(outcomes, parts)
  return new Response(streamOf(resultLines(outcomes, parts)), { headers: { 'content-type': NDJSON_TYPE } })
}

async function* resultLines(outcomes: Outcomes, parts: HttpParts): AsyncGenerator<string> {
  try {
    for await (const some of outcomes) {
      if (some.length > 0) yield some.map(outcome => `${JSON.stringify(resultOf(outcome, parts))}\n`).join('')
    }
  } catch (error) {
    yield `${JSON.stringify({ error: problemOf(error, parts.logger) })}\n`
  }
}

async function summaryOf(outcomes: Outcomes, parts: HttpParts): Promise<Response> {
  const partitions = new Map<number, { partition: number; records: number; firstOffset: number; lastOffset: number }>()
  const errors: unknown[] = []
  let [appended, failed] = [0, 0]
  let broken: Problem | undefined
  try {
    for await (const some of outcomes) {
      for (const outcome of some) {
        if ('error' in outcome) {
          failed++
          if (failed <= SUMMARY_ERRORS_MAX) errors.push({ record: appended + failed, ...resultOf(outcome, parts) })
          continue
        }
        appended++
        const { partition, offset } = outcome
        const seen = partitions.get(partition) ?? { partition, records: 0, firstOffset: offset, lastOffset: offset }
        partitions.set(partition, { ...seen, records: seen.records + 1, lastOffset: Math.max(seen.lastOffset, offset) })
      }
    }
  } catch (error) {
    broken = problemOf(error, parts.logger)
  }
  const summary = { appended, failed, partitions: [...partitions.values()], errors }
  if (broken) return problemResponse({ ...broken, ...summary })
  return jsonResponse(summary, failed > 0 && appended > 0 ? 207 : failed > 0 ? 400 : 200)
}

function answerOne(outcome: Outcome, { logger }: HttpParts): Response {
  return 'error' in outcome ? problemResponse(problemOf(outcome.error, logger)) : jsonResponse(outcome)
}

/** All failed: the problem of the first, with all results. */
function answerMany(outcomes: readonly Outcome[], parts: HttpParts): Response {
  const failed = outcomes.filter(outcome => 'error' in outcome)
  const answer = { failed: failed.length, results: outcomes.map(outcome => resultOf(outcome, parts)) }
  if (failed.length === 0 || failed.length < outcomes.length) return jsonResponse(answer, failed.length > 0 ? 207 : 200)
  return problemResponse({ ...problemOf(failed[0]!.error, parts.logger), ...answer })
}

function resultOf(outcome: Outcome, { logger }: HttpParts): object {
  if (!('error' in outcome)) return outcome
  const { status, code, detail } = problemOf(outcome.error, logger)
  return { error: { status, code, detail } }
}
