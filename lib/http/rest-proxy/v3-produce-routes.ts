/**
 * REST Proxy v3: producing, record by record as a stream of JSON, or as a batch of records that their sender names.
 *
 * Departures from the Proxy: keys and values are BINARY, JSON or STRING, and no schemas; reports do not tell what the sender knows.
 */
import * as z from 'zod'
import { readPieces } from '../body.ts'
import { HttpError } from '../errors.ts'
import { jsonBytes } from '../json.ts'
import type { HttpParts } from '../parts.ts'
import type { Outcome } from '../produce/appender.ts'
import { decodeBase64, type InputRecord, partitionSchema } from '../produce/record-input.ts'
import { appendLines } from '../produce/record-stream.ts'
import { appendTo, type TargetTopic, topicFor } from '../produce/topic-for.ts'
import { check, jsonResponse, type Route, route } from '../route.ts'
import { streamOf } from '../streaming.ts'
import { splitObjects } from './concatenated-json.ts'
import { confluentErrorOf } from './confluent-errors.ts'
import { checkCluster, cluster, JSON_TYPE, topicParams, v3 } from './v3-answers.ts'

const records = `${cluster}/topics/{topic}/records`

const dataSchema = z.looseObject({ type: z.enum(['BINARY', 'JSON', 'STRING']), data: z.unknown().optional() }).nullish()
const recordSchema = z.looseObject({
  partition_id: partitionSchema.nullish(),
  headers: z.array(z.looseObject({ name: z.string(), value: z.string().nullish() })).nullish(),
  key: dataSchema,
  value: dataSchema,
  timestamp: z.iso.datetime({ offset: true }).nullish(),
})
const batchSchema = z.looseObject({
  entries: z.array(recordSchema.extend({ id: z.string().min(1).max(80).describe('One of its own for each.') })).min(1),
})

export const v3ProduceRoutes: readonly Route[] = [
  route({
    ...v3,
    method: 'post',
    path: records,
    summary: 'Produce records: one JSON object, or a stream of them answered one by one',
    params: topicParams,
    body: { [JSON_TYPE]: recordSchema },
    answers: { 200: { description: 'A report for each record, with its own error_code.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      call.demand('produce', call.params.topic)
      const topic = await topicFor(call, parts)
      const { appender, clock, limits } = parts
      const outcomes = appendLines(readPieces(call.request, parts), {
        topic,
        appender,
        clock,
        split: splitObjects,
        read: recordOf,
        ...limits,
      })
      return new Response(streamOf(reports(outcomes, topic, parts)), { headers: { 'content-type': JSON_TYPE } })
    },
  }),
  route({
    ...v3,
    method: 'post',
    path: `${records}:batch`,
    summary: 'Produce a batch of records, which succeed or fail one by one',
    params: topicParams,
    body: { [JSON_TYPE]: batchSchema },
    answers: { 207: { description: 'Successes and failures, by the ids in the request.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      call.demand('produce', call.params.topic)
      const { entries } = await call.json(batchSchema)
      const ids = new Set(entries.map(({ id }) => id))
      if (ids.size < entries.length) throw new HttpError('BAD_REQUEST', 'body.entries: each needs an id of its own')
      const { appender, limits } = parts
      const topic = await topicFor(call, parts)
      const now = parts.clock.now()
      const read = entries.map((entry, index) => recordOrError(entry, `entries.${index}`, now))
      const outcomes = await appendTo(topic, read, { appender, timeoutMs: limits.appendTimeoutMs })
      const reports = outcomes.map((outcome, index) => {
        return { failed: 'error' in outcome, report: { id: entries[index]!.id, ...reportOf(outcome, topic, parts) } }
      })
      const those = (failed: boolean) => reports.filter(one => one.failed === failed).map(({ report }) => report)
      return jsonResponse({ successes: those(false), failures: those(true) }, 207)
    },
  }),
]

function recordOrError(parsed: unknown, where: string, now: number): InputRecord | HttpError {
  try {
    return recordOf(parsed, where, now)
  } catch (error) {
    if (error instanceof HttpError) return error
    throw error
  }
}

async function* reports(
  outcomes: AsyncIterable<Outcome[]>,
  topic: TargetTopic,
  parts: HttpParts,
): AsyncGenerator<string> {
  let told = false
  try {
    for await (const some of outcomes) {
      told ||= some.length > 0
      if (some.length > 0) yield some.map(outcome => `${JSON.stringify(reportOf(outcome, topic, parts))}\n`).join('')
    }
    if (!told) throw new HttpError('MALFORMED_BODY', 'the body has no record')
  } catch (error) {
    const { error_code, message } = confluentErrorOf(error, parts.logger)
    yield `${JSON.stringify({ error_code, message })}\n`
  }
}

function reportOf(outcome: Outcome, topic: TargetTopic, { logger, clusterId }: HttpParts): object {
  if ('error' in outcome) {
    const { error_code, message } = confluentErrorOf(outcome.error, logger)
    return { error_code, message }
  }
  return {
    error_code: 200,
    cluster_id: clusterId,
    topic_name: topic.name,
    partition_id: outcome.partition,
    offset: outcome.offset,
  }
}

/** @throws HttpError BAD_REQUEST */
function recordOf(parsed: unknown, where: string, now: number): InputRecord {
  const { partition_id, headers, key, value, timestamp } = check(recordSchema, parsed, where)
  return {
    key: bytesOf(key, `${where}.key`),
    value: bytesOf(value, `${where}.value`),
    headers: (headers ?? []).map(header => ({
      key: header.name,
      value: typeof header.value === 'string' ? decodeBase64(header.value, `${where}.headers`) : null,
    })),
    timestamp: timestamp ? Math.max(0, Date.parse(timestamp)) : now,
    partition: partition_id ?? undefined,
  }
}

function bytesOf(data: z.infer<typeof dataSchema>, where: string): Buffer | null {
  if (!data || data.data === undefined || (data.data === null && data.type !== 'JSON')) return null
  if (data.type === 'JSON') return jsonBytes(data.data, `${where}.data`)
  if (typeof data.data !== 'string')
    throw new HttpError('BAD_REQUEST', `${where}.data: expected a string for ${data.type}`)
  return data.type === 'STRING' ? Buffer.from(data.data) : decodeBase64(data.data, `${where}.data`)
}
