import { describe, expect, test } from 'vitest'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { routes } from '../../lib/http/app.ts'
import { ApiKeys, Authenticator, keyToken, parseScope, type Scope } from '../../lib/security/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { memoryItems } from '../support/memory-stores.ts'
import { bodyOf, eventsOf, type HttpRig, openHttpRig, type RigOptions } from './rig.ts'

const adminKey = 'the-administrator-knows-this-one-alone'

function openClosedRig(options: RigOptions & { anonymousScopes?: Scope[] } = {}): HttpRig & { keys: ApiKeys } {
  const items = memoryItems()
  const clock = systemClock
  const keys = new ApiKeys({ items, clock, random: systemRandom })
  const authenticator = new Authenticator({ keys, clock, adminKey, anonymousScopes: options.anonymousScopes ?? [] })
  return { keys, ...openHttpRig({ access: { kind: 'closed', authenticator }, ...options }, items) }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function tokenWith(keys: ApiKeys, ...scopes: string[]): Promise<string> {
  const { key, secret } = await keys.create({
    name: 'x',
    scopes: scopes.map(text => parseScope(text)!),
    expiresAt: undefined,
  })
  return keyToken(key.id, secret)
}

test('nobody comes in anywhere without a key, and is told how', async () => {
  const { send } = openClosedRig()
  for (const { method, path } of routes) {
    const answer = await send(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, '0'))
    expect(answer.headers.get('www-authenticate')).toContain('Bearer')
    expect(await bodyOf(answer, 401)).toMatchObject({ code: 'UNAUTHENTICATED' })
  }
  for (const wrong of [
    'Bearer nonsense',
    'Bearer a.b.c',
    'Basic Og==',
    `Bearer varve_0123456789abcdef_${'A'.repeat(43)}`,
  ]) {
    expect((await send('GET', '/v1/topics', undefined, { authorization: wrong })).status).toBe(401)
  }
})

/** What each right opens, of a topic that it names: [method, path, body, rights that do]. */
const matrix: readonly (readonly [string, string, object | undefined, readonly string[]])[] = [
  ['POST', '/v1/topics?validateOnly=true', { name: 'a-new' }, ['admin:a-*', 'admin']],
  ['GET', '/v1/topics/a-t', undefined, ['produce:a-*', 'consume:a-*', 'admin:a-*', 'admin']],
  ['GET', '/v1/topics/a-t/partitions', undefined, ['consume:a-*', 'admin:a-*', 'admin']],
  ['PATCH', '/v1/topics/a-t', { partitions: 1 }, ['admin:a-*', 'admin']],
  ['POST', '/v1/topics/a-t/records', { value: 1 }, ['produce:a-*', 'admin:a-*', 'admin']],
  ['POST', '/v1/topics/a-unknown/records', { value: 1 }, ['admin:a-*', 'admin']],
  ['POST', '/v1/producers', undefined, ['produce:a-*', 'produce:b', 'admin:a-*', 'admin:b', 'admin']],
  ['GET', '/v1/topics/a-t/records', undefined, ['consume:a-*', 'admin:a-*', 'admin']],
  ['GET', '/v1/topics/a-t/partitions/0/records', undefined, ['consume:a-*', 'admin:a-*', 'admin']],
  ['GET', '/v1/topics/a-t/tail', undefined, ['consume:a-*', 'admin:a-*', 'admin']],
  ['GET', '/v1/keys', undefined, ['admin']],
  ['POST', '/v1/keys', { name: 'x', scopes: ['consume:a'] }, ['admin']],
  ['DELETE', '/v1/keys/unknown', undefined, ['admin']],
  ['POST', '/v1/groups/g/poll', { topics: ['a-t'] }, ['consume:a-*', 'admin:a-*', 'admin']],
  [
    'PUT',
    '/v1/groups/new/offsets',
    { offsets: [{ topic: 'a-t', partition: 0, offset: 0 }] },
    ['consume:a-*', 'admin:a-*', 'admin'],
  ],
  ['POST', '/v1/groups/new/offsets/reset', { topic: 'a-t', to: 'latest' }, ['consume:a-*', 'admin:a-*', 'admin']],
  ['GET', '/v1/groups/g/offsets', undefined, ['consume:a-*', 'admin:a-*', 'consume:b', 'admin:b', 'admin']],
  ['GET', '/topics/a-t', undefined, ['produce:a-*', 'consume:a-*', 'admin:a-*', 'admin']],
  ['POST', '/topics/a-t', { records: [{ value: 1 }] }, ['produce:a-*', 'admin:a-*', 'admin']],
  ['GET', '/topics/a-t/partitions/0/offsets', undefined, ['consume:a-*', 'admin:a-*', 'admin']],
  ['POST', '/consumers/g', {}, ['consume:a-*', 'admin:a-*', 'consume:b', 'admin:b', 'admin']],
  ['POST', '/v3/clusters/varve/topics', { topic_name: 'a-new' }, ['admin:a-*', 'admin']],
  ['GET', '/v3/clusters/varve/topics/a-t', undefined, ['produce:a-*', 'consume:a-*', 'admin:a-*', 'admin']],
  ['POST', '/v3/clusters/varve/topics/a-t/records', { value: null }, ['produce:a-*', 'admin:a-*', 'admin']],
  ['DELETE', '/v3/clusters/varve/topics/a-t', undefined, ['admin:a-*', 'admin']],
  [
    'GET',
    '/v3/clusters/varve/consumer-groups/g/lags',
    undefined,
    ['consume:a-*', 'admin:a-*', 'consume:b', 'admin:b', 'admin'],
  ],
  ['DELETE', '/v1/topics/a-t', undefined, ['admin:a-*', 'admin']],
]

test.each(matrix)('%s %s %j opens for %j alone', async (method, path, body, opening) => {
  const { send, keys, log } = openClosedRig()
  for (const right of [
    'produce:a-*',
    'consume:a-*',
    'admin:a-*',
    'produce:b',
    'consume:b',
    'admin:b',
    'group:a-*',
    'admin',
  ]) {
    if (!(await log.topics.find({ name: 'a-t' }))) await log.topics.create({ name: 'a-t', partitions: 1 })
    const answer = await send(method, path, body, bearer(await tokenWith(keys, right)))
    await answer.body?.cancel()
    expect([right, answer.status === 403]).toEqual([right, !opening.includes(right)])
  }
})

test('a REST Proxy consumer reads what its caller may consume, and nobody else uses it', async () => {
  const { send, keys, log } = openClosedRig()
  for (const name of ['a-t', 'b']) await log.topics.create({ name, partitions: 1 })
  const owner = bearer(await tokenWith(keys, 'consume:a-*', 'group:g'))
  await bodyOf(await send('POST', '/consumers/g', { name: 'i' }, owner))
  const at = '/consumers/g/instances/i'
  expect((await send('POST', `${at}/subscription`, { topics: ['b'] }, owner)).status).toBe(403)
  expect((await send('POST', `${at}/subscription`, { topics: ['a-t'] }, owner)).status).toBe(204)
  expect((await send('GET', `${at}/records?timeout=0`, undefined, owner)).status).toBe(200)
  const other = bearer(await tokenWith(keys, 'consume:b', 'group:other'))
  for (const [method, path] of [
    ['GET', `${at}/records?timeout=0`],
    ['GET', `${at}/subscription`],
    ['POST', `${at}/offsets`],
    ['DELETE', at],
  ] as const) {
    expect((await send(method, path, undefined, other)).status).toBe(403)
  }
  const sameGroup = bearer(await tokenWith(keys, 'consume:b', 'group:g'))
  expect((await send('GET', `${at}/records?timeout=0`, undefined, sameGroup)).status).toBe(403)
  await bodyOf(await send('POST', '/consumers/g', { name: 'by-hand' }, owner))
  const byHand = '/consumers/g/instances/by-hand'
  const partitions = [{ topic: 'a-t', partition: 0 }]
  expect((await send('POST', `${byHand}/assignments`, { partitions }, owner)).status).toBe(204)
  expect((await send('GET', `${byHand}/records?timeout=0`, undefined, owner)).status).toBe(200)
  expect((await send('GET', `${byHand}/records?timeout=0`, undefined, sameGroup)).status).toBe(403)
})

test('a cursor opens nothing that its bearer may not consume', async () => {
  const { send, keys, log } = openClosedRig()
  for (const name of ['a', 'b']) await log.topics.create({ name, partitions: 1 })
  const owner = bearer(await tokenWith(keys, 'consume:a', 'produce:a'))
  const other = bearer(await tokenWith(keys, 'consume:b'))
  await send('POST', '/v1/topics/a/records', { value: 1 }, owner)
  const poll = (body: object, headers: Record<string, string>) => send('POST', '/v1/groups/g/poll', body, headers)
  const { cursor } = await bodyOf(await poll({ topics: ['a'], from: 'earliest' }, owner))
  const stolen = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  const polled = (state: object) => {
    const text = Buffer.from(JSON.stringify(state)).toString('base64url')
    return poll({ cursor: text, commit: true, from: 'earliest' }, other)
  }
  expect((await polled(stolen)).status).toBe(403)
  expect((await polled({ ...stolen, topics: ['b'] })).status).toBe(403)
  // The member reads another topic then, as anybody may have it do who knows it and the group.
  expect(await bodyOf(await polled({ ...stolen, topics: ['b'], places: {} }))).toMatchObject({
    records: [],
    assignment: [{ topic: 'b', partitions: [0] }],
  })
  expect((await bodyOf(await send('GET', '/v1/groups/g/offsets', undefined, owner))).offsets).toEqual([])
})

test('a list shows what the caller may use', async () => {
  const { send, keys, log } = openClosedRig()
  for (const name of ['a', 'b', 'c']) await log.topics.create({ name, partitions: 1 })
  const answer = await send('GET', '/v1/topics', undefined, bearer(await tokenWith(keys, 'consume:a', 'produce:c')))
  expect((await bodyOf(answer)).topics.map(({ name }: { name: string }) => name)).toEqual(['a', 'c'])
})

test('the administrator makes a key, which works as Bearer and as Basic until it is revoked, and no log has any of it', async () => {
  const { send, logged } = openClosedRig()
  const made = await bodyOf(
    await send('POST', '/v1/keys', { name: 'site', scopes: ['produce:web-*'] }, bearer(adminKey)),
    201,
  )
  expect(made).toMatchObject({ name: 'site', scopes: ['produce:web-*'] })
  const basic = { authorization: `Basic ${Buffer.from(`${made.id}:${made.secret}`).toString('base64')}` }
  await send('POST', '/v1/topics', { name: 'web-a' }, bearer(adminKey))
  for (const headers of [bearer(made.token), basic]) {
    expect((await send('POST', '/v1/topics/web-a/records', { value: 1 }, headers)).status).toBe(200)
    expect((await send('POST', '/v1/topics/other/records', { value: 1 }, headers)).status).toBe(403)
  }
  const { keys } = await bodyOf(await send('GET', '/v1/keys', undefined, bearer(adminKey)))
  expect(keys).toEqual([{ id: made.id, name: 'site', scopes: ['produce:web-*'], createdAt: made.createdAt }])
  expect((await send('DELETE', `/v1/keys/${made.id}`, undefined, bearer(adminKey))).status).toBe(204)
  expect((await send('POST', '/v1/topics/web-a/records', { value: 1 }, basic)).status).toBe(401)
  expect(logged.join('\n')).not.toContain(made.secret)
  expect(logged.join('\n')).not.toContain(adminKey)
})

test.each([
  { name: '', scopes: ['admin'] },
  { name: 'x', scopes: [] },
  { name: 'x', scopes: ['everything'] },
  { name: 'x', scopes: ['admin'], expiresAt: 'soon' },
])('the key %j is not made', async body => {
  const { send, keys } = openClosedRig()
  expect((await send('POST', '/v1/keys', body, bearer(adminKey))).status).toBe(400)
  expect(await keys.list()).toEqual([])
})

test('what the anonymous may do needs no key', async () => {
  const { send, log } = openClosedRig({ anonymousScopes: [{ action: 'produce', pattern: 'web-*' }] })
  await log.topics.create({ name: 'web-views', partitions: 1 })
  expect((await send('POST', '/v1/topics/web-views/records', '/home', { 'content-type': 'text/plain' })).status).toBe(
    200,
  )
  expect((await send('GET', '/v1/topics/web-views/records')).status).toBe(403)
  expect((await send('POST', '/v1/topics/web-views/records', '/home', bearer('wrong'))).status).toBe(401)
})

test('the anonymous see no more than they were given, on any list', async () => {
  const { send, log, groups } = openClosedRig({ anonymousScopes: [{ action: 'produce', pattern: 'web-*' }] })
  for (const name of ['web-views', 'secret']) await log.topics.create({ name, partitions: 1 })
  const nobody = { groupId: 'g', memberId: '', instanceId: undefined, generation: -1 }
  const topic = (await log.topics.find({ name: 'secret' }))!
  await groups.commitOffsets({
    ...nobody,
    offsets: [{ topicId: topic.id, partition: 0, offset: 0, leaderEpoch: -1, metadata: '' }],
  })
  for (const path of ['/v1/topics', '/topics', '/v3/clusters/varve/topics']) {
    const text = await (await send('GET', path)).text()
    expect([path, text.includes('web-views'), text.includes('secret')]).toEqual([path, true, false])
  }
  expect(await bodyOf(await send('GET', '/v1/groups'))).toEqual({ groups: [] })
  expect((await bodyOf(await send('GET', '/v3/clusters/varve/consumer-groups'))).data).toEqual([])
  for (const path of [
    '/v1/topics/secret',
    '/topics/secret',
    '/topics/secret/partitions',
    '/v3/clusters/varve/topics/secret',
    '/v3/clusters/varve/topics/secret/partitions',
    '/v3/clusters/varve/topics/secret/configs',
    '/v1/groups/g',
    '/v1/groups/g/offsets',
    '/v1/keys',
    '/v1/subscriptions',
  ]) {
    expect([path, (await send('GET', path)).status]).toEqual([path, 403])
    // Nor whether there is one.
    if (path.includes('secret')) expect((await send('GET', path.replace('secret', 'none'))).status).toBe(403)
  }
})

describe('a key that is revoked while an answer goes on', () => {
  async function openRevoked() {
    const clock = new ManualClock()
    const items = memoryItems()
    const keys = new ApiKeys({ items, clock, random: systemRandom })
    const authenticator = new Authenticator({ keys, clock, adminKey })
    const rig = openHttpRig({ clock, access: { kind: 'closed', authenticator } }, items)
    await rig.log.topics.create({ name: 't', partitions: 1 })
    const { key, secret } = await keys.create({ name: 'x', scopes: [parseScope('consume')!], expiresAt: undefined })
    const elsewhere = new ApiKeys({ items, clock, random: systemRandom })
    const revoke = () => elsewhere.revoke(key.id)
    return { ...rig, clock, revoke, headers: bearer(keyToken(key.id, secret)) }
  }

  test('ends a tail before another record is told', async () => {
    const { send, clock, revoke, headers } = await openRevoked()
    const events = eventsOf(await send('GET', '/v1/topics/t/tail?from=latest', undefined, headers))
    expect((await events.next()).value).toHaveProperty('id')
    await revoke()
    const next = events.next()
    await clock.advance(6_000)
    await send('POST', '/v1/topics/t/records', { value: 'secret' }, bearer(adminKey))
    await clock.advance(30_000)
    expect((await next).value).toMatchObject({ event: 'end', data: expect.stringContaining('UNAUTHENTICATED') })
    expect((await events.next()).done).toBe(true)
  })

  test.each([
    ['GET', '/v1/topics/t/records?waitMs=60000', undefined],
    ['GET', '/v1/topics/t/partitions/0/records?waitMs=60000', undefined],
    ['POST', '/v1/groups/g/poll', { topics: ['t'], waitMs: 60_000 }],
  ] as const)('is refused what %s %s waited for', async (method, path, body) => {
    const { send, clock, revoke, headers } = await openRevoked()
    const answer = send(method, path, body, headers)
    await clock.advance(6_000)
    await revoke()
    await send('POST', '/v1/topics/t/records', { value: 'secret' }, bearer(adminKey))
    await clock.advance(60_000)
    const { status } = await answer
    expect(status).toBe(401)
  })
})

test('whoever the runtime knows already is not asked again', async () => {
  const { app } = openClosedRig({
    identify: env =>
      env === undefined || !('iam' in (env as object))
        ? undefined
        : { name: 'arn:x', scopes: [parseScope('consume')!] },
  })
  expect((await app.request('/v1/topics', {}, { iam: {} })).status).toBe(200)
  expect((await app.request('/v1/topics', { method: 'POST', body: '{"name":"a"}' }, { iam: {} })).status).toBe(403)
  expect((await app.request('/v1/topics', {}, {})).status).toBe(401)
})

describe('open on loopback', () => {
  test.each([
    ['http://localhost:8080', undefined, 200],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080', 200],
    ['http://[::1]:8080', undefined, 200],
    ['http://rebound.example:8080', undefined, 403],
    ['http://localhost:8080', 'https://evil.example', 403],
    ['http://localhost:8080', 'http://localhost:3000', 403],
    ['http://localhost:8080', 'null', 403],
    ['http://localhost:8080', 'https://friend.example', 200],
  ])('%s from a page of %s: %i', async (base, origin, status) => {
    const { app } = openHttpRig({ corsOrigins: ['https://friend.example'] })
    const answer = await app.request(`${base}/v1/topics`, { headers: origin === undefined ? {} : { origin } })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin === 'https://friend.example' ? origin : null)
  })

  test('a page that is allowed may ask beforehand, and sees problems too', async () => {
    const { app } = openHttpRig({ corsOrigins: ['https://friend.example'] })
    const headers = {
      origin: 'https://friend.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    }
    const before = await app.request('/v1/topics', { method: 'OPTIONS', headers })
    expect(before.status).toBe(204)
    expect(before.headers.get('access-control-allow-methods')).toContain('POST')
    const problem = await app.request('/v1/topics/none', { headers: { origin: 'https://friend.example' } })
    expect([problem.status, problem.headers.get('access-control-allow-origin')]).toEqual([
      404,
      'https://friend.example',
    ])
  })
})
