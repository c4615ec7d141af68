/**
 * REST Proxy v2: consumers. An instance is a member of a consumer group between requests (groups/group-member.ts), or reads the
 * partitions that it was assigned by hand.
 *
 * Departures from the Proxy: instances are served by every process; topic patterns, Avro, Protobuf and JSON Schema are
 * refused; committed offsets are read at /v1/groups/…/offsets; JSON that cannot be parsed comes as a string.
 */
import * as z from 'zod'
import { drawUuid } from '../../base/index.ts'
import { HttpError } from '../errors.ts'
import { GroupMember } from '../groups/group-member.ts'
import { demandAllOf } from '../groups/member-rights.ts'
import type { HttpParts } from '../parts.ts'
import { type Call, type Route, route } from '../route.ts'
import { findTopic, withPartition } from '../topic-routes.ts'
import type { Instance, StoredInstance } from './consumer-instances.ts'
import { accepts, embeddedFormats, embeddedRecord, mediaTypeOf, V2_TYPE } from './embedded-format.ts'
import { anyQuery, v2, v2Response } from './v2-topic-routes.ts'

const WAIT_MS_DEFAULT = 1_000
const RECORDS_MAX = 10_000
const NAME = /^[\w.-]{1,200}$/

const groupParams = z.strictObject({ group: z.string().min(1).max(255) })
const instanceParams = groupParams.extend({ instance: z.string().max(200) })
type InstanceCall = Call<{ group: string; instance: string }, unknown>

const truth = z.union([z.boolean(), z.enum(['true', 'false']).transform(text => text === 'true')])
const newSchema = z.looseObject({
  name: z.string().regex(NAME).optional(),
  format: z.enum(embeddedFormats).default('binary'),
  'auto.offset.reset': z.enum(['earliest', 'latest']).default('latest'),
  'auto.commit.enable': truth.default(true),
  'consumer.request.timeout.ms': z.coerce.number().int().min(0).max(600_000).default(WAIT_MS_DEFAULT),
})
const subscriptionSchema = z.looseObject({
  topics: z.array(z.string()).min(1).max(1_000).optional(),
  topic_pattern: z.string().optional(),
})
const placeSchema = z.looseObject({
  topic: z.string(),
  partition: z
    .int()
    .min(0)
    .max(2 ** 31 - 1),
})
const partitionsSchema = z.looseObject({ partitions: z.array(placeSchema).max(10_000) })
const offsetsSchema = z.looseObject({
  offsets: z.array(placeSchema.extend({ offset: z.int().min(0), metadata: z.string().nullish() })),
})

const body = (schema: z.ZodType) => ({ [V2_TYPE]: schema })
const done = { 204: { description: 'Done.' } }
const at = '/consumers/{group}/instances/{instance}'
const common = { ...v2, params: instanceParams, query: anyQuery }

export const v2ConsumerRoutes: readonly Route[] = [
  route({
    ...v2,
    method: 'post',
    path: '/consumers/{group}',
    summary: 'Create a consumer instance',
    params: groupParams,
    query: anyQuery,
    body: body(newSchema),
    answers: { 200: { description: 'Its id, and where it is.' } },
    async handle({ params, request, json, demandGroup, demandSome }, parts) {
      demandGroup(params.group)
      demandSome('consume')
      const asked = await json(newSchema)
      const drawn = Buffer.from(drawUuid(parts.random)).toString('hex')
      const name = asked.name ?? `rest-consumer-${drawn}`
      await parts.instances.create(params.group, name, {
        format: asked.format,
        from: asked['auto.offset.reset'],
        autoCommit: asked['auto.commit.enable'],
        waitMs: asked['consumer.request.timeout.ms'],
        member: { id: `rest-${drawn}`, epoch: 0, topics: [], places: {}, manual: false },
      })
      const place = `/consumers/${encodeURIComponent(params.group)}/instances/${encodeURIComponent(name)}`
      return v2Response({ instance_id: name, base_uri: new URL(place, request.url).href })
    },
  }),
  route({
    ...common,
    method: 'delete',
    path: at,
    summary: 'Delete a consumer instance',
    answers: done,
    async handle(call, parts) {
      await use(call, parts, async (member, instance) => {
        if (instance.autoCommit) await member.commit()
        await member.leave()
      })
      await parts.instances.remove(call.params.group, call.params.instance)
      return new Response(null, { status: 204 })
    },
  }),
  route({
    ...common,
    method: 'post',
    path: `${at}/subscription`,
    summary: 'Subscribe to topics',
    body: body(subscriptionSchema),
    answers: done,
    async handle(call, parts) {
      const { topics } = await call.json(subscriptionSchema)
      if (!topics) throw new HttpError('BAD_REQUEST', 'body.topics: name the topics; topic_pattern is not supported')
      for (const topic of topics) call.demand('consume', topic)
      return use(call, parts, async member => {
        if (member.manual && member.places.length > 0) {
          throw new HttpError(
            'ALREADY_SUBSCRIBED',
            'the consumer has partitions assigned by hand: subscribe with another one',
          )
        }
        member.subscribe(topics)
      })
    },
  }),
  route({
    ...common,
    method: 'get',
    path: `${at}/subscription`,
    summary: 'What it is subscribed to',
    answers: { 200: { description: 'Topics.' } },
    async handle(call, parts) {
      const { instance } = await found(call, parts)
      return v2Response({ topics: instance.member.topics })
    },
  }),
  route({
    ...common,
    method: 'delete',
    path: `${at}/subscription`,
    summary: 'Subscribe to nothing any more',
    answers: done,
    handle: (call, parts) =>
      use(call, parts, async member => {
        await member.leave()
        member.subscribe([])
      }),
  }),
  route({
    ...common,
    method: 'post',
    path: `${at}/assignments`,
    summary: 'Assign partitions by hand',
    body: body(partitionsSchema),
    answers: done,
    async handle(call, parts) {
      const { partitions } = await call.json(partitionsSchema)
      const places = await placesOf(call, partitions, parts)
      return use(call, parts, async (member, instance) => {
        if (!member.manual && instance.member.topics.length > 0) {
          throw new HttpError('ALREADY_SUBSCRIBED', 'the consumer is subscribed to topics: assign to another one')
        }
        member.assign(places)
      })
    },
  }),
  route({
    ...common,
    method: 'get',
    path: `${at}/assignments`,
    summary: 'The partitions that it has',
    answers: { 200: { description: 'By group or by hand.' } },
    async handle(call, parts) {
      const { instance } = await found(call, parts)
      const partitions: { topic: string; partition: number }[] = []
      for (const [id, places] of Object.entries(instance.member.places)) {
        const topic = await parts.log.topics.find({ id })
        if (topic) partitions.push(...places.map(([partition]) => ({ topic: topic.name, partition })))
      }
      return v2Response({ partitions })
    },
  }),
  route({
    ...common,
    method: 'post',
    path: `${at}/positions`,
    summary: 'Read on from offsets',
    body: body(offsetsSchema),
    answers: done,
    async handle(call, parts) {
      const { offsets } = await call.json(offsetsSchema)
      const places = await placesOf(call, offsets, parts)
      return use(call, parts, async member => {
        for (const [index, { topicId, partition }] of places.entries()) {
          if (!member.seek(topicId, partition, offsets[index]!.offset)) throw notAssigned(offsets[index]!)
        }
      })
    },
  }),
  ...(['beginning', 'end'] as const).map(end =>
    route({
      ...common,
      method: 'post',
      path: `${at}/positions/${end}`,
      summary: `Read on from the ${end}`,
      body: body(partitionsSchema),
      answers: done,
      async handle(call, parts) {
        const { partitions } = await call.json(partitionsSchema)
        const places = await placesOf(call, partitions, parts)
        return use(call, parts, async member => {
          for (const [index, { topicId, partition }] of places.entries()) {
            const topic = (await parts.log.topics.find({ id: topicId }))!
            const spec =
              end === 'end' ? ({ at: 'latest', isolation: 'read_uncommitted' } as const) : ({ at: 'earliest' } as const)
            const { offset } = await parts.log.findOffset(topic, partition, spec)
            if (!member.seek(topicId, partition, offset)) throw notAssigned(partitions[index]!)
          }
        })
      },
    }),
  ),
  route({
    ...common,
    method: 'post',
    path: `${at}/offsets`,
    summary: 'Commit: the offsets of records that are done, or all that were handed out',
    body: body(offsetsSchema),
    answers: { 200: { description: 'Committed.' } },
    async handle(call, parts) {
      const asked = (await call.jsonIfAny(offsetsSchema))?.offsets
      const places = asked && (await placesOf(call, asked, parts))
      // The Proxy is told of records, and commits the place behind each.
      const offsets = places?.map((place, index) => ({
        ...place,
        offset: asked![index]!.offset + 1,
        metadata: asked![index]!.metadata ?? '',
      }))
      await use(call, parts, member => member.commit(offsets))
      return v2Response({})
    },
  }),
  route({
    ...common,
    method: 'get',
    path: `${at}/records`,
    query: z.looseObject({ timeout: z.coerce.number().optional(), max_bytes: z.coerce.number().optional() }),
    summary: 'Fetch records',
    answers: { 200: { description: 'In the format of the instance.' } },
    async handle(call, parts) {
      const { query, request, params, signal } = call
      const { limits } = parts
      const stored = await found(call, parts)
      const { instance } = stored
      if (!accepts(request, instance.format)) {
        throw new HttpError('NOT_ACCEPTABLE', `the consumer has the format ${instance.format}, and can answer no other`)
      }
      const member = memberOf(call, instance, parts)
      if (instance.autoCommit) await member.commit()
      const reads = await member.poll({
        recordsMax: Math.min(RECORDS_MAX, limits.recordsMax),
        bytesMax: Math.max(1, Math.min(query.max_bytes || limits.answerBytesMax, limits.answerBytesMax)),
        waitMs: Math.max(0, Math.min(query.timeout ?? instance.waitMs, limits.waitMsMax)),
        isolation: 'read_committed',
        signal,
        answer: call.answer,
      })
      await call.renew()
      call.demandGroup(params.group)
      // What the group gave meanwhile.
      await demandAllOf(call, member.state(), parts)
      const lines = reads.map(({ cursor, record }) => {
        return embeddedRecord(record, { topic: cursor.topic.name, partition: cursor.partition }, instance.format)
      })
      const response = call.answer.respond(`[${lines.join(',')}]`, { 'content-type': mediaTypeOf(instance.format) })
      await parts.instances.replace(params.group, params.instance, stored, { ...instance, member: member.state() })
      return response
    },
  }),
]

/** Changes the member, keeps what it is then, and answers that it is done. */
async function use(
  call: InstanceCall,
  parts: HttpParts,
  change: (member: GroupMember, instance: Instance) => Promise<void>,
): Promise<Response> {
  const stored = await found(call, parts)
  const member = memberOf(call, stored.instance, parts)
  await change(member, stored.instance)
  const { group, instance } = call.params
  await parts.instances.replace(group, instance, stored, { ...stored.instance, member: member.state() })
  return new Response(null, { status: 204 })
}

async function found(call: InstanceCall, parts: HttpParts): Promise<StoredInstance> {
  const { group, instance } = call.params
  call.demandGroup(group)
  const stored = await parts.instances.find(group, instance)
  await demandAllOf(call, stored.instance.member, parts)
  return stored
}

function memberOf({ params, principal }: InstanceCall, { member, from }: Instance, parts: HttpParts): GroupMember {
  return new GroupMember(parts, { groupId: params.group, clientId: principal.name, from }, member)
}

/** @throws LogError UNKNOWN_TOPIC, HttpError FORBIDDEN */
async function placesOf(
  { demand }: InstanceCall,
  places: readonly { topic: string; partition: number }[],
  { log }: HttpParts,
): Promise<{ topicId: string; partition: number }[]> {
  const found: { topicId: string; partition: number }[] = []
  for (const { topic: name, partition } of places) {
    demand('consume', name)
    const { id: topicId } = withPartition(await findTopic(log, name), partition)
    found.push({ topicId, partition })
  }
  return found
}

function notAssigned({ topic, partition }: { topic: string; partition: number }): HttpError {
  return new HttpError('ALREADY_SUBSCRIBED', `partition ${partition} of ${topic} is not assigned to the consumer`)
}
