/** Groups seen from outside: listed, described, deleted; their committed offsets read, set and reset. */
import * as z from 'zod'
import { inParallel } from '../../base/index.ts'
import { type CommittedOffset, GroupError, type NewOffset } from '../../groups/index.ts'
import type { Topic } from '../../log/index.ts'
import { allows, allowsGroup } from '../../security/index.ts'
import { HttpError } from '../errors.ts'
import type { HttpParts } from '../parts.ts'
import { unknownPartition } from '../produce/appender.ts'
import { type Call, jsonResponse, nothing, type Route, route } from '../route.ts'
import { findTopic } from '../topic-routes.ts'
import { groupParams } from './poll-route.ts'

const PARALLEL_READS_MAX = 16
const OFFSETS_MAX = 10_000

const json = (schema: z.ZodType) => ({ 'application/json': schema })
const offsetSchema = z.strictObject({
  topic: z.string(),
  partition: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  offset: z.int().min(0),
  metadata: z.string().optional(),
})
const setSchema = z.strictObject({ offsets: z.array(offsetSchema).min(1).max(OFFSETS_MAX) })
const resetSchema = z.strictObject({
  topic: z.string(),
  partitions: z.array(z.int().min(0)).optional().describe('All unless told.'),
  to: z.union([
    z.enum(['earliest', 'latest']),
    z.strictObject({
      timestamp: z.union([
        z
          .int()
          .min(0)
          .max(2 ** 52),
        z.iso.datetime({ offset: true }),
      ]),
    }),
    z.strictObject({ offset: z.int().min(0) }),
    z.strictObject({ shiftBy: z.int() }).describe('From what is committed; stays within what there is.'),
  ]),
  dryRun: z.boolean().default(false),
})
const listedSchema = z.object({ group: z.string(), state: z.string(), type: z.string(), protocolType: z.string() })
const lagSchema = z.object({
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  endOffset: z.int(),
  lag: z.int(),
  metadata: z.string(),
})
const resetAnswer = z.object({ offsets: z.array(z.object({ topic: z.string(), partition: z.int(), offset: z.int() })) })

export const groupRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/v1/groups',
    tag: 'Groups',
    summary: 'List the groups that the caller may use',
    params: nothing,
    query: nothing,
    answers: { 200: { description: 'By id.', content: json(z.object({ groups: z.array(listedSchema) })) } },
    async handle({ principal }, { groups }) {
      const listed = (await groups.list()).filter(({ groupId }) => allowsGroup(principal, groupId))
      return jsonResponse({ groups: listed.map(({ groupId, ...rest }) => ({ group: groupId, ...rest })) })
    },
  }),
  route({
    method: 'get',
    path: '/v1/groups/{group}',
    tag: 'Groups',
    summary: 'Describe a group and its members',
    params: groupParams,
    query: nothing,
    answers: {
      200: { description: 'As it is now.', content: json(z.looseObject({ group: z.string(), state: z.string() })) },
    },
    async handle({ params, demandGroup }, parts) {
      demandGroup(params.group)
      return jsonResponse(await describe(params.group, parts))
    },
  }),
  route({
    method: 'delete',
    path: '/v1/groups/{group}',
    tag: 'Groups',
    summary: 'Delete a group without members, and its offsets',
    params: groupParams,
    query: nothing,
    answers: { 204: { description: 'It is gone.' } },
    async handle(call, parts) {
      call.demandGroup(call.params.group)
      for (const { topic } of await committed(call, parts, 'all')) call.demand('consume', topic.name)
      await parts.groups.delete(call.params.group)
      return new Response(null, { status: 204 })
    },
  }),
  route({
    method: 'get',
    path: '/v1/groups/{group}/offsets',
    tag: 'Groups',
    summary: 'Committed offsets, and how far they are behind',
    params: groupParams,
    query: z.strictObject({ topic: z.string().optional() }),
    answers: {
      200: {
        description: 'Of topics that the caller may consume.',
        content: json(z.object({ offsets: z.array(lagSchema) })),
      },
    },
    async handle(call, parts) {
      const { params, query, demandGroup } = call
      demandGroup(params.group)
      return jsonResponse({ offsets: await lagsOf(call, parts, query.topic) })
    },
  }),
  route({
    method: 'put',
    path: '/v1/groups/{group}/offsets',
    tag: 'Groups',
    summary: 'Set committed offsets of a group without members',
    params: groupParams,
    query: nothing,
    body: json(setSchema),
    answers: { 200: { description: 'They are set.', content: json(resetAnswer) } },
    async handle({ params, demandGroup, demand, json }, parts) {
      demandGroup(params.group)
      const { offsets } = await json(setSchema)
      for (const { topic } of offsets) demand('consume', topic)
      const set = await inParallel(
        offsets,
        PARALLEL_READS_MAX,
        async ({ topic: name, partition, offset, metadata = '' }) => {
          const topic = await findTopic(parts.log, name)
          if (partition >= topic.partitions) throw unknownPartition(topic, partition)
          return { topicId: topic.id, partition, offset, leaderEpoch: -1, metadata }
        },
      )
      await commit(params.group, set, parts)
      return jsonResponse({ offsets: offsets.map(({ topic, partition, offset }) => ({ topic, partition, offset })) })
    },
  }),
  route({
    method: 'post',
    path: '/v1/groups/{group}/offsets/reset',
    tag: 'Groups',
    summary: 'Move a group without members to another place in a topic',
    params: groupParams,
    query: nothing,
    body: json(resetSchema),
    answers: { 200: { description: 'Where it is now; with dryRun: where it would be.', content: json(resetAnswer) } },
    async handle(call, parts) {
      const { params, demandGroup, demand } = call
      demandGroup(params.group)
      const asked = await call.json(resetSchema)
      demand('consume', asked.topic)
      const topic = await findTopic(parts.log, asked.topic)
      const partitions = asked.partitions ?? Array.from({ length: topic.partitions }, (_, partition) => partition)
      const strange = partitions.find(partition => partition >= topic.partitions)
      if (strange !== undefined) throw unknownPartition(topic, strange)
      const places = partitions.map(partition => ({ topicId: topic.id, partition }))
      const before = await parts.groups.fetchOffsets({
        groupId: params.group,
        partitions: places,
        requireStable: false,
      })
      const offsets = await inParallel(before, PARALLEL_READS_MAX, async ({ partition, offset }) => {
        return { partition, offset: await findPlace({ topic, partition, committed: offset }, asked.to, parts) }
      })
      const set = offsets.map(place => ({ topicId: topic.id, ...place, leaderEpoch: -1, metadata: '' }))
      if (!asked.dryRun) await commit(params.group, set, parts)
      return jsonResponse({ offsets: offsets.map(place => ({ topic: topic.name, ...place })) })
    },
  }),
]

type Target = z.infer<typeof resetSchema>['to']

async function findPlace(
  { topic, partition, committed }: { topic: Topic; partition: number; committed: number },
  to: Target,
  { log }: HttpParts,
): Promise<number> {
  const find = async (spec: Parameters<typeof log.findOffset>[2]) =>
    (await log.findOffset(topic, partition, spec)).offset
  const latest = { at: 'latest', isolation: 'read_uncommitted' } as const
  if (to === 'earliest') return find({ at: 'earliest' })
  if (to === 'latest') return find(latest)
  if ('timestamp' in to) {
    const { timestamp } = to
    const found = await find({
      at: 'timestamp',
      timestamp: typeof timestamp === 'number' ? timestamp : Date.parse(timestamp),
    })
    return found >= 0 ? found : find(latest)
  }
  if ('shiftBy' in to && committed < 0) {
    throw new HttpError('BAD_REQUEST', `body.to.shiftBy: the group has committed nothing in partition ${partition}`)
  }
  const wanted = 'offset' in to ? to.offset : committed + to.shiftBy
  return Math.min(Math.max(wanted, await find({ at: 'earliest' })), await find(latest))
}

async function describe(group: string, { groups }: HttpParts): Promise<object> {
  const listing = await groups.listing(group)
  if (listing?.type === 'consumer') {
    const { state, epoch, assignor, members, topicNames } = await groups.describeConsumerGroup(group)
    return {
      group,
      type: 'consumer',
      state,
      epoch,
      assignor,
      members: members.map(({ memberId, clientId, clientHost, epoch, topicNames: subscribed, assignment }) => ({
        memberId,
        clientId,
        clientHost,
        memberEpoch: epoch,
        topics: subscribed,
        assignment: [...assignment].map(([id, partitions]) => ({ topic: topicNames.get(id) ?? id, partitions })),
      })),
    }
  }
  const { state, protocolType, protocolName, members } = await groups.describe(group)
  const seen = members.map(({ memberId, instanceId, clientId, clientHost }) => ({
    memberId,
    instanceId,
    clientId,
    clientHost,
  }))
  return { group, type: 'classic', state, protocolType, protocolName, members: seen }
}

/** What the group has committed in topics that the caller may consume, and how far that is behind. */
export async function lagsOf(
  call: Pick<Call<{ group: string }, unknown>, 'params' | 'principal'>,
  parts: HttpParts,
  only?: string,
): Promise<z.infer<typeof lagSchema>[]> {
  const found = await committed(call, parts, 'allowed')
  const wanted = found.filter(({ topic }) => only === undefined || topic.name === only)
  return inParallel(wanted, PARALLEL_READS_MAX, async ({ topic, stored }) => {
    const { partition, offset, metadata } = stored
    const { offset: endOffset } = await parts.log.findOffset(topic, partition, {
      at: 'latest',
      isolation: 'read_uncommitted',
    })
    return { topic: topic.name, partition, offset, endOffset, lag: Math.max(0, endOffset - offset), metadata }
  })
}

/** Offsets in topics that are there still; `allowed`: and that the caller may consume. */
async function committed(
  { params, principal }: Pick<Call<{ group: string }, unknown>, 'params' | 'principal'>,
  { groups, log }: HttpParts,
  which: 'all' | 'allowed',
): Promise<{ topic: Topic; stored: CommittedOffset }[]> {
  const stored = await groups.fetchOffsets({ groupId: params.group, partitions: undefined, requireStable: false })
  const ids = [...new Set(stored.map(({ topicId }) => topicId))]
  const topics = new Map(
    await inParallel(ids, PARALLEL_READS_MAX, async id => [id, await log.topics.find({ id })] as const),
  )
  return stored.flatMap(one => {
    const topic = topics.get(one.topicId)
    if (!topic || (which === 'allowed' && !allows(principal, 'consume', topic.name))) return []
    return [{ topic, stored: one }]
  })
}

/** @throws GroupError where one of them is refused */
async function commit(groupId: string, offsets: readonly NewOffset[], { groups }: HttpParts): Promise<void> {
  const results = await groups.commitOffsets({ groupId, memberId: '', instanceId: undefined, generation: -1, offsets })
  const refused = results.find(({ error }) => error !== undefined)?.error
  if (refused === 'UNKNOWN_MEMBER_ID' || refused === 'STALE_MEMBER_EPOCH') {
    throw new GroupError('NON_EMPTY_GROUP', `the group ${groupId} has members: stop them, then try again`)
  }
  if (refused) throw new GroupError(refused, `the offsets of the group ${groupId} are not set`)
}
