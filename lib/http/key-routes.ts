/** API keys: made, listed, revoked, by whoever may do everything. */
import * as z from 'zod'
import { describeKey, keyToken, readScope } from '../security/index.ts'
import { jsonResponse, nothing, type Route, route } from './route.ts'

const newKeySchema = z.strictObject({
  name: z.string().min(1).max(200).describe('What for, in words.'),
  scopes: z
    .array(z.string())
    .min(1)
    .max(100)
    .describe(
      'produce:PREFIX*, consume:PREFIX*, admin:PREFIX*, group:PREFIX*; without * one name; admin alone means everything.',
    ),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
})
const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.string(),
  expiresAt: z.string().optional(),
})
const madeSchema = keySchema.extend({
  secret: z.string().describe('Told this once. Basic: id and secret.'),
  token: z.string().describe('Bearer.'),
})

export const keyRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/v1/keys',
    tag: 'Keys',
    summary: 'Make an API key',
    params: nothing,
    query: nothing,
    body: { 'application/json': newKeySchema },
    answers: { 201: { description: 'The key, with its secret.', content: { 'application/json': madeSchema } } },
    async handle({ json, demand }, { keys }) {
      demand('admin')
      const { name, scopes, expiresAt } = await json(newKeySchema)
      const made = await keys.create({
        name,
        scopes: scopes.map(readScope),
        expiresAt: expiresAt === undefined ? undefined : Date.parse(expiresAt),
      })
      const { key, secret } = made
      return jsonResponse({ ...describeKey(key), secret, token: keyToken(key.id, secret) }, 201, {
        'cache-control': 'no-store',
      })
    },
  }),
  route({
    method: 'get',
    path: '/v1/keys',
    tag: 'Keys',
    summary: 'List the API keys',
    params: nothing,
    query: nothing,
    answers: {
      200: {
        description: 'Without their secrets.',
        content: { 'application/json': z.object({ keys: z.array(keySchema) }) },
      },
    },
    async handle({ demand }, { keys }) {
      demand('admin')
      return jsonResponse({ keys: (await keys.list()).map(describeKey) })
    },
  }),
  route({
    method: 'delete',
    path: '/v1/keys/{id}',
    tag: 'Keys',
    summary: 'Revoke an API key',
    params: z.strictObject({ id: z.string().max(100) }),
    query: nothing,
    answers: { 204: { description: 'It opens nothing any more, and within seconds nowhere.' } },
    async handle({ params, demand }, { keys }) {
      demand('admin')
      await keys.revoke(params.id)
      return new Response(null, { status: 204 })
    },
  }),
]
