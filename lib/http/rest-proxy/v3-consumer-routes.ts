/** REST Proxy v3: the members of a consumer group, and the partitions that each of them has. */
import { HttpError } from '../errors.ts'
import { groupParams } from '../groups/poll-route.ts'
import { jsonResponse, type Route, route, whole } from '../route.ts'
import { type Assigned, assignmentsOf, type Member, type Stand, usableGroup } from './group-stand.ts'
import { cluster, clusterParams, Resources, v3 } from './v3-answers.ts'

const params = clusterParams.extend(groupParams.shape)
const consumerParams = params.extend({ consumer: groupParams.shape.group })
const assignmentParams = consumerParams.extend({ topic: groupParams.shape.group, partition: whole(0, 2 ** 31 - 1) })
const consumers = `${cluster}/consumer-groups/{group}/consumers`
const assignments = `${consumers}/{consumer}/assignments`

export const v3ConsumerRoutes: readonly Route[] = [
  route({
    ...v3,
    method: 'get',
    path: consumers,
    summary: 'List the members of a consumer group',
    params,
    answers: { 200: { description: 'As they are now.' } },
    async handle(call, parts) {
      const { members } = await usableGroup(call, parts)
      const resources = new Resources(call.request, parts)
      return resources.list(
        'Consumer',
        members.map(member => consumerOf(resources, call.params.group, member)),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${consumers}/{consumer}`,
    summary: 'Describe a member of a consumer group',
    params: consumerParams,
    answers: { 200: { description: 'As it is now.' } },
    async handle(call, parts) {
      const member = memberIn(await usableGroup(call, parts), call.params.consumer)
      return jsonResponse(consumerOf(new Resources(call.request, parts), call.params.group, member))
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: assignments,
    summary: 'List the partitions that a member of a consumer group has',
    params: consumerParams,
    answers: { 200: { description: 'Of topics that the caller may consume.' } },
    async handle(call, parts) {
      const member = memberIn(await usableGroup(call, parts), call.params.consumer)
      const resources = new Resources(call.request, parts)
      return resources.list(
        'ConsumerAssignment',
        assignmentsOf(member, call).map(assigned => assignmentOf(resources, call.params, assigned)),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${assignments}/{topic}/partitions/{partition}`,
    summary: 'A partition that a member of a consumer group has',
    params: assignmentParams,
    answers: { 200: { description: 'Where the partition is, and how far the group is behind in it.' } },
    async handle(call, parts) {
      const { group, consumer, topic, partition } = call.params
      call.demand('consume', topic)
      const { partitions } = memberIn(await usableGroup(call, parts), consumer)
      const assigned = partitions.find(one => one.topic === topic && one.partition === partition)
      if (!assigned) throw new HttpError('NOT_FOUND', `${consumer} of ${group} does not have ${partition} of ${topic}`)
      return jsonResponse(assignmentOf(new Resources(call.request, parts), call.params, assigned))
    },
  }),
]

/** @throws HttpError NOT_FOUND */
function memberIn({ listing, members }: Stand, consumer: string): Member {
  const member = members.find(({ memberId }) => memberId === consumer)
  if (!member) throw new HttpError('NOT_FOUND', `the group ${listing.groupId} has no member ${consumer}`)
  return member
}

function consumerOf(resources: Resources, group: string, { memberId, instanceId, clientId }: Member): object {
  const names = ['consumer-groups', group, 'consumers', memberId]
  return resources.one('Consumer', names, {
    consumer_group_id: group,
    consumer_id: memberId,
    instance_id: instanceId ?? null,
    client_id: clientId,
    assignments: resources.related(...names, 'assignments'),
  })
}

function assignmentOf(
  resources: Resources,
  { group, consumer }: { group: string; consumer: string },
  { topic, partition }: Assigned,
): object {
  const names = ['consumer-groups', group, 'consumers', consumer, 'assignments', topic, 'partitions', partition]
  return resources.one('ConsumerAssignment', names, {
    consumer_group_id: group,
    consumer_id: consumer,
    topic_name: topic,
    partition_id: partition,
    partition: resources.related('topics', topic, 'partitions', partition),
    lag: resources.related('consumer-groups', group, 'lags', topic, 'partitions', partition),
  })
}
