/** REST Proxy v3: the one cluster, and its one broker. */
import * as z from 'zod'
import { HttpError } from '../errors.ts'
import { jsonResponse, type Route, route } from '../route.ts'
import { mayUse } from '../topic-routes.ts'
import { BROKER, checkCluster, cluster, clusterParams, Resources, v3 } from './v3-answers.ts'
import { replicaOf } from './v3-partition-routes.ts'

const brokers = `${cluster}/brokers`
const brokerParams = clusterParams.extend({ broker: z.string() })

export const v3ClusterRoutes: readonly Route[] = [
  route({
    ...v3,
    method: 'get',
    path: '/v3/clusters',
    summary: 'List clusters',
    params: z.strictObject({}),
    answers: { 200: { description: 'The one that there is.' } },
    handle({ request }, parts) {
      const resources = new Resources(request, parts)
      return resources.list('Cluster', [clusterOf(resources)])
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: cluster,
    summary: 'Describe the cluster',
    params: clusterParams,
    answers: { 200: { description: 'Where the rest is.' } },
    handle(call, parts) {
      checkCluster(call, parts)
      return jsonResponse(clusterOf(new Resources(call.request, parts)))
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: brokers,
    summary: 'List brokers',
    params: clusterParams,
    answers: { 200: { description: 'Whoever answers is the one that there is.' } },
    handle(call, parts) {
      checkCluster(call, parts)
      const resources = new Resources(call.request, parts)
      return resources.list('Broker', [brokerOf(resources)])
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${brokers}/{broker}`,
    summary: 'Describe a broker',
    params: brokerParams,
    answers: { 200: { description: 'Without an address: it is the one that was asked.' } },
    handle(call, parts) {
      checkCluster(call, parts)
      checkBroker(call.params.broker)
      return jsonResponse(brokerOf(new Resources(call.request, parts)))
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${brokers}/{broker}/configs`,
    summary: 'List the configs of a broker',
    params: brokerParams,
    answers: { 200: { description: 'None: processes are configured where they are started.' } },
    handle(call, parts) {
      checkCluster(call, parts)
      checkBroker(call.params.broker)
      return new Resources(call.request, parts).list('BrokerConfig', [])
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${brokers}/{broker}/partition-replicas`,
    summary: 'List the replicas on a broker',
    params: brokerParams,
    answers: { 200: { description: 'One of each partition that the caller may use.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      checkBroker(call.params.broker)
      const resources = new Resources(call.request, parts)
      const topics = (await parts.log.topics.list()).filter(({ name }) => mayUse(call.principal, name))
      const replicas = topics.flatMap(({ name, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => replicaOf(resources, name, partition)),
      )
      return resources.list('Replica', replicas)
    },
  }),
]

/** @throws HttpError NOT_FOUND */
function checkBroker(broker: string): void {
  if (broker !== String(BROKER)) throw new HttpError('NOT_FOUND', `there is no broker ${broker}: see its cluster's`)
}

function clusterOf(resources: Resources): object {
  return resources.one('Cluster', [], {
    controller: resources.related('brokers', BROKER),
    brokers: resources.related('brokers'),
    topics: resources.related('topics'),
    consumer_groups: resources.related('consumer-groups'),
    partition_reassignments: resources.related('topics', '-', 'partitions', '-', 'reassignment'),
  })
}

function brokerOf(resources: Resources): object {
  return resources.one('Broker', ['brokers', BROKER], {
    broker_id: BROKER,
    host: null,
    port: null,
    rack: null,
    configs: resources.related('brokers', BROKER, 'configs'),
    partition_replicas: resources.related('brokers', BROKER, 'partition-replicas'),
  })
}
