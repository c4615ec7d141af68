/**
 * REST Proxy v3: clusters, topics, partitions, configs, and producing, record by record as a stream of JSON.
 *
 * Departures from the Proxy: no ACLs; keys and values are BINARY, JSON or STRING, and no schemas; there is
 * one cluster, and replicas are what the stores do.
 */
import * as z from 'zod'
import { type Topic, topicConfigs } from '../../log/index.ts'
import { readPieces } from '../body.ts'
import { HttpError } from '../errors.ts'
import { jsonBytes } from '../json.ts'
import type { HttpParts } from '../parts.ts'
import type { Outcome } from '../produce/appender.ts'
import { decodeBase64, type InputRecord, partitionSchema } from '../produce/record-input.ts'
import { appendLines } from '../produce/record-stream.ts'
import { topicFor } from '../produce/topic-for.ts'
import { type Call, check, jsonResponse, type Route, route } from '../route.ts'
import { streamOf } from '../streaming.ts'
import { findTopic, mayUse } from '../topic-routes.ts'
import { splitObjects } from './concatenated-json.ts'
import { confluentErrorOf } from './confluent-errors.ts'
import { checkCluster, cluster, clusterParams, JSON_TYPE, listResponse, selfOf, v3 } from './v3-answers.ts'

const topicParams = clusterParams.extend({ topic: z.string() })

const dataSchema = z.looseObject({ type: z.enum(['BINARY', 'JSON', 'STRING']), data: z.unknown().optional() }).nullish()
const recordSchema = z.looseObject({
  partition_id: partitionSchema.nullish(),
  headers: z.array(z.looseObject({ name: z.string(), value: z.string().nullish() })).nullish(),
  key: dataSchema,
  value: dataSchema,
  timestamp: z.iso.datetime({ offset: true }).nullish(),
})
const newTopicSchema = z.looseObject({
  topic_name: z.string(),
  partitions_count: z.int().optional(),
  configs: z.array(z.looseObject({ name: z.string(), value: z.string().nullish() })).optional(),
})

export const v3Routes: readonly Route[] = [
  route({
    ...v3,
    method: 'get',
    path: '/v3/clusters',
    summary: 'List clusters',
    params: z.strictObject({}),
    answers: { 200: { description: 'The one that there is.' } },
    handle: ({ request }, parts) => listResponse(request, [clusterOf(request, parts)]),
  }),
  route({
    ...v3,
    method: 'get',
    path: cluster,
    summary: 'Describe the cluster',
    params: clusterParams,
    answers: { 200: { description: 'Where the rest is.' } },
    handle: (call, parts) => {
      checkCluster(call, parts)
      return jsonResponse(clusterOf(call.request, parts))
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${cluster}/topics`,
    summary: 'List topics',
    params: clusterParams,
    answers: { 200: { description: 'By name.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      const topics = (await parts.log.topics.list()).filter(({ name }) => mayUse(call.principal, name))
      return listResponse(
        call.request,
        topics.map(topic => topicOf(call.request, topic, parts)),
      )
    },
  }),
  route({
    ...v3,
    method: 'post',
    path: `${cluster}/topics`,
    summary: 'Create a topic',
    params: clusterParams,
    body: { [JSON_TYPE]: newTopicSchema },
    answers: { 201: { description: 'It is there.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      const { topic_name: name, partitions_count: partitions, configs = [] } = await call.json(newTopicSchema)
      call.demand('admin', name)
      const topic = await parts.log.topics.create({
        name,
        partitions: partitions ?? parts.defaultPartitions,
        configs: Object.fromEntries(configs.map(({ name, value }) => [name, value ?? ''])),
      })
      return jsonResponse(topicOf(call.request, topic, parts), 201)
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${cluster}/topics/{topic}`,
    summary: 'Describe a topic',
    params: topicParams,
    answers: { 200: { description: 'Where its parts are.' } },
    async handle(call, parts) {
      return jsonResponse(topicOf(call.request, await usable(call, parts), parts))
    },
  }),
  route({
    ...v3,
    method: 'delete',
    path: `${cluster}/topics/{topic}`,
    summary: 'Delete a topic',
    params: topicParams,
    answers: { 204: { description: 'It is gone.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      call.demand('admin', call.params.topic)
      const topic = await findTopic(parts.log, call.params.topic)
      await parts.log.topics.delete(topic.name)
      await parts.groups.removeTopicOffsets(topic.id)
      return new Response(null, { status: 204 })
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${cluster}/topics/{topic}/partitions`,
    summary: 'List the partitions of a topic',
    params: topicParams,
    answers: { 200: { description: 'By number.' } },
    async handle(call, parts) {
      const topic = await usable(call, parts)
      const all = Array.from({ length: topic.partitions }, (_, partition) => partition)
      return listResponse(
        call.request,
        all.map(partition => ({
          kind: 'KafkaPartition',
          metadata: selfOf(
            call.request,
            `/v3/clusters/${parts.clusterId}/topics/${topic.name}/partitions/${partition}`,
          ),
          cluster_id: parts.clusterId,
          topic_name: topic.name,
          partition_id: partition,
        })),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${cluster}/topics/{topic}/configs`,
    summary: 'List the configs of a topic',
    params: topicParams,
    answers: { 200: { description: 'Those that were set, and the defaults.' } },
    async handle(call, parts) {
      const topic = await usable(call, parts)
      return listResponse(
        call.request,
        Object.entries(topicConfigs).map(([name, config]) => ({
          kind: 'KafkaTopicConfig',
          metadata: selfOf(call.request, `/v3/clusters/${parts.clusterId}/topics/${topic.name}/configs/${name}`),
          cluster_id: parts.clusterId,
          topic_name: topic.name,
          name,
          value: topic.configs[name] ?? config.default,
          is_default: topic.configs[name] === undefined,
          is_read_only: false,
          is_sensitive: false,
          source: topic.configs[name] === undefined ? 'DEFAULT_CONFIG' : 'DYNAMIC_TOPIC_CONFIG',
        })),
      )
    },
  }),
  route({
    ...v3,
    method: 'post',
    path: `${cluster}/topics/{topic}/records`,
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
]

async function* reports(outcomes: AsyncIterable<Outcome[]>, topic: Topic, parts: HttpParts): AsyncGenerator<string> {
  try {
    for await (const some of outcomes) {
      if (some.length > 0) yield some.map(outcome => `${JSON.stringify(reportOf(outcome, topic, parts))}\n`).join('')
    }
  } catch (error) {
    const { error_code, message } = confluentErrorOf(error, parts.logger)
    yield `${JSON.stringify({ error_code, message })}\n`
  }
}

function reportOf(outcome: Outcome, topic: Topic, { logger, clusterId }: HttpParts): object {
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

async function usable(call: Call<{ cluster: string; topic: string }, unknown>, parts: HttpParts): Promise<Topic> {
  checkCluster(call, parts)
  const { topic } = call.params
  if (!mayUse(call.principal, topic)) call.demand('consume', topic)
  return findTopic(parts.log, topic)
}

function clusterOf(request: Request, { clusterId }: HttpParts): object {
  const place = `/v3/clusters/${clusterId}`
  return {
    kind: 'KafkaCluster',
    metadata: { ...selfOf(request, place), resource_name: `crn:///kafka=${clusterId}` },
    cluster_id: clusterId,
    topics: { related: new URL(`${place}/topics`, request.url).href },
    consumer_groups: { related: new URL(`${place}/consumer-groups`, request.url).href },
  }
}

function topicOf(request: Request, { name, partitions }: Topic, { clusterId }: HttpParts): object {
  const place = `/v3/clusters/${clusterId}/topics/${name}`
  const related = (what: string) => ({ related: new URL(`${place}/${what}`, request.url).href })
  return {
    kind: 'KafkaTopic',
    metadata: { ...selfOf(request, place), resource_name: `crn:///kafka=${clusterId}/topic=${name}` },
    cluster_id: clusterId,
    topic_name: name,
    is_internal: false,
    replication_factor: 1,
    partitions_count: partitions,
    partitions: related('partitions'),
    configs: related('configs'),
  }
}
