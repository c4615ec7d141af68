import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../lib/base/index.ts'
import { localFunction, type PushBatch, PushError, webhookSecret, webhookTarget } from '../../lib/push/index.ts'

const record = (offset: number) => ({ offset, timestamp: 0, key: null, value: Buffer.from('1'), headers: [] })
const batch: PushBatch = {
  ...{ subscription: 's', topic: 't', partition: 3, records: [record(7), record(9)], lines: ['{}', '{}'] },
  body: JSON.stringify({ topic: 't', records: [] }),
}
const { signal } = new AbortController()
const options = { clock: systemClock, mayBePrivate: true }
const secret = webhookSecret(Buffer.alloc(32, 7))

describe('a webhook', () => {
  let server: Server
  let answer: { status: number; body: string; headers?: Record<string, string> }
  const received: { headers: IncomingMessage['headers']; body: string }[] = []

  beforeEach(async () => {
    received.length = 0
    answer = { status: 204, body: '' }
    server = createServer(async (request, response) => {
      received.push({ headers: request.headers, body: await text(request) })
      response.writeHead(answer.status, answer.headers).end(answer.body)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const deliver = (path = '/') => {
    const { port } = server.address() as AddressInfo
    const spec = { kind: 'webhook', url: `http://127.0.0.1:${port}${path}`, secret } as const
    return webhookTarget(spec, options).deliver(batch, signal)
  }

  test('is signed so that others’ verifiers take it, and names its delivery', async () => {
    expect(await deliver()).toEqual({ outcome: 'delivered' })
    const { headers, body } = received[0]!
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual(JSON.parse(batch.body))
    expect(headers['webhook-id']).toBe('s:t:3:7-9')
    expect(() => new Webhook(secret).verify(`${body} `, headers as Record<string, string>)).toThrow()
  })

  test.for([
    [{ status: 500, body: 'out of order' }, { reason: '500 out of order' }],
    [{ status: 302, body: '', headers: { location: '/' } }, { reason: '302 ' }],
    [{ status: 429, body: '', headers: { 'retry-after': '7' } }, { retryAfterMs: 7_000 }],
    [{ status: 200, body: '{"batchItemFailures":[{"itemIdentifier":"9"}]}' }, { from: 9 }],
    [{ status: 200, body: '{"batchItemFailures":[{"itemIdentifier":"8"}]}' }, { from: undefined }],
  ] as const)('that answers %j has failed', async ([given, failure]) => {
    answer = given
    expect(await deliver()).toMatchObject({ outcome: 'failed', ...failure })
  })

  test('that cannot be reached has failed', async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    const target = webhookTarget({ kind: 'webhook', url: 'http://127.0.0.1:1/', secret }, options)
    expect(await target.deliver(batch, signal)).toMatchObject({ outcome: 'failed' })
  })

  test.for([
    ['ftp://example.com', secret],
    ['http://name:password@example.com', secret],
    ['nowhere', secret],
    ['http://example.com', 'whsec_short'],
    ['http://example.com', 'none'],
  ])('at %s with %s is refused', ([url, bad]) => {
    expect(() => webhookTarget({ kind: 'webhook', url: url!, secret: bad! }, options)).toThrow(PushError)
  })
})

describe('a webhook of a server that others may use', () => {
  const publicOnly = { clock: systemClock, mayBePrivate: false }

  test.for([
    'http://127.0.0.1:9001/',
    'http://2130706433/',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://192.168.1.1/',
    'http://[fd00:ec2::254]/',
  ])('may not be %s', url => {
    expect(() => webhookTarget({ kind: 'webhook', url, secret }, publicOnly)).toThrow('VARVE_WEBHOOK_PRIVATE')
    expect(() => webhookTarget({ kind: 'webhook', url, secret }, options)).not.toThrow()
  })

  test('may be an address of the internet', () => {
    for (const url of ['https://93.184.215.14/', 'https://[2606:4700::1111]/', 'https://example.com/'])
      expect(() => webhookTarget({ kind: 'webhook', url, secret }, publicOnly)).not.toThrow()
  })

  test('goes nowhere by a name of this machine', async () => {
    const arrived: string[] = []
    const server = createServer((request, response) => {
      arrived.push(request.url ?? '')
      response.end('inside')
    })
    server.listen(0, 'localhost')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const spec = { kind: 'webhook', url: `http://localhost:${port}/`, secret } as const
    const outcome = await webhookTarget(spec, publicOnly).deliver(batch, signal)
    expect(outcome).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('no address of the internet') })
    expect(arrived).toEqual([])
    expect(await webhookTarget(spec, options).deliver(batch, signal)).toEqual({ outcome: 'delivered' })
    server.closeAllConnections()
    server.close()
  })
})

describe('a function in a folder', () => {
  let folder: string
  let target: (name: string) => ReturnType<typeof localFunction>

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'varve-functions-'))
    target = name => localFunction(name, { folder, clock: systemClock, load: url => import(url) })
  })

  afterEach(() => rm(folder, { recursive: true }))

  test('gets the delivery, and may refuse records as a Lambda function does', async () => {
    const source = `export const handler = async (event, context) => {
      if (event.topic !== 't' || context.functionName !== 'picky') throw new Error('not as promised')
      return { batchItemFailures: [{ itemIdentifier: '9' }] }
    }`
    await writeFile(join(folder, 'picky.mjs'), source)
    expect(await target('picky').deliver(batch, signal)).toMatchObject({ outcome: 'failed', from: 9 })
  })

  test('that answers nothing has taken all', async () => {
    await writeFile(join(folder, 'quiet.mjs'), 'export const handler = () => {}')
    expect(await target('quiet').deliver(batch, signal)).toEqual({ outcome: 'delivered' })
  })

  test('that throws, exports no handler, or is not there has failed', async () => {
    await writeFile(join(folder, 'bad.mjs'), "export const handler = () => { throw new Error('no way') }")
    await writeFile(join(folder, 'empty.mjs'), 'export const other = 1')
    expect(await target('bad').deliver(batch, signal)).toMatchObject({ outcome: 'failed', reason: 'Error: no way' })
    expect(await target('empty').deliver(batch, signal)).toMatchObject({ reason: expect.stringContaining('handler') })
    expect(await target('gone').deliver(batch, signal)).toMatchObject({ outcome: 'failed' })
  })

  test('with a way out of the folder is refused', () => {
    expect(() => target('../other')).toThrow(PushError)
  })
})
