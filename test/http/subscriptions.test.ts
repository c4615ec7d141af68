import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bodyOf, type HttpRig, openHttpRig } from './rig.ts'

let rig: HttpRig
const wanted = { name: 's', topic: 't', target: { kind: 'webhook', url: 'http://127.0.0.1:1/' } }

beforeEach(async () => {
  rig = openHttpRig()
  await rig.log.topics.create({ name: 't', partitions: 2 })
})

afterEach(() => rig.log.close())

describe('subscriptions over HTTP', () => {
  test('are made, with a secret that is told once', async () => {
    const made = await bodyOf(await rig.send('POST', '/v1/subscriptions', wanted), 201)
    expect(made).toMatchObject({ name: 's', topic: 't', state: 'active', secret: expect.stringMatching(/^whsec_/) })
    expect(made.target).toEqual({ kind: 'webhook', url: 'http://127.0.0.1:1/' })
    const { subscriptions } = await bodyOf(await rig.send('GET', '/v1/subscriptions'))
    expect(subscriptions).toHaveLength(1)
    expect(JSON.stringify(subscriptions)).not.toContain('whsec_')
    expect(rig.logged.join()).not.toContain('whsec_')
  })

  test('tell how far they are', async () => {
    await bodyOf(await rig.send('POST', '/v1/subscriptions', { ...wanted, from: 'earliest' }), 201)
    await bodyOf(await rig.send('POST', '/v1/topics/t/records', { value: 1, partition: 1 }))
    const { partitions } = await bodyOf(await rig.send('GET', '/v1/subscriptions/s'))
    expect(partitions).toMatchObject([
      { partition: 0, offset: 0, lag: 0 },
      { partition: 1, offset: 0, lag: 1 },
    ])
  })

  test('are paused, resumed and deleted', async () => {
    await bodyOf(await rig.send('POST', '/v1/subscriptions', wanted), 201)
    const patched = await bodyOf(await rig.send('PATCH', '/v1/subscriptions/s', { state: 'paused' }))
    expect(patched.state).toBe('paused')
    expect((await rig.send('DELETE', '/v1/subscriptions/s')).status).toBe(204)
    await bodyOf(await rig.send('GET', '/v1/subscriptions/s'), 404)
  })

  test('get a new secret, which is told once', async () => {
    const { secret } = await bodyOf(await rig.send('POST', '/v1/subscriptions', wanted), 201)
    const drawn = await bodyOf(await rig.send('POST', '/v1/subscriptions/s/secret'))
    expect(drawn).toEqual({ secret: expect.stringMatching(/^whsec_/) })
    expect(drawn.secret).not.toBe(secret)
    expect(JSON.stringify(await bodyOf(await rig.send('GET', '/v1/subscriptions/s')))).not.toContain('whsec_')
    await bodyOf(await rig.send('POST', '/v1/subscriptions/none/secret'), 404)
  })

  test.for<[object, number, string]>([
    [{ ...wanted, topic: 'none' }, 400, 'INVALID_SUBSCRIPTION'],
    [{ ...wanted, target: { kind: 'webhook', url: 'ftp://x' } }, 400, 'INVALID_SUBSCRIPTION'],
    [{ ...wanted, patterns: [{ value: [{ like: 1 }] }] }, 400, 'INVALID_SUBSCRIPTION'],
    [{ ...wanted, recordsMax: 0 }, 400, 'BAD_REQUEST'],
    [{ ...wanted, more: 1 }, 400, 'BAD_REQUEST'],
    [{ ...wanted, target: { kind: 'fax', number: 1 } }, 400, 'BAD_REQUEST'],
  ])('as %j are refused', async ([body, status, code]) => {
    expect(await bodyOf(await rig.send('POST', '/v1/subscriptions', body), status)).toMatchObject({ code })
    expect(await bodyOf(await rig.send('GET', '/v1/subscriptions'))).toEqual({ subscriptions: [] })
  })

  test('exist once under a name', async () => {
    await bodyOf(await rig.send('POST', '/v1/subscriptions', wanted), 201)
    expect(await bodyOf(await rig.send('POST', '/v1/subscriptions', wanted), 409)).toMatchObject({
      code: 'SUBSCRIPTION_EXISTS',
    })
  })
})
