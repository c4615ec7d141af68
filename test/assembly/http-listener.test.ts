/** The app behind a real socket: what Node's server and its adapter do with requests that are none. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readHttpAccess } from '../../lib/assembly/http-config.ts'
import { createHttpListener } from '../../lib/assembly/http-listener.ts'
import { systemClock, systemRandom } from '../../lib/base/index.ts'
import { openHttpRig } from '../http/rig.ts'
import { openSubscriptions } from '../support/subscriptions.ts'

const noTexts = {
  ...{ httpAuth: '', adminKey: '', httpAnonymous: '', corsOrigins: '' },
  ...{ oidcIssuer: '', oidcAudience: '', oidcJwks: '', oidcScopeClaim: '' },
}

let server: Server
const errors: string[] = []

beforeEach(async () => {
  const { log, groups, items, closing } = openHttpRig()
  const common = { items, log, groups, clock: systemClock, random: systemRandom }
  const ignore = () => undefined
  const access = readHttpAccess(noTexts, { loopback: true, insecureListen: false })
  const listener = createHttpListener(access, {
    ...common,
    subscriptions: openSubscriptions(common),
    logger: { info: ignore, warn: ignore, error: event => void errors.push(event) },
    autoCreateTopics: true,
    defaultPartitions: 1,
    closing: closing.signal,
  })
  server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

async function answerTo(request: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.end(request)
  let text = ''
  for await (const piece of socket) text += piece
  return text
}

test.each([
  ['GET /v1/topics HTTP/1.0\r\n\r\n', 'Missing host header'],
  ['GET /v1/topics HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 'Invalid'],
  ['GET * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 'Invalid URL'],
])('%j is told what is wrong with it', async (request, why) => {
  const answer = await answerTo(request)
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(answer).toContain('application/problem+json')
  expect(answer).toContain(`"code":"BAD_REQUEST","detail":"${why}`)
  expect(errors).toEqual([])
})
