import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from '../support/cli.ts'
import { createVarveServer, type VarveServer } from '../support/varve-server.ts'

const adminKey = 'the-administrator-knows-this-one-alone'
let server: VarveServer | undefined

beforeEach(() => {
  server = undefined
})

afterEach(async () => {
  await server?.stop()
})

async function start(
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ url: string; server: VarveServer }> {
  const started = await createVarveServer({ args, env })
  server = started
  await started.start()
  return { url: `http://${started.http}`, server: started }
}

/** Processes start slowly on a busy machine. */
const timeout = 300_000

const json = { 'content-type': 'application/json' }

test('what HTTP answers is there once, though the server is killed again and again between request and answer', {
  timeout,
}, async () => {
  const { url, server } = await start()
  await fetch(`${url}/v1/topics`, { method: 'POST', headers: json, body: '{"name":"t","partitions":3}' })
  const requests = 120
  const answers = new Map<number, { partition: number; offset: number }[]>()
  let next = 0
  /** Repeats each request until it is answered. */
  const send = async () => {
    for (let index = next++; index < requests; index = next++) {
      const body = JSON.stringify([{ key: `k${index}`, value: `${index}/0` }, { value: `${index}/1` }])
      const headers = { ...json, 'idempotency-key': `request ${index}` }
      for (;;) {
        try {
          const answer = await fetch(`${url}/v1/topics/t/records`, { method: 'POST', headers, body })
          if (answer.status === 503 || answer.status === 504) continue
          expect(answer.status).toBe(200)
          answers.set(index, ((await answer.json()) as { results: { partition: number; offset: number }[] }).results)
          break
        } catch (error) {
          if (!(error instanceof TypeError)) throw error
          await new Promise(resolve => setTimeout(resolve, 20))
        }
      }
    }
  }
  const senders = Promise.all(Array.from({ length: 4 }, send))
  for (const answered of [10, 60]) {
    while (answers.size < answered) await new Promise(resolve => setTimeout(resolve, 5))
    await server.kill()
    await server.start()
  }
  await senders
  const read = await fetch(`${url}/v1/topics/t/records?maxRecords=10000`)
  const { records } = (await read.json()) as { records: { partition: number; offset: number; value: string }[] }
  expect(records.map(({ value }) => value).sort()).toEqual(
    Array.from({ length: requests }, (_, index) => [`${index}/0`, `${index}/1`])
      .flat()
      .sort(),
  )
  for (const [index, results] of answers) {
    for (const [at, { partition, offset }] of results.entries()) {
      expect(records.find(record => record.partition === partition && record.offset === offset)?.value).toBe(
        `${index}/${at}`,
      )
    }
  }
})

test('a live tail goes on after the server was killed', { timeout }, async () => {
  const { url, server } = await start()
  await fetch(`${url}/v1/topics/t/records`, { method: 'POST', body: 'one' })
  /** The first record after `lastEventId`, and its id. */
  const first = async (lastEventId?: string) => {
    const headers: Record<string, string> = lastEventId ? { 'last-event-id': lastEventId } : {}
    const response = await fetch(`${url}/v1/topics/t/tail?from=earliest`, { headers })
    let text = ''
    for await (const piece of response.body!) {
      text += Buffer.from(piece).toString()
      const [, id, data] = /id: (\S+)\ndata: (.*)\n\n/.exec(text) ?? []
      if (data) return { id, value: JSON.parse(data).value }
    }
    throw new Error(`the tail ended: ${text}`)
  }
  const one = await first()
  expect(one.value).toBe('one')
  await server.kill()
  await server.start()
  await fetch(`${url}/v1/topics/t/records`, { method: 'POST', body: 'two' })
  expect((await first(one.id)).value).toBe('two')
})

describe('with keys', () => {
  test('the command line makes, lists and revokes them', { timeout }, async () => {
    const { url, server } = await start(['--http-auth', 'required'], { VARVE_ADMIN_KEY: adminKey })
    const keys = (args: string[], key = adminKey) =>
      runCli(['keys', ...args, '--url', url], { env: { VARVE_API_KEY: key } })
    expect(await keys(['list'], 'wrong')).toMatchObject({ code: 1, stderr: expect.stringContaining('VARVE_API_KEY') })
    const made = await keys(['create', 'the site', '--scope', 'produce:web-*', 'admin:web-*', '--json'])
    const { id, token } = JSON.parse(made.stdout)
    const send = () => {
      return fetch(`${url}/v1/topics/web-a/records`, {
        method: 'POST',
        body: 'x',
        headers: { authorization: `Bearer ${token}` },
      })
    }
    expect((await send()).status).toBe(200)
    expect((await keys(['list'])).stdout).toContain(`${id}  the site  produce:web-* admin:web-*`)
    expect((await keys(['create', 'x', '--scope', 'nonsense'])).stderr).toContain("'nonsense' is no scope")
    expect((await keys(['revoke', id])).stdout).toBe(`revoked ${id}\n`)
    expect((await send()).status).toBe(401)
    expect(await keys(['revoke', id])).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no key') })
    expect(server.output).not.toContain(token)
    expect(server.output).not.toContain(adminKey)
  })
})

test('the beacon of the example becomes a record', { timeout }, async () => {
  const files = spawn(process.execPath, [join(import.meta.dirname, '../../examples/page-views/serve.mjs'), '0'])
  try {
    const [line] = (await once(files.stdout, 'data')) as [Buffer]
    const page = String(line).trim()
    const { url } = await start(['--cors-origins', page])
    const html = await (await fetch(page)).text()
    const script = await (await fetch(new URL(/src="(.*?)"/.exec(html)![1]!, page))).text()
    const to = new URL(/data-to="(.*?)"/.exec(html)![1]!)
    const pathname = '/shop'
    /** Runs the example's script as a browser would, up to the moment when the page is hidden. */
    const beacons: [string, string][] = []
    const hidden = Promise.withResolvers<() => void>()
    const document = {
      currentScript: { dataset: { to: `${url}${to.pathname}` } },
      visibilityState: 'hidden',
      referrer: '',
      addEventListener: (_event: string, listener: () => void) => hidden.resolve(listener),
    }
    const navigator = { language: 'en', sendBeacon: (...beacon: [string, string]) => beacons.push(beacon) > 0 }
    runInNewContext(script, { document, navigator, location: { pathname }, Date, JSON, Math })
    const hide = await hidden.promise
    hide()
    hide()
    expect(beacons).toHaveLength(1)
    const [[target, text]] = beacons as [[string, string]]
    const headers = { origin: page, 'content-type': 'text/plain;charset=UTF-8' }
    expect((await fetch(target, { method: 'POST', headers, body: text })).status).toBe(200)
    const foreign = { ...headers, origin: 'https://evil.example' }
    expect((await fetch(target, { method: 'POST', headers: foreign, body: text })).status).toBe(403)
    const { records } = (await (await fetch(`${url}/v1/topics/web-views/records`)).json()) as {
      records: { value: object }[]
    }
    expect(records.map(({ value }) => value)).toMatchObject([{ page: '/shop', language: 'en' }])
  } finally {
    files.kill()
  }
})
