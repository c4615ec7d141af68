/** Topics: made, listed, described, changed, deleted. */
import * as z from 'zod'
import { inParallel } from '../base/index.ts'
import { LogError, parseForkPoint, type Topic, topicConfigs } from '../log/index.ts'
import { allows, type Principal } from '../security/index.ts'
import type { HttpParts } from './parts.ts'
import { unknownPartition } from './produce/appender.ts'
import { type Call, flag, jsonResponse, nothing, type Route, route } from './route.ts'

const PARALLEL_READS_MAX = 16

const configValue = z.union([z.string(), z.number(), z.boolean()])
const configsSchema = z.record(z.string(), configValue).describe("Kafka's topic configs, such as retention.ms.")
const topicParams = z.strictObject({ topic: z.string().describe('The name of the topic.') })

const topicSchema = z.object({
  name: z.string(),
  id: z.string().describe('A UUID, 32 hex digits.'),
  partitions: z.int(),
  configs: z.record(z.string(), z.string()).describe('Those that were set.'),
})
const partitionsSchema = z.object({
  partitions: z.array(
    z.object({
      partition: z.int(),
      startOffset: z.int().describe('Of the first record that is kept.'),
      endOffset: z.int().describe('Of the next record to come.'),
      lastStableOffset: z.int().describe('Below it, all transactions have ended.'),
    }),
  ),
})

const newTopicSchema = z.strictObject({
  name: z.string(),
  partitions: z.int().optional(),
  configs: configsSchema.optional(),
})
const newForkSchema = z.strictObject({
  name: z.string(),
  at: z
    .string()
    .optional()
    .describe(
      'latest (the default), a time (2026-11-23T10:00:00Z), or the first offset of each partition that is left out (0:1500,3:20).',
    ),
  configs: configsSchema.optional().describe("In the place of the topic's."),
})
const changeSchema = z.strictObject({
  partitions: z.int().optional().describe('As many as there are to be.'),
  configs: z.record(z.string(), configValue.nullable()).optional().describe('null: the default again. Others stay.'),
})

const json = (schema: z.ZodType) => ({ 'application/json': schema })

export const topicRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/topics',
    tag: 'Topics',
    summary: 'Create a topic',
    params: nothing,
    query: z.strictObject({ validateOnly: flag.optional() }),
    body: json(newTopicSchema),
    answers: {
      201: { description: 'The topic is there.', content: json(topicSchema) },
      200: { description: 'It could be made (validateOnly).' },
    },
    async handle({ json, query, demand }, { log, defaultPartitions }) {
      const asked = await json(newTopicSchema)
      demand('admin', asked.name)
      const topic = {
        name: asked.name,
        partitions: asked.partitions ?? defaultPartitions,
        configs: textsOf(asked.configs ?? {}),
      }
      if (query.validateOnly) {
        await log.topics.validate(topic)
        return jsonResponse({ valid: true })
      }
      const created = await log.topics.create(topic)
      return jsonResponse(describe(created), 201, { location: `/v1/topics/${created.name}` })
    },
  }),
  route({
    method: 'post',
    path: '/v1/topics/{topic}/forks',
    tag: 'Topics',
    summary: 'Make a topic that shares what this one has stored, and lives on alone',
    description:
      'The same records at the same offsets; none is copied. What transactions have not decided is aborted in it. Producers ' +
      'begin anew in it, and no group has committed an offset there.',
    params: topicParams,
    query: z.strictObject({ validateOnly: flag.optional() }),
    body: json(newForkSchema),
    answers: {
      201: { description: 'The fork is there.', content: json(topicSchema) },
      200: { description: 'It could be made (validateOnly).' },
    },
    async handle({ params, json, query, demand }, { log }) {
      const { name, at = 'latest', configs = {} } = await json(newForkSchema)
      demand('admin', name)
      // Who may not read it must not read its fork.
      demand('consume', params.topic)
      const request = { name, from: params.topic, at: parseForkPoint(at), configs: textsOf(configs) }
      if (query.validateOnly) {
        await log.validateFork(request)
        return jsonResponse({ valid: true })
      }
      const created = await log.fork(request)
      return jsonResponse(describe(created), 201, { location: `/v1/topics/${created.name}` })
    },
  }),
  route({
    method: 'get',
    path: '/v1/topics',
    tag: 'Topics',
    summary: 'List the topics that the caller may use',
    params: nothing,
    query: z.strictObject({ prefix: z.string().optional() }),
    answers: { 200: { description: 'By name.', content: json(z.object({ topics: z.array(topicSchema) })) } },
    async handle({ query, principal }, { log }) {
      const topics = await log.topics.list()
      const seen = topics.filter(({ name }) => name.startsWith(query.prefix ?? '') && mayUse(principal, name))
      return jsonResponse({ topics: seen.map(describe) })
    },
  }),
  route({
    method: 'get',
    path: '/v1/topics/{topic}',
    tag: 'Topics',
    summary: 'Describe a topic',
    params: topicParams,
    query: z.strictObject({ allConfigs: flag.optional() }),
    answers: { 200: { description: 'With allConfigs, defaults too.', content: json(topicSchema) } },
    async handle({ params, query, principal, demand }, { log }) {
      if (!mayUse(principal, params.topic)) demand('consume', params.topic)
      const topic = await findTopic(log, params.topic)
      const defaults = Object.fromEntries(Object.entries(topicConfigs).map(([name, config]) => [name, config.default]))
      const described = describe(topic)
      return jsonResponse(
        query.allConfigs ? { ...described, configs: { ...defaults, ...described.configs } } : described,
      )
    },
  }),
  route({
    method: 'get',
    path: '/v1/topics/{topic}/partitions',
    tag: 'Topics',
    summary: 'First and next offset of each partition',
    params: topicParams,
    query: nothing,
    answers: { 200: { description: 'Read strongly.', content: json(partitionsSchema) } },
    async handle({ params, demand }, { log }) {
      demand('consume', params.topic)
      const topic = await findTopic(log, params.topic)
      const indexes = Array.from({ length: topic.partitions }, (_, partition) => partition)
      const partitions = await inParallel(indexes, PARALLEL_READS_MAX, async partition => {
        const { offset } = await log.findOffset(topic, partition, { at: 'latest', isolation: 'read_uncommitted' })
        const place = { topic, partition, offset, maxBytes: 0, atLeastOneBatch: false }
        const { startOffset, endOffset, lastStableOffset } = await log.read({ ...place, isolation: 'read_uncommitted' })
        return { partition, startOffset, endOffset, lastStableOffset }
      })
      return jsonResponse({ partitions })
    },
  }),
  route({
    method: 'patch',
    path: '/v1/topics/{topic}',
    tag: 'Topics',
    summary: 'Change configs, add partitions',
    params: topicParams,
    query: nothing,
    body: json(changeSchema),
    answers: { 200: { description: 'The topic as it is now.', content: json(topicSchema) } },
    async handle({ params, json, demand }, { log }) {
      demand('admin', params.topic)
      const { partitions, configs } = await json(changeSchema)
      const change = configs && ((set: Configs) => changed(set, configs))
      // What can be refused is refused before anything is done.
      if (change) await log.topics.changeConfigs(params.topic, change, { validateOnly: true })
      if (partitions !== undefined) await log.topics.addPartitions(params.topic, partitions)
      if (change) await log.topics.changeConfigs(params.topic, change)
      return jsonResponse(describe(await findTopic(log, params.topic)))
    },
  }),
  route({
    method: 'delete',
    path: '/v1/topics/{topic}',
    tag: 'Topics',
    summary: 'Delete a topic, with its records and the offsets that groups committed in it',
    params: topicParams,
    query: nothing,
    answers: { 204: { description: 'It is gone.' } },
    async handle({ params, demand }, { log, groups }) {
      demand('admin', params.topic)
      const topic = await findTopic(log, params.topic)
      await log.topics.delete(topic.name)
      await groups.removeTopicOffsets(topic.id)
      return new Response(null, { status: 204 })
    },
  }),
]

/** @throws LogError UNKNOWN_TOPIC */
export async function findTopic({ topics }: Pick<HttpParts['log'], 'topics'>, name: string): Promise<Topic> {
  const topic = await topics.find({ name })
  if (!topic) throw new LogError('UNKNOWN_TOPIC', `there is no topic '${name}'`)
  return topic
}

/** The same topic. @throws HttpError UNKNOWN_PARTITION */
export function withPartition(topic: Topic, partition: number): Topic {
  if (partition >= topic.partitions) throw unknownPartition(topic, partition)
  return topic
}

/** First and next offset, of which the latter is read strongly. @throws LogError, StoreError */
export async function endsOf(
  log: HttpParts['log'],
  topic: Topic,
  partition: number,
): Promise<{ readonly start: number; readonly end: number }> {
  const { offset: start } = await log.findOffset(topic, partition, { at: 'earliest' })
  const { offset: end } = await log.findOffset(topic, partition, { at: 'latest', isolation: 'read_uncommitted' })
  return { start, end }
}

function describe({ name, id, partitions, configs }: Topic) {
  return { name, id, partitions, configs }
}

/** For whoever may do anything with it. @throws HttpError FORBIDDEN; LogError UNKNOWN_TOPIC */
export async function usableTopic(
  { params: { topic }, principal, demand }: Pick<Call<{ topic: string }, unknown>, 'params' | 'principal' | 'demand'>,
  { log }: Pick<HttpParts, 'log'>,
): Promise<Topic> {
  if (!mayUse(principal, topic)) demand('consume', topic)
  return findTopic(log, topic)
}

export function mayUse(principal: Principal, name: string): boolean {
  return (['consume', 'produce', 'admin'] as const).some(action => allows(principal, action, name))
}

type Configs = Readonly<Record<string, string>>

function changed(set: Configs, changes: Readonly<Record<string, string | number | boolean | null>>): Configs {
  const all = Object.entries({ ...set, ...changes }).filter(([, value]) => value !== null)
  return Object.fromEntries(all.map(([name, value]) => [name, String(value)]))
}

function textsOf(configs: Readonly<Record<string, string | number | boolean>>): Record<string, string> {
  return Object.fromEntries(Object.entries(configs).map(([name, value]) => [name, String(value)]))
}
