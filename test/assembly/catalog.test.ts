/** Where a catalog is, who Varve says it is there, and what it makes of answers. */
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { PARTITION_SPEC, RECORD_FIELDS } from '../../lib/archive/table-schema.ts'
import { readCatalogLocation } from '../../lib/assembly/catalog-location.ts'
import { readConfig } from '../../lib/assembly/index.ts'
import { openCatalog } from '../../lib/assembly/open-catalog.ts'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { createRequestSigner } from '../../lib/storage/aws/index.ts'

const ARN = 'arn:aws:s3tables:eu-central-1:123456789012:bucket/lake'

test('an address says all but the token', () => {
  expect(readCatalogLocation('', '')).toBeUndefined()
  expect(readCatalogLocation('http://127.0.0.1:8181/?warehouse=lake', ' t'.trim())).toEqual({
    url: 'http://127.0.0.1:8181',
    warehouse: 'lake',
    namespace: 'varve',
    sigv4: undefined,
    token: 't',
  })
  expect(
    readCatalogLocation(`https://s3tables.eu-central-1.amazonaws.com/iceberg?warehouse=${ARN}&namespace=logs`, ''),
  ).toEqual({
    url: 'https://s3tables.eu-central-1.amazonaws.com/iceberg',
    warehouse: ARN,
    namespace: 'logs',
    sigv4: { service: 's3tables', region: 'eu-central-1' },
    token: '',
  })
  const glue = readConfig({ archiveCatalog: 'https://glue.us-east-1.amazonaws.com/iceberg?warehouse=123456789012' })
  expect(glue.catalog?.sigv4).toEqual({ service: 'glue', region: 'us-east-1' })
})

test.each([
  ['ftp://a/b', '', 'address of an Iceberg REST catalog'],
  ['catalog', '', 'address of an Iceberg REST catalog'],
  ['https://u:p@a/b', '', 'VARVE_ARCHIVE_CATALOG_TOKEN'],
  ['https://a/b?prefix=x', '', 'knows the parameters'],
  ['https://a/b?namespace=A.b', '', 'lower case'],
  ['http://catalog.example.com', 'secret', 'use https'],
  ['https://glue.us-east-1.amazonaws.com/iceberg', 'secret', 'unset one of the two'],
])('%s with the token %j is refused, and the token not told', (url, token, reason) => {
  const read = () => readCatalogLocation(url, token)
  expect(read).toThrow(reason)
  expect(read).not.toThrow('secret')
})

test('a request is signed as AWS Signature Version 4 has it, a path that is encoded already being encoded once more', async () => {
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
  const sign = createRequestSigner({ service: 's3tables', region: 'eu-central-1', credentials })
  const url = new URL(
    `https://s3tables.eu-central-1.amazonaws.com/iceberg/v1/${encodeURIComponent(ARN)}/namespaces?a=b%20c`,
  )
  const body = '{"namespace":["varve"]}'
  const headers = await sign({ method: 'POST', url, headers: { 'content-type': 'application/json' }, body })
  expect(headers).not.toHaveProperty('host')
  const [, scope, names, signature] = /Credential=AKIDEXAMPLE\/(\S+), SignedHeaders=(\S+), Signature=(\S+)$/.exec(
    headers.authorization!,
  )!
  const signed = names!.split(';').map(name => `${name}:${name === 'host' ? url.host : headers[name]}\n`)
  const path = url.pathname.split('/').map(encodeURIComponent).join('/')
  expect(path).toContain('arn%253Aaws%253As3tables')
  const canonical = ['POST', path, 'a=b%20c', signed.join(''), names, sha256(body)].join('\n')
  const date = headers['x-amz-date']!
  expect(scope).toBe(`${date.slice(0, 8)}/eu-central-1/s3tables/aws4_request`)
  let key: string | Buffer = `AWS4${credentials.secretAccessKey}`
  for (const part of scope!.split('/')) key = createHmac('sha256', key).update(part).digest()
  const wanted = createHmac('sha256', key).update(['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n'))
  expect(signature).toBe(wanted.digest('hex'))
})

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

const unsigned = () => Promise.reject(new Error('not signed here'))

const endings: (() => void)[] = []
afterEach(() => {
  for (const end of endings.splice(0)) end()
})

/** A server that answers as `answer` says, and what was asked of it. */
async function serverWith(answer: (request: IncomingMessage, body: string) => { status: number; body?: unknown }) {
  const asked: { line: string; authorization: string | undefined }[] = []
  const server = createServer(async (request, response) => {
    const body = await text(request)
    asked.push({ line: `${request.method} ${request.url}`, authorization: request.headers.authorization })
    const told = answer(request, body)
    response.writeHead(told.status, { location: 'http://127.0.0.1:1/' }).end(JSON.stringify(told.body ?? {}))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  endings.push(() => server.close())
  endings.push(() => server.closeAllConnections())
  const { port } = server.address() as AddressInfo
  const location = readCatalogLocation(`http://127.0.0.1:${port}/iceberg?warehouse=${ARN}&namespace=logs`, 'secret')!
  const surroundings = { clock: systemClock, random: systemRandom, filesAt: () => undefined, signerOf: unsigned }
  return { catalog: openCatalog(location, surroundings), asked }
}

const prefix = encodeURIComponent(ARN)
const SHAPE = {
  schema: { type: 'struct', 'schema-id': 0, fields: RECORD_FIELDS },
  fields: PARTITION_SPEC,
  properties: {},
} as const

test('paths have the prefix that the catalog tells, as it tells it; a namespace that is missing is made', async () => {
  const made = new Set<string>()
  const { catalog, asked } = await serverWith(({ method, url }) => {
    if (url?.startsWith('/iceberg/v1/config')) return { status: 200, body: { overrides: { prefix } } }
    if (method === 'POST' && url?.endsWith('/namespaces')) made.add('logs')
    if (url?.endsWith('/tables')) return made.has('logs') ? { status: 409 } : { status: 404 }
    return { status: url?.endsWith('/namespaces') ? 200 : 404 }
  })
  expect(await catalog.load('orders')).toBeUndefined()
  expect(await catalog.create('orders', SHAPE)).toBeUndefined()
  expect(asked.map(({ line }) => line)).toEqual([
    `GET /iceberg/v1/config?warehouse=${encodeURIComponent(ARN)}`,
    `GET /iceberg/v1/${prefix}/namespaces/logs/tables/orders`,
    `POST /iceberg/v1/${prefix}/namespaces/logs/tables`,
    `POST /iceberg/v1/${prefix}/namespaces`,
    `POST /iceberg/v1/${prefix}/namespaces/logs/tables`,
  ])
  expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer secret']))
})

test.each([
  [401, 'none', /answered 401 .*: Unauthorized who are you; see --archive-catalog/],
  [302, 'none', /answered 302/],
  [429, 'none', /answered 429/],
  [500, 'unknown', /answered 500/],
  [503, 'unknown', /answered 503/],
])('a commit that is answered with %i has the effect %s', async (status, effect, message) => {
  const { catalog } = await serverWith(({ url }) => {
    if (url?.startsWith('/iceberg/v1/config')) return { status: 200 }
    return { status, body: { error: { message: 'who are you', type: 'Unauthorized' } } }
  })
  const error = await catalog.commit('orders', { requirements: [], updates: [] }).catch(error => error)
  expect(error).toMatchObject({ effect, message: expect.stringMatching(message) })
  expect(JSON.stringify(error) + error.message + error.stack).not.toContain('secret')
})

test('what is no catalog is said to be none', async () => {
  const { catalog } = await serverWith(() => ({ status: 404 }))
  await expect(catalog.load('orders')).rejects.toThrow(/no Iceberg REST catalog/)
  const silent = openCatalog(readCatalogLocation('http://127.0.0.1:1', '')!, {
    clock: { ...systemClock, sleep: async () => {} },
    random: systemRandom,
    filesAt: () => undefined,
    signerOf: unsigned,
  })
  await expect(silent.load('orders')).rejects.toThrow(/no answer from the catalog http:\/\/127.0.0.1:1/)
})
