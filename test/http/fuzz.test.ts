/**
 * Every route with anything at all, and with what its own schemas say is almost right: never a 5xx, never an answer that is
 * no answer, and nothing half done where a request was refused.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { routes } from '../../lib/http/app.ts'
import type { Route } from '../../lib/http/route.ts'
import { type HttpRig, openHttpRig } from './rig.ts'

type Schema = Record<string, unknown>

/** What is there, most often, under names that say what they are. */
const likely: Readonly<Record<string, readonly unknown[]>> = {
  topic: ['t', 't', 't', 't', 'none'],
  topics: ['t'],
  group: ['g', 'g', 'g', 'new'],
  instance: ['i', 'i', 'i', 'none'],
  cluster: ['varve', 'varve', 'varve', 'other'],
  partition: [0, 1, 0, 1, 2],
  partition_id: [0, 1, 0, 1, 2],
  offset: [0, 1, 2, 3],
  position: ['nonsense', 'AQ'],
  name: ['t', 'new', 'i', 's', 's'],
  kind: ['webhook', 'webhook', 'function', 'sqs', 'eventbridge', 'fax'],
  url: ['http://127.0.0.1:1/', 'https://a.example', 'ftp://a', 'nonsense'],
  deadLetterTopic: ['d', 'd', 't', 'none'],
  scopes: ['admin', 'produce:t*', 'nonsense'],
  format: ['json', 'binary', 'avro'],
}

/** Values that the JSON schema describes, give or take. */
function valuesOf(schema: Schema, depth = 0, called = ''): fc.Arbitrary<unknown> {
  const known = ['t', 'g', 'i', 'none', 'varve', 0, 1, true]
  const odd = fc.oneof(
    fc.constantFrom<unknown>(...known, -1, 2 ** 53, null, '', '..', 'ü', '\u0000'),
    fc.jsonValue({ maxDepth: 1 }),
  )
  if (depth > 4) return odd
  const names = likely[called]
  const fitting = (): fc.Arbitrary<unknown> => {
    if (names && (schema.type === 'string' || schema.type === 'integer')) return fc.constantFrom(...names)
    const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
    if (choices) return fc.oneof(...choices.map(each => valuesOf(each, depth + 1, called)))
    if ('const' in schema) return fc.constant(schema.const)
    if (schema.enum) return fc.constantFrom(...(schema.enum as unknown[]))
    if (schema.type === 'object') {
      const properties = (schema.properties ?? {}) as Record<string, Schema>
      const members = Object.keys(properties)
      if (members.length === 0) return fc.dictionary(fc.constantFrom('a', 'retention.ms', 't'), odd, { maxKeys: 2 })
      const arbitraries = Object.fromEntries(members.map(name => [name, valuesOf(properties[name]!, depth + 1, name)]))
      const required = ((schema.required ?? []) as string[]).filter(name => members.includes(name))
      return fc.record(arbitraries, { requiredKeys: required }) as fc.Arbitrary<unknown>
    }
    if (schema.type === 'array') {
      const items = Array.isArray(schema.prefixItems)
        ? odd
        : valuesOf((schema.items ?? {}) as Schema, depth + 1, called)
      return fc.array(items, { minLength: 1, maxLength: 3 })
    }
    if (schema.type === 'integer' || schema.type === 'number') return fc.oneof(fc.constantFrom(0, 1, 2), fc.integer())
    if (schema.type === 'boolean') return fc.boolean()
    if (schema.type === 'string')
      return fc.oneof(fc.constantFrom('t', 'g', 'i', 'none', '2024-01-01T00:00:00Z', '0'), fc.string())
    return odd
  }
  return fc.oneof({ weight: 40, arbitrary: fitting() }, { weight: 1, arbitrary: odd })
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Schema {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Schema
}

interface Sent {
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | Uint8Array | undefined
}

function requestsOf({ method, path, params, query, body }: Route): fc.Arbitrary<Sent> {
  const inPath = valuesOf(schemaOf(params, 'output')) as fc.Arbitrary<Record<string, unknown> | null>
  const inQuery = fc.oneof(valuesOf(schemaOf(query, 'output')), fc.constant({})) as fc.Arbitrary<Record<
    string,
    unknown
  > | null>
  const contents = Object.entries(body ?? { 'application/json': undefined }).map(([type, schema]) => {
    const fitting = schema ? valuesOf(schemaOf(schema, 'input')).map(value => JSON.stringify(value)) : fc.string()
    const bodies = fc.oneof(
      { weight: 6, arbitrary: fitting as fc.Arbitrary<string | Uint8Array | undefined> },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
      { weight: 1, arbitrary: fc.json() },
    )
    return fc.tuple(
      fc.oneof(
        { weight: 8, arbitrary: fc.constant(type) },
        { weight: 1, arbitrary: fc.constantFrom('application/json', 'text/plain', '') },
      ),
      bodies,
    )
  })
  const odder = fc.record(
    {
      'idempotency-key': fc.constantFrom('a', 'b', ''),
      'varve-producer-id': fc.constantFrom('0', '1', 'x'),
      'varve-sequence': fc.constantFrom('0', '5', '-1'),
      'content-encoding': fc.constantFrom('gzip', 'br', 'identity', 'nonsense'),
      'accept-encoding': fc.constantFrom('gzip', 'br', 'zstd', '*'),
      accept: fc.constantFrom('application/json', 'application/x-ndjson', 'application/vnd.varve.batches', 'text/html'),
      'last-event-id': fc.constantFrom('', 'AQ', 'AaBJx3QDAAAAAwAG', '%'),
    },
    { requiredKeys: [] },
  )
  const more = fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: odder })
  return fc.tuple(inPath, inQuery, fc.oneof(...contents), more).map(([names, asked, [type, body], headers]) => {
    const part = (name: string) => encodeURIComponent(textOf(names?.[name] ?? 't').replace(/^\.{1,2}$|^$/, 't'))
    const search = new URLSearchParams(
      Object.entries(asked ?? {}).map(([name, value]): [string, string] => [name, textOf(value)]),
    )
    // Nobody waits here for what does not come.
    for (const name of ['waitMs', 'timeout']) if (search.has(name)) search.set(name, '0')
    const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => part(name))
    const takesBody = method !== 'get' && method !== 'delete'
    return {
      path: `${filled}?${search}`,
      headers: {
        ...(type ? { 'content-type': type } : {}),
        ...(takesBody ? headers : { ...headers, 'content-encoding': 'identity' }),
      },
      body: takesBody ? body : undefined,
    }
  })
}

function textOf(value: unknown): string {
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).toWellFormed()
}

async function prepared(): Promise<HttpRig> {
  const rig = openHttpRig({ autoCreateTopics: false, limits: { waitMsMax: 0, tailMsMax: 0, appendTimeoutMs: 5_000 } })
  await rig.send('POST', '/v1/topics', { name: 't', partitions: 2 })
  await rig.send('POST', '/v1/topics/t/records', [
    { value: 1, partition: 0 },
    { value: 2, partition: 1 },
  ])
  await rig.send('POST', '/v1/topics', { name: 'd', partitions: 1 })
  await rig.send('POST', '/v1/subscriptions', {
    name: 's',
    topic: 't',
    target: { kind: 'webhook', url: 'http://127.0.0.1:1/' },
  })
  await rig.send('POST', '/v1/keys', { name: 'k', scopes: ['admin'] })
  await rig.send('POST', '/consumers/g', JSON.stringify({ name: 'i', 'consumer.request.timeout.ms': 0 }), {
    'content-type': 'application/vnd.kafka.v2+json',
  })
  return rig
}

async function contentsOf({ log, items }: HttpRig): Promise<unknown> {
  const topics = await log.topics.list()
  const versionsOf = async (pk: string) => (await items.query(pk)).items.map(({ version }) => version)
  const offsets = await Promise.all(
    topics.map(async topic => {
      const latest = { at: 'latest', isolation: 'read_uncommitted' } as const
      const all = Array.from({ length: topic.partitions }, (_, partition) => log.findOffset(topic, partition, latest))
      return [topic, (await Promise.all(all)).map(({ offset }) => offset)]
    }),
  )
  return [offsets, await versionsOf('push'), await versionsOf('keys')]
}

test('every part of the interface is among the routes that are tried', () => {
  const tags = new Set(routes.map(({ tag }) => tag))
  expect([...tags].toSorted()).toEqual([
    'Groups',
    'Keys',
    'Push',
    'REST Proxy v2',
    'REST Proxy v3',
    'Records',
    'Topics',
  ])
})

const named = routes.map(route => [`${route.method.toUpperCase()} ${route.path}`, route] as const)

test.each(named)('%s stands anything', { timeout: 120_000 }, async (_name, route) => {
  const rig = await prepared()
  await fc.assert(
    fc.asyncProperty(requestsOf(route), async ({ path, headers, body }) => {
      const before = await contentsOf(rig)
      const answer = await rig.send(route.method.toUpperCase(), path, body, headers)
      const text = await answer.text()
      expect([answer.status, answer.status >= 500 ? text : ''], path).toEqual([
        answer.status < 500 ? answer.status : 0,
        '',
      ])
      if (answer.status < 400) return
      expect(answer.headers.get('content-type')).toMatch(/json/)
      expect(await contentsOf(rig)).toEqual(before)
    }),
    { numRuns: 60 },
  )
  expect(rig.logged.filter(line => line.startsWith('request failed'))).toEqual([])
})
