/**
 * REST Proxy v3: consumer groups, their members, and how far they are behind.
 *
 * Departures from the Proxy: who has a partition is told of groups of the new protocol (KIP-848) only; lags are of topics that the caller
 * may consume.
 */
import { inParallel } from '../../base/index.ts'
import { GroupError, type GroupListing } from '../../groups/index.ts'
import { allowsGroup } from '../../security/index.ts'
import { HttpError } from '../errors.ts'
import { lagsOf } from '../groups/group-routes.ts'
import { groupParams } from '../groups/poll-route.ts'
import type { HttpParts } from '../parts.ts'
import { type Call, jsonResponse, type Route, route } from '../route.ts'
import { checkCluster, cluster, clusterParams, listResponse, selfOf, v3 } from './v3-answers.ts'

const PARALLEL_READS_MAX = 16

const params = clusterParams.extend(groupParams.shape)
const groups = `${cluster}/consumer-groups`
const group = `${groups}/{group}`
type GroupCall = Call<{ cluster: string; group: string }, unknown>

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
      const seen = listed.filter(isOfConsumers)
      const described = await inParallel(seen, PARALLEL_READS_MAX, listing => describe(call.request, listing, parts))
      return listResponse(
        call.request,
        described.filter(one => one !== undefined),
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
      const listing = await usable(call, parts)
      return jsonResponse(groupOf(call.request, listing, await standOf(listing, parts), parts))
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${group}/consumers`,
    summary: 'List the members of a consumer group',
    params,
    answers: { 200: { description: 'As they are now.' } },
    async handle(call, parts) {
      const { members } = await standOf(await usable(call, parts), parts)
      return listResponse(
        call.request,
        members.map(({ memberId, instanceId, clientId }) => ({
          kind: 'KafkaConsumer',
          metadata: selfOf(
            call.request,
            `${placeOf(call.params.group, parts)}/consumers/${encodeURIComponent(memberId)}`,
          ),
          cluster_id: parts.clusterId,
          consumer_group_id: call.params.group,
          consumer_id: memberId,
          instance_id: instanceId ?? null,
          client_id: clientId,
        })),
      )
    },
  }),
  route({
    ...v3,
    method: 'get',
    path: `${group}/lags`,
    summary: 'List how far a consumer group is behind, partition by partition',
    params,
    answers: { 200: { description: 'Of partitions in which it has committed an offset.' } },
    async handle(call, parts) {
      const stand = await standOf(await usable(call, parts), parts)
      const lags = await lagsOf(call, parts)
      return listResponse(
        call.request,
        lags.map(({ topic, partition, offset, endOffset, lag }) => {
          const owner = stand.ownerOf(topic, partition)
          const place = `${placeOf(call.params.group, parts)}/lags/${topic}/partitions/${partition}`
          return {
            kind: 'KafkaConsumerLag',
            metadata: selfOf(call.request, place),
            cluster_id: parts.clusterId,
            consumer_group_id: call.params.group,
            topic_name: topic,
            partition_id: partition,
            current_offset: offset,
            log_end_offset: endOffset,
            lag,
            consumer_id: owner?.memberId ?? '',
            instance_id: owner?.instanceId ?? null,
            client_id: owner?.clientId ?? '',
          }
        }),
      )
    },
  }),
]

interface Member {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
}

interface Stand {
  readonly assignor: string
  readonly members: readonly Member[]
  ownerOf(topic: string, partition: number): Member | undefined
}

function isOfConsumers({ type, protocolType }: GroupListing): boolean {
  return type !== 'streams' && (protocolType === '' || protocolType === 'consumer')
}

async function standOf({ groupId, type }: GroupListing, { groups }: HttpParts): Promise<Stand> {
  if (type !== 'consumer') {
    const { protocolName, members } = await groups.describe(groupId)
    return { assignor: protocolName, members, ownerOf: () => undefined }
  }
  const { assignor, members, topicNames } = await groups.describeConsumerGroup(groupId)
  const has = (member: (typeof members)[number], topic: string, partition: number) =>
    [...member.assignment].some(([id, partitions]) => topicNames.get(id) === topic && partitions.includes(partition))
  return {
    assignor,
    members,
    ownerOf: (topic, partition) => members.find(member => has(member, topic, partition)),
  }
}

/** Undefined: it went, or became another kind of group, since it was listed. */
async function describe(request: Request, listing: GroupListing, parts: HttpParts): Promise<object | undefined> {
  try {
    return groupOf(request, listing, await standOf(listing, parts), parts)
  } catch (error) {
    if (error instanceof GroupError) return undefined
    throw error
  }
}

/** @throws HttpError FORBIDDEN, NOT_FOUND */
async function usable(call: GroupCall, parts: HttpParts): Promise<GroupListing> {
  checkCluster(call, parts)
  const { group } = call.params
  call.demandGroup(group)
  const listing = (await parts.groups.list()).find(({ groupId }) => groupId === group)
  if (!listing || !isOfConsumers(listing)) throw new HttpError('NOT_FOUND', `there is no consumer group ${group}`)
  return listing
}

function placeOf(groupId: string, { clusterId }: HttpParts): string {
  return `/v3/clusters/${clusterId}/consumer-groups/${encodeURIComponent(groupId)}`
}

function groupOf(
  request: Request,
  { groupId, state, type, protocolType }: GroupListing,
  { assignor }: Stand,
  parts: HttpParts,
): object {
  const place = placeOf(groupId, parts)
  const related = (what: string) => ({ related: new URL(`${place}/${what}`, request.url).href })
  return {
    kind: 'KafkaConsumerGroup',
    metadata: { ...selfOf(request, place), resource_name: `crn:///kafka=${parts.clusterId}/consumer-group=${groupId}` },
    cluster_id: parts.clusterId,
    consumer_group_id: groupId,
    is_simple: type === 'classic' && protocolType === '',
    partition_assignor: assignor,
    state: state.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase(),
    type: type.toUpperCase(),
    consumers: related('consumers'),
    lags: related('lags'),
  }
}
