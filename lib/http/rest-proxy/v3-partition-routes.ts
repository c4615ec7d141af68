/**
 * REST Proxy v3: partitions, their offsets, and their one replica.
 *
 * Departures from the Proxy: a partition's reassignment is one without replicas to add or remove, where the Proxy has none and
 * answers 404.
 */
import * as z from 'zod'
import type { Topic } from '../../log/index.ts'
import { HttpError } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import { type Call, jsonResponse, type Route, route, whole } from '../route.ts'
import { endsOf, withPartition } from '../topic-routes.ts'
import {
  BROKER,
  checkCluster,
  cluster,
  clusterParams,
  Resources,
  topicInCluster,
  topicParams,
  v3,
} from './v3-answers.ts'

const partitions = `${cluster}/topics/{topic}/partitions`
const partition = `${partitions}/{partition}`
const params = topicParams.extend({ partition: whole(0, 2 ** 31 - 1) })
type PartitionCall = Call<z.infer<typeof params>, unknown>

export const v3PartitionRoutes: readonly Route[] = [
  route({
    ...v3,
    method: 'get',
    path: partitions,
    summary: 'List the partitions of a topic',
    params: topicParams,
    answers: { 200: { description: 'By number.' } },
    async handle(call, parts) {
      const topic = await topicInCluster(call, parts)
      const resources = new Resources(call.request, parts)
      const all = Array.from({ length: topic.partitions }, (_, index) => partitionOf(resources, topic.name, index))
      return resources.list('Partition', all)
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: partition,
    summary: 'Describe a partition',
    params,
    answers: { 200: { description: 'Where its parts are.' } },
    async handle(call, parts) {
      const topic = await topicWithPartition(call, parts)
      return jsonResponse(partitionOf(new Resources(call.request, parts), topic.name, call.params.partition))
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${partition}/offset`,
    summary: 'First and next offset of a partition',
    params,
    answers: { 200: { description: 'Read strongly.' } },
    async handle(call, parts) {
      call.demand('consume', call.params.topic)
      const topic = await topicWithPartition(call, parts)
      const { partition } = call.params
      const { start, end } = await endsOf(parts.log, topic, partition)
      const resources = new Resources(call.request, parts)
      const names = ['topics', topic.name, 'partitions', partition, 'offset']
      const offsets = { earliest_offset: start, latest_offset: end }
      return jsonResponse(
        resources.one('PartitionWithOffsets', names, { ...membersOf(topic.name, partition), ...offsets }),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${partition}/replicas`,
    summary: 'List the replicas of a partition',
    params,
    answers: { 200: { description: 'The one that there is.' } },
    async handle(call, parts) {
      const topic = await topicWithPartition(call, parts)
      const resources = new Resources(call.request, parts)
      return resources.list('Replica', [replicaOf(resources, topic.name, call.params.partition)])
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${partition}/replicas/{broker}`,
    summary: 'Describe a replica of a partition',
    params: params.extend({ broker: z.string() }),
    answers: { 200: { description: 'It leads, and is in sync.' } },
    async handle(call, parts) {
      const topic = await topicWithPartition(call, parts)
      const { broker, partition } = call.params
      if (broker !== String(BROKER))
        throw new HttpError('NOT_FOUND', `the partition has no replica on a broker ${broker}`)
      return jsonResponse(replicaOf(new Resources(call.request, parts), topic.name, partition))
    },
  }),
  // Before the one with the number of a partition.
  route({
    ...v3,
    method: 'get',
    path: `${cluster}/topics/-/partitions/-/reassignment`,
    summary: 'List the reassignments of all topics',
    params: clusterParams,
    answers: { 200: { description: 'None: any process serves any partition.' } },
    handle(call, parts) {
      checkCluster(call, parts)
      return new Resources(call.request, parts).list('Reassignment', [])
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${partitions}/-/reassignment`,
    summary: 'List the reassignments of a topic',
    params: topicParams,
    answers: { 200: { description: 'None: any process serves any partition.' } },
    async handle(call, parts) {
      await topicInCluster(call, parts)
      return new Resources(call.request, parts).list('Reassignment', [])
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${partition}/reassignment`,
    summary: 'The reassignment of a partition',
    params,
    answers: { 200: { description: 'Nothing is added or removed.' } },
    async handle(call, parts) {
      const { name } = await topicWithPartition(call, parts)
      const { partition } = call.params
      const resources = new Resources(call.request, parts)
      return jsonResponse(
        resources.one('Reassignment', ['topics', name, 'partitions', partition, 'reassignment'], {
          ...membersOf(name, partition),
          adding_replicas: [],
          removing_replicas: [],
          replicas: resources.related('topics', name, 'partitions', partition, 'replicas'),
        }),
      )
    },
  }),
]

export function replicaOf(resources: Resources, topic: string, partition: number): object {
  return resources.one('Replica', ['topics', topic, 'partitions', partition, 'replicas', BROKER], {
    ...membersOf(topic, partition),
    broker_id: BROKER,
    is_leader: true,
    is_in_sync: true,
    broker: resources.related('brokers', BROKER),
  })
}

/** @throws HttpError NOT_FOUND, FORBIDDEN, UNKNOWN_PARTITION; LogError UNKNOWN_TOPIC */
async function topicWithPartition(call: PartitionCall, parts: HttpParts): Promise<Topic> {
  return withPartition(await topicInCluster(call, parts), call.params.partition)
}

function partitionOf(resources: Resources, topic: string, partition: number): object {
  const names = ['topics', topic, 'partitions', partition]
  return resources.one('Partition', names, {
    ...membersOf(topic, partition),
    leader: resources.related(...names, 'replicas', BROKER),
    replicas: resources.related(...names, 'replicas'),
    reassignment: resources.related(...names, 'reassignment'),
  })
}

function membersOf(topic: string, partition: number) {
  return { topic_name: topic, partition_id: partition }
}
