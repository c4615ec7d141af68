/** REST Proxy v2: topics and their partitions, and producing. */
import * as z from 'zod'
import { LogError } from '../../log/index.ts'
import type { HttpParts } from '../parts.ts'
import { type Outcome, unknownPartition } from '../produce/appender.ts'
import { type InputRecord, partitionSchema } from '../produce/record-input.ts'
import { appendTo, topicFor } from '../produce/topic-for.ts'
import { type Call, type Route, route, whole } from '../route.ts'
import { endsOf, findTopic, mayUse, usableTopic, withPartition } from '../topic-routes.ts'
import { confluentErrorOf, confluentResponse } from './confluent-errors.ts'
import { encodeEmbedded, formatOfBody, mediaTypeOf, V2_TYPE } from './embedded-format.ts'

/** Query parameters that are not known are left alone, as by the Proxy. */
export const anyQuery = z.looseObject({})
export const v2 = {
  tag: 'REST Proxy v2',
  refuse: (error: unknown, { logger }: HttpParts) => confluentResponse(error, logger, V2_TYPE),
}

const topicParams = z.strictObject({ topic: z.string() })
const partitionParams = z.strictObject({ topic: z.string(), partition: whole(0, 2 ** 31 - 1) })
const recordSchema = z.strictObject({
  key: z.unknown().optional(),
  value: z.unknown().optional(),
  partition: partitionSchema.nullish(),
})
const produceSchema = z.looseObject({ records: z.array(recordSchema).min(1) })
const producedSchema = z.object({
  offsets: z.array(
    z.object({
      partition: z.int().nullable(),
      offset: z.int().nullable(),
      error_code: z.int().nullable(),
      error: z.string().nullable(),
    }),
  ),
})
const body = { [mediaTypeOf('json')]: produceSchema, [mediaTypeOf('binary')]: produceSchema }
const produced = {
  200: { description: 'An offset or an error for each record.', content: { [V2_TYPE]: producedSchema } },
}

/** The one copy that there is, as replicas. */
const replicas = [{ broker: 1, leader: true, in_sync: true }]

export const v2TopicRoutes: readonly Route[] = [
  route({
    ...v2,
    method: 'get',
    path: '/topics',
    summary: 'List topics',
    params: z.strictObject({}),
    query: anyQuery,
    answers: { 200: { description: 'Their names.', content: { [V2_TYPE]: z.array(z.string()) } } },
    async handle({ principal }, { log }) {
      const names = (await log.topics.list()).map(({ name }) => name)
      return v2Response(names.filter(name => mayUse(principal, name)))
    },
  }),
  route({
    ...v2,
    method: 'get',
    path: '/topics/{topic}',
    summary: 'Describe a topic',
    params: topicParams,
    query: anyQuery,
    answers: { 200: { description: 'Configs and partitions.' } },
    async handle(call, parts) {
      const { name, configs, partitions } = await usableTopic(call, parts)
      const each = Array.from({ length: partitions }, (_, partition) => ({ partition, leader: 1, replicas }))
      return v2Response({ name, configs, partitions: each })
    },
  }),
  route({
    ...v2,
    method: 'get',
    path: '/topics/{topic}/partitions',
    summary: 'List the partitions of a topic',
    params: topicParams,
    query: anyQuery,
    answers: { 200: { description: 'By number.' } },
    async handle(call, parts) {
      const { partitions } = await usableTopic(call, parts)
      return v2Response(Array.from({ length: partitions }, (_, partition) => ({ partition, leader: 1, replicas })))
    },
  }),
  route({
    ...v2,
    method: 'get',
    path: '/topics/{topic}/partitions/{partition}',
    summary: 'Describe a partition',
    params: partitionParams,
    query: anyQuery,
    answers: { 200: { description: 'Its leader and its replicas.' } },
    async handle(call, parts) {
      const { partition } = call.params
      withPartition(await usableTopic(call, parts), partition)
      return v2Response({ partition, leader: 1, replicas })
    },
  }),
  route({
    ...v2,
    method: 'get',
    path: '/brokers',
    summary: 'List brokers',
    params: z.strictObject({}),
    query: anyQuery,
    answers: { 200: { description: 'Whoever answers is the one that there is.' } },
    handle: () => v2Response({ brokers: replicas.map(({ broker }) => broker) }),
  }),
  route({
    ...v2,
    method: 'get',
    path: '/topics/{topic}/partitions/{partition}/offsets',
    summary: 'First and next offset of a partition',
    params: partitionParams,
    query: anyQuery,
    answers: { 200: { description: 'Read strongly.' } },
    async handle({ params: { topic, partition }, demand }, { log }) {
      demand('consume', topic)
      const { start, end } = await endsOf(log, withPartition(await findTopic(log, topic), partition), partition)
      return v2Response({ beginning_offset: start, end_offset: end })
    },
  }),
  route({
    ...v2,
    method: 'post',
    path: '/topics/{topic}',
    summary: 'Produce records',
    params: topicParams,
    query: anyQuery,
    body,
    answers: produced,
    handle: (call, parts) => produce(call, undefined, parts),
  }),
  route({
    ...v2,
    method: 'post',
    path: '/topics/{topic}/partitions/{partition}',
    summary: 'Produce records to a partition',
    params: partitionParams,
    query: anyQuery,
    body,
    answers: produced,
    handle: (call, parts) => produce(call, call.params.partition, parts),
  }),
]

async function produce(
  call: Call<{ topic: string }, unknown>,
  fixed: number | undefined,
  parts: HttpParts,
): Promise<Response> {
  const { params, request, demand } = call
  demand('produce', params.topic)
  const format = formatOfBody(request)
  const { records } = await call.json(produceSchema)
  const timestamp = parts.clock.now()
  const placed = records.map(({ key, value, partition }, index): InputRecord => {
    const where = `records.${index}`
    return {
      key: encodeEmbedded(key, format, `${where}.key`),
      value: encodeEmbedded(value, format, `${where}.value`),
      headers: [],
      timestamp,
      partition: fixed ?? partition ?? undefined,
    }
  })
  const target = await topicFor(call, parts)
  if (fixed !== undefined && fixed >= target.partitions) throw unknownPartition(target, fixed)
  const { appender, limits } = parts
  const outcomes = await appendTo(target, placed, { appender, timeoutMs: limits.appendTimeoutMs })
  const offsets = outcomes.map(outcome => offsetOf(outcome, parts))
  return v2Response({ offsets, key_schema_id: null, value_schema_id: null })
}

function offsetOf(outcome: Outcome, { logger }: HttpParts): object {
  if (!('error' in outcome))
    return { partition: outcome.partition, offset: outcome.offset, error_code: null, error: null }
  const { status, message } = confluentErrorOf(outcome.error, logger)
  const unknown = outcome.error instanceof LogError && outcome.error.code === 'REQUEST_TIMED_OUT'
  // 2: may be tried again; 1: may not.
  return { partition: null, offset: null, error_code: status === 503 || unknown ? 2 : 1, error: message }
}

export function v2Response(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': V2_TYPE } })
}
