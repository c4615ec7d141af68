/**
 * REST Proxy v3: consumer groups, and how far they are behind.
 *
 * Departures from the Proxy: lags are of topics that the caller may consume; where a group has committed nothing its lags are an empty
 * list and a summary of zeros, and that of a partition which a member has is of all that is in it (offset -1).
 */
import { inParallel } from '../../base/index.ts'
import { GroupError, type GroupListing } from '../../groups/index.ts'
import { allowsGroup } from '../../security/index.ts'
import { HttpError } from '../errors.ts'
import { lagsOf } from '../groups/group-routes.ts'
import { groupParams } from '../groups/poll-route.ts'
import type { HttpParts } from '../parts.ts'
import { jsonResponse, type Route, route, whole } from '../route.ts'
import { endsOf, findTopic } from '../topic-routes.ts'
import { byPlace, type GroupCall, isOfConsumers, type Member, type Stand, standOf, usableGroup } from './group-stand.ts'
import { BROKER, checkCluster, cluster, clusterParams, Resources, v3 } from './v3-answers.ts'

const PARALLEL_READS_MAX = 16
/** Of a partition in which nothing was committed. */
const NO_OFFSET = -1

const params = clusterParams.extend(groupParams.shape)
const lagParams = params.extend({ topic: groupParams.shape.group, partition: whole(0, 2 ** 31 - 1) })
const groups = `${cluster}/consumer-groups`
const group = `${groups}/{group}`

interface Lag {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly endOffset: number
  readonly lag: number
  readonly owner: Member | undefined
}

export const v3GroupRoutes: readonly Route[] = [
  route({
    ...v3,
    method: 'get',
    path: groups,
    summary: 'List consumer groups',
    params: clusterParams,
    answers: { 200: { description: 'Those that the caller may use.' } },
    async handle(call, parts) {
      checkCluster(call, parts)
      const listed = (await parts.groups.list()).filter(({ groupId }) => allowsGroup(call.principal, groupId))
      const stands = await inParallel(listed.filter(isOfConsumers), PARALLEL_READS_MAX, listing =>
        stillThere(listing, parts),
      )
      const resources = new Resources(call.request, parts)
      const there = stands.filter(stand => stand !== undefined)
      return resources.list(
        'ConsumerGroup',
        there.map(stand => groupOf(resources, stand)),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: group,
    summary: 'Describe a consumer group',
    params,
    answers: { 200: { description: 'Where its parts are.' } },
    async handle(call, parts) {
      return jsonResponse(groupOf(new Resources(call.request, parts), await usableGroup(call, parts)))
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${group}/lag-summary`,
    summary: 'How far a consumer group is behind, in all and where it is most',
    params,
    answers: { 200: { description: 'Of partitions in which it has committed an offset.' } },
    async handle(call, parts) {
      const lags = await lagsIn(call, await usableGroup(call, parts), parts)
      return jsonResponse(summaryOf(new Resources(call.request, parts), call.params.group, lags))
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${group}/lags`,
    summary: 'List how far a consumer group is behind, partition by partition',
    params,
    answers: { 200: { description: 'Of partitions in which it has committed an offset, the largest first.' } },
    async handle(call, parts) {
      const lags = await lagsIn(call, await usableGroup(call, parts), parts)
      const resources = new Resources(call.request, parts)
      return resources.list(
        'ConsumerLag',
        lags.map(lag => lagOf(resources, call.params.group, lag)),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${group}/lags/{topic}/partitions/{partition}`,
    summary: 'How far a consumer group is behind in a partition',
    params: lagParams,
    answers: { 200: { description: 'Where it has committed an offset, or one of its members has the partition.' } },
    async handle(call, parts) {
      const { group, topic, partition } = call.params
      call.demand('consume', topic)
      const stand = await usableGroup(call, parts)
      const known = (await lagsIn(call, stand, parts, topic)).find(lag => lag.partition === partition)
      const lag = known ?? (await lagWithoutCommit(stand, { topic, partition }, parts))
      if (!lag) throw new HttpError('NOT_FOUND', `the group ${group} has nothing to do with ${partition} of ${topic}`)
      return jsonResponse(lagOf(new Resources(call.request, parts), group, lag))
    },
  }),
]

/** Undefined: it went, or became another kind of group, since it was listed. */
async function stillThere(listing: GroupListing, parts: HttpParts): Promise<Stand | undefined> {
  try {
    return await standOf(listing, parts)
  } catch (error) {
    if (error instanceof GroupError) return undefined
    throw error
  }
}

/** The largest first. */
async function lagsIn(call: GroupCall, stand: Stand, parts: HttpParts, only?: string): Promise<Lag[]> {
  const lags = await lagsOf(call, parts, only)
  return lags.map(lag => ({ ...lag, owner: ownerOf(stand, lag) })).sort((a, b) => b.lag - a.lag || byPlace(a, b))
}

async function lagWithoutCommit(
  stand: Stand,
  { topic, partition }: Pick<Lag, 'topic' | 'partition'>,
  { log }: HttpParts,
): Promise<Lag | undefined> {
  const owner = ownerOf(stand, { topic, partition })
  if (!owner) return undefined
  const { start, end } = await endsOf(log, await findTopic(log, topic), partition)
  return { topic, partition, offset: NO_OFFSET, endOffset: end, lag: end - start, owner }
}

function ownerOf({ members }: Stand, { topic, partition }: Pick<Lag, 'topic' | 'partition'>): Member | undefined {
  return members.find(({ partitions }) => partitions.some(one => one.topic === topic && one.partition === partition))
}

function groupOf(resources: Resources, { listing, assignor }: Stand): object {
  const { groupId, state, type, protocolType } = listing
  const names = ['consumer-groups', groupId]
  return resources.one('ConsumerGroup', names, {
    consumer_group_id: groupId,
    is_simple: type === 'classic' && protocolType === '',
    partition_assignor: assignor,
    state: state.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase(),
    type: type.toUpperCase(),
    is_mixed_consumer_group: false,
    coordinator: resources.related('brokers', BROKER),
    consumers: resources.related(...names, 'consumers'),
    lag_summary: resources.related(...names, 'lag-summary'),
    lags: resources.related(...names, 'lags'),
  })
}

function summaryOf(resources: Resources, group: string, lags: readonly Lag[]): object {
  const [most] = lags
  const consumers = ['consumer-groups', group, 'consumers']
  return resources.one('ConsumerGroupLagSummary', ['consumer-groups', group, 'lag-summary'], {
    consumer_group_id: group,
    max_lag_consumer_id: most?.owner?.memberId ?? '',
    max_lag_instance_id: most?.owner?.instanceId ?? null,
    max_lag_client_id: most?.owner?.clientId ?? '',
    max_lag_topic_name: most?.topic ?? '',
    max_lag_partition_id: most?.partition ?? 0,
    max_lag: most?.lag ?? 0,
    total_lag: lags.reduce((sum, { lag }) => sum + lag, 0),
    // Where there is none, the list that it would be in.
    max_lag_consumer: resources.related(...consumers, ...(most?.owner ? [most.owner.memberId] : [])),
    max_lag_partition: resources.related('topics', ...(most ? [most.topic, 'partitions', most.partition] : [])),
  })
}

function lagOf(resources: Resources, group: string, { topic, partition, offset, endOffset, lag, owner }: Lag): object {
  return resources.one('ConsumerLag', ['consumer-groups', group, 'lags', topic, 'partitions', partition], {
    consumer_group_id: group,
    topic_name: topic,
    partition_id: partition,
    current_offset: offset,
    log_end_offset: endOffset,
    lag,
    consumer_id: owner?.memberId ?? '',
    instance_id: owner?.instanceId ?? null,
    client_id: owner?.clientId ?? '',
  })
}
