/** A Function URL's event, as the Lambda developer guide shows it, is the request that was sent. */
import { expect, test } from 'vitest'
import { answerTo, httpHandler, requestOf, signerOf } from '../../lib/assembly/serverless/http-handler.ts'

const event = {
  rawPath: '/v1/topics/a%2Fb/records',
  rawQueryString: 'from=earliest&max=5',
  headers: { 'content-type': 'application/json', 'x-forwarded-proto': 'https' },
  requestContext: { domainName: 'id.lambda-url.us-west-2.on.aws', http: { method: 'POST' } },
}

test('with a text, with bytes, and with cookies', async () => {
  const request = requestOf({ ...event, body: '{"ä":1}', cookies: ['a=1', 'b=2'] })
  expect([request.method, request.url]).toEqual([
    'POST',
    'https://id.lambda-url.us-west-2.on.aws/v1/topics/a%2Fb/records?from=earliest&max=5',
  ])
  expect(Object.fromEntries(request.headers)).toMatchObject({ 'content-type': 'application/json', cookie: 'a=1; b=2' })
  expect(await request.text()).toBe('{"ä":1}')
  const bytes = requestOf({ ...event, body: Buffer.from([0, 255, 1]).toString('base64'), isBase64Encoded: true })
  expect([...new Uint8Array(await bytes.arrayBuffer())]).toEqual([0, 255, 1])
})

test('without a body', async () => {
  const request = requestOf({
    ...event,
    rawQueryString: '',
    requestContext: { ...event.requestContext, http: { method: 'GET' } },
  })
  expect([request.method, request.url]).toEqual([
    'GET',
    'https://id.lambda-url.us-west-2.on.aws/v1/topics/a%2Fb/records',
  ])
})

test('a header beyond Latin-1 comes as its bytes, as it does in a server', () => {
  const request = requestOf({ ...event, headers: { 'idempotency-key': '€ 5' } })
  expect(Buffer.from(request.headers.get('idempotency-key')!, 'latin1').toString()).toBe('€ 5')
})

test.each([
  [{ requestContext: { ...event.requestContext, http: { method: 'TRACE' } } }, "'TRACE' HTTP method is unsupported."],
  [{ headers: { 'x-a': 'a\nb' } }, 'Headers.set: "a\nb" is an invalid header value.'],
])('what is no request is refused, and the function does not fail: %j', async (odd, why) => {
  const answer = await answerTo({ ...event, ...odd }, () => {
    throw new Error('comes to the app')
  })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ code: 'BAD_REQUEST', detail: why })
})

test('whoever IAM let in is known by his ARN; nobody else is', () => {
  const signed = { ...event.requestContext, authorizer: { iam: { userArn: 'arn:aws:iam::1:user/a' } } }
  expect(signerOf({ event: { ...event, requestContext: signed } })?.name).toBe('arn:aws:iam::1:user/a')
  expect(signerOf({ event })).toBeUndefined()
})

test('a runtime that says it streams and does not is answered without', () => {
  const world = globalThis as { awslambda?: object }
  world.awslambda = {}
  try {
    expect(httpHandler()).toBeTypeOf('function')
  } finally {
    delete world.awslambda
  }
})
