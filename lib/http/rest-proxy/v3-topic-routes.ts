/** REST Proxy v3: topics. Replicas are what the stores do, so what a request says of them is checked and no more. */
import * as z from 'zod'
import type { Topic } from '../../log/index.ts'
import { jsonResponse, type Route, route } from '../route.ts'
import { findTopic, mayUse } from '../topic-routes.ts'
import {
  checkCluster,
  cluster,
  clusterParams,
  JSON_TYPE,
  Resources,
  topicInCluster,
  topicParams,
  v3,
} from './v3-answers.ts'

const newTopicSchema = z.looseObject({
  topic_name: z.string(),
  partitions_count: z.int().nullish(),
  replication_factor: z.int().min(1).nullish(),
  replicas_assignments: z
    .record(z.string(), z.array(z.int()).min(1))
    .nullish()
    .describe('As many partitions as it has.'),
  configs: z.array(z.looseObject({ name: z.string(), value: z.string().nullish() })).nullish(),
  validate_only: z.boolean().nullish(),
})
const changeSchema = z.looseObject({ partitions_count: z.int().describe('As many as there are to be.') })

export const v3TopicRoutes: readonly Route[] = [
  route({
    ...v3,
    method: 'get',
    path: `${cluster}/topics`,
    summary: 'List topics',
    params: clusterParams,
    answers: { 200: { description: 'By name.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      const resources = new Resources(call.request, parts)
      const topics = (await parts.log.topics.list()).filter(({ name }) => mayUse(call.principal, name))
      return resources.list(
        'Topic',
        topics.map(topic => topicOf(resources, topic)),
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
    answers: { 201: { description: 'It is there.' }, 200: { description: 'It could be made (validate_only).' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      const asked = await call.json(newTopicSchema)
      call.demand('admin', asked.topic_name)
      const assigned = Object.keys(asked.replicas_assignments ?? {}).length
      const topic = {
        name: asked.topic_name,
        partitions: assigned || (asked.partitions_count ?? parts.defaultPartitions),
        configs: Object.fromEntries((asked.configs ?? []).map(({ name, value }) => [name, value ?? ''])),
      }
      const resources = new Resources(call.request, parts)
      if (asked.validate_only) {
        await parts.log.topics.validate(topic)
        return jsonResponse(topicOf(resources, topic))
      }
      const { related } = resources.related('topics', topic.name)
      return jsonResponse(topicOf(resources, await parts.log.topics.create(topic)), 201, { location: related })
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
      return jsonResponse(topicOf(new Resources(call.request, parts), await topicInCluster(call, parts)))
    },
  }),
  route({
    ...v3,
    method: 'patch',
    path: `${cluster}/topics/{topic}`,
    summary: 'Add partitions to a topic',
    params: topicParams,
    body: { [JSON_TYPE]: changeSchema },
    answers: { 200: { description: 'The topic as it is now.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      call.demand('admin', call.params.topic)
      const { partitions_count: partitions } = await call.json(changeSchema)
      const topic = await parts.log.topics.addPartitions(call.params.topic, partitions)
      return jsonResponse(topicOf(new Resources(call.request, parts), topic))
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
]

function topicOf(resources: Resources, { name, partitions }: Pick<Topic, 'name' | 'partitions'>): object {
  return resources.one('Topic', ['topics', name], {
    topic_name: name,
    is_internal: false,
    replication_factor: 1,
    partitions_count: partitions,
    partitions: resources.related('topics', name, 'partitions'),
    configs: resources.related('topics', name, 'configs'),
    partition_reassignments: resources.related('topics', name, 'partitions', '-', 'reassignment'),
  })
}
