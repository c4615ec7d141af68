/** Push subscriptions: made, listed, looked at, paused, resumed, deleted, by whoever administers their topic. */
import * as z from 'zod'
import {
  ATTEMPTS_MAX,
  BYTES_MAX,
  type EventPattern,
  type NewSubscription,
  type Progress,
  PushError,
  RECORDS_MAX,
  type Subscription,
  type TargetSpec,
  WINDOW_MS_MAX,
  webhookSecret,
} from '../push/index.ts'
import type { HttpParts } from './parts.ts'
import { jsonResponse, nothing, type Route, route } from './route.ts'

const SECRET_BYTES = 32

const name = z.string().min(1).max(100)
const targetSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('webhook'),
    url: z.string().max(2_000),
    secret: z.string().max(200).optional().describe('whsec_ and base64, as in Standard Webhooks; drawn where absent.'),
  }),
  z.strictObject({
    kind: z.literal('function'),
    name: z
      .string()
      .min(1)
      .max(200)
      .describe('A Lambda function; on a server of your own a module NAME.mjs in its folder of functions.'),
  }),
  z.strictObject({ kind: z.literal('sqs'), queueUrl: z.url().max(2_000) }),
  z.strictObject({
    kind: z.literal('eventbridge'),
    bus: z.string().min(1).max(1_600),
    source: z.string().min(1).max(256).default('varve'),
    detailType: z.string().min(1).max(128).default('varve record'),
  }),
])
const newSubscriptionSchema = z.strictObject({
  name,
  topic: z.string().min(1).max(249),
  target: targetSchema,
  patterns: z
    .array(z.record(z.string(), z.unknown()))
    .max(10)
    .optional()
    .describe(
      "In the syntax of EventBridge's event patterns, over topic, partition, offset, timestamp, key, value, headers.",
    ),
  recordsMax: z.int().min(1).max(RECORDS_MAX).optional(),
  bytesMax: z.int().min(1).max(BYTES_MAX).optional(),
  windowMs: z.int().min(0).max(WINDOW_MS_MAX).optional(),
  attemptsMax: z
    .int()
    .min(1)
    .max(ATTEMPTS_MAX)
    .optional()
    .describe('Then half of the records are tried, and a single one is given up. Absent: try for ever.'),
  deadLetterTopic: z.string().min(1).max(249).optional(),
  from: z.union([z.enum(['earliest', 'latest']), z.iso.datetime({ offset: true })]).default('latest'),
})
const subscriptionSchema = z.object({
  name: z.string(),
  topic: z.string(),
  target: z.record(z.string(), z.unknown()).describe('Without its secret.'),
  patterns: z.array(z.record(z.string(), z.unknown())),
  recordsMax: z.int(),
  bytesMax: z.int(),
  windowMs: z.int(),
  attemptsMax: z.int().optional(),
  deadLetterTopic: z.string().optional(),
  state: z.enum(['creating', 'active', 'paused', 'deleting']),
  createdAt: z.string(),
})
const progressSchema = z.object({
  partition: z.int(),
  offset: z.int(),
  lag: z.int(),
  failures: z.int(),
  reason: z.string().describe('What the receiver said last, while deliveries fail.'),
})
const one = { params: z.strictObject({ name }), query: nothing }

export const subscriptionRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/subscriptions',
    tag: 'Push',
    summary: 'Send the records of a topic on',
    description: 'At least once and in the order of each partition, to a web address, a function, a queue or a bus.',
    params: nothing,
    query: nothing,
    body: { 'application/json': newSubscriptionSchema },
    answers: {
      201: {
        description: 'It is being sent from now on. A webhook’s secret is told this once.',
        content: { 'application/json': subscriptionSchema.extend({ secret: z.string().optional() }) },
      },
    },
    async handle({ json, demand }, parts) {
      const wanted = await json(newSubscriptionSchema)
      demand('admin', wanted.topic)
      if (wanted.deadLetterTopic !== undefined) demand('produce', wanted.deadLetterTopic)
      const target = targetOf(wanted.target, parts)
      const made = await parts.subscriptions.create({ ...newOf(wanted), target })
      const secret = target.kind === 'webhook' ? { secret: target.secret } : {}
      return jsonResponse({ ...describe(made), ...secret }, 201, { 'cache-control': 'no-store' })
    },
  }),
  route({
    method: 'get',
    path: '/v1/subscriptions',
    tag: 'Push',
    summary: 'List the subscriptions',
    params: nothing,
    query: nothing,
    answers: {
      200: {
        description: 'All of them.',
        content: { 'application/json': z.object({ subscriptions: z.array(subscriptionSchema) }) },
      },
    },
    async handle({ demand }, { subscriptions }) {
      demand('admin')
      const all = await subscriptions.list()
      return jsonResponse({ subscriptions: all.map(({ subscription }) => describe(subscription)) })
    },
  }),
  route({
    method: 'get',
    path: '/v1/subscriptions/{name}',
    tag: 'Push',
    summary: 'A subscription, and how far it is',
    ...one,
    answers: {
      200: {
        description: 'With every partition.',
        content: { 'application/json': subscriptionSchema.extend({ partitions: z.array(progressSchema) }) },
      },
    },
    async handle({ params, demand }, { subscriptions }) {
      const { subscription } = await subscriptions.get(params.name)
      demand('admin', subscription.topic)
      const partitions: readonly Progress[] = await subscriptions.progress(subscription)
      return jsonResponse({ ...describe(subscription), partitions })
    },
  }),
  route({
    method: 'patch',
    path: '/v1/subscriptions/{name}',
    tag: 'Push',
    summary: 'Pause or resume a subscription',
    ...one,
    body: { 'application/json': z.strictObject({ state: z.enum(['active', 'paused']) }) },
    answers: { 200: { description: 'As it is now.', content: { 'application/json': subscriptionSchema } } },
    async handle({ params, json, demand }, { subscriptions }) {
      const { state } = await json(z.strictObject({ state: z.enum(['active', 'paused']) }))
      demand('admin', (await subscriptions.get(params.name)).subscription.topic)
      return jsonResponse(describe(await subscriptions.setState(params.name, state)))
    },
  }),
  route({
    method: 'post',
    path: '/v1/subscriptions/{name}/secret',
    tag: 'Push',
    summary: 'Draw a new secret for a webhook',
    description: 'Deliveries from now on are signed with it; one that is under way may still have the old one.',
    ...one,
    answers: {
      200: {
        description: 'The secret, which is told this once.',
        content: { 'application/json': z.object({ secret: z.string() }) },
      },
    },
    async handle({ params, demand }, { subscriptions, random }) {
      demand('admin', (await subscriptions.get(params.name)).subscription.topic)
      const secret = webhookSecret(random.bytes(SECRET_BYTES))
      await subscriptions.change(params.name, ({ target }) => {
        if (target.kind !== 'webhook') throw new PushError('INVALID_SUBSCRIPTION', 'Only webhooks have a secret.')
        return { target: { ...target, secret } }
      })
      return jsonResponse({ secret }, 200, { 'cache-control': 'no-store' })
    },
  }),
  route({
    method: 'delete',
    path: '/v1/subscriptions/{name}',
    tag: 'Push',
    summary: 'Delete a subscription',
    ...one,
    answers: { 204: { description: 'Nothing more is sent, but what is under way.' } },
    async handle({ params, demand }, { subscriptions }) {
      demand('admin', (await subscriptions.get(params.name)).subscription.topic)
      await subscriptions.delete(params.name)
      return new Response(null, { status: 204 })
    },
  }),
]

function targetOf(target: z.infer<typeof targetSchema>, { random }: Pick<HttpParts, 'random'>): TargetSpec {
  if (target.kind !== 'webhook') return target
  return { ...target, secret: target.secret ?? webhookSecret(random.bytes(SECRET_BYTES)) }
}

function newOf(wanted: z.infer<typeof newSubscriptionSchema>): Omit<NewSubscription, 'target'> {
  const { name, topic, patterns, from, target: _, ...policy } = wanted
  return {
    name,
    topic,
    policy: Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined)),
    ...(patterns ? { patterns: patterns as readonly EventPattern[] } : {}),
    from: from === 'earliest' || from === 'latest' ? from : Date.parse(from),
  }
}

function describe({ name, topic, target, patterns, policy, state, createdAt }: Subscription) {
  const { secret: _, ...open } = { secret: undefined, ...target }
  return { name, topic, target: open, patterns, ...policy, state, createdAt: new Date(createdAt).toISOString() }
}
