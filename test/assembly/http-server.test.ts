import type { RequestListener } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HttpServer } from '../../lib/assembly/http-server.ts'
import type { Logger } from '../../lib/base/index.ts'
import { StoreMeter } from '../../lib/storage/index.ts'

let http: HttpServer
let errors: unknown[]

beforeEach(async () => {
  errors = []
  const ignore = () => undefined
  const logger: Logger = { info: ignore, warn: ignore, error: (_, fields) => errors.push(fields) }
  http = await HttpServer.listen({ host: '127.0.0.1', port: 0 }, logger)
})

afterEach(() => http.close())

const get = (path: string) => fetch(`http://127.0.0.1:${http.port}${path}`)
const usage = () => new StoreMeter().usage()
const echo: RequestListener = (request, response) => void response.end(request.url)

test('before the process serves, all is unavailable', async () => {
  expect((await get('/healthz')).status).toBe(503)
  const answer = await get('/v1/topics')
  expect(answer.status).toBe(503)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect(await answer.json()).toMatchObject({ code: 'NOT_READY' })
})

test('the app is loaded by the first request for it, once', async () => {
  let loads = 0
  const loaded = Promise.withResolvers<RequestListener>()
  http.serve(() => {
    loads++
    return loaded.promise
  }, usage)
  expect((await get('/healthz?verbose')).status).toBe(200)
  expect(loads).toBe(0)
  const answers = [get('/a'), get('/b')]
  expect((await get('/healthz')).status).toBe(200)
  loaded.resolve(echo)
  expect(await Promise.all((await Promise.all(answers)).map(answer => answer.text()))).toEqual(['/a', '/b'])
  expect(loads).toBe(1)
})

test('an app that cannot be loaded is told in the log and to the caller, and tried again', async () => {
  const attempts = [() => Promise.reject(new Error('no such module')), async () => echo]
  http.serve(() => attempts.shift()!(), usage)
  const answer = await get('/a')
  expect(answer.status).toBe(500)
  expect(await answer.json()).toMatchObject({ code: 'INTERNAL' })
  expect(errors).toEqual([{ error: 'Error: no such module' }])
  expect((await get('/a')).status).toBe(200)
})
