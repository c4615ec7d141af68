/** A real browser on the HTTP interface: beacons, pages of other sites, the live tail, the page about the API. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, launch, type Page } from 'puppeteer-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { findChromium } from '../support/chromium.ts'
import { describeWith } from '../support/requirement.ts'
import { createVarveServer, type VarveServer } from '../support/varve-server.ts'

const timeout = 120_000
const chromium = findChromium()
const missing = chromium === undefined ? 'install a browser: the package chromium' : undefined

describeWith({ missing }, 'a browser', () => {
  let profile: string
  let browser: Browser
  let site: Site
  let server: VarveServer
  let page: Page

  beforeAll(async () => {
    profile = await mkdtemp(join(tmpdir(), 'varve-browser-'))
    // As root there is no sandbox.
    const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']
    browser = await launch({ browser: 'chrome', executablePath: chromium!, userDataDir: profile, args })
    site = await openSite()
  }, timeout)
  afterAll(async () => {
    await browser?.close()
    site?.close()
    await rm(profile, { recursive: true, force: true })
  })

  beforeEach(async () => {
    server = await createVarveServer({ args: ['--cors-origins', site.url] })
    await server.start()
    site.sendTo = api('')
    page = await browser.newPage()
  }, timeout)
  afterEach(async () => {
    await page.close()
    await server.stop()
  })

  const api = (path: string) => `http://${server.http}${path}`

  test('a page that is left becomes a record, unless it is another site’s', { timeout }, async () => {
    const made = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"web-views"}' }
    expect((await fetch(api('/v1/topics'), made)).status).toBe(201)
    const records = api('/v1/topics/web-views/records')
    await page.goto(`${site.url.replace('127.0.0.1', 'localhost')}/foreign`)
    // A browser sends this without asking.
    await page.evaluate(`fetch('${records}', { method: 'POST', mode: 'no-cors', body: '{"page":"/foreign"}' })`)
    await page.goto(`${site.url}/shop`)
    await page.goto('about:blank')
    const answer = await fetch(`${records}?from=earliest&maxRecords=1&waitMs=30000`)
    const told = (await answer.json()) as { records: { value: unknown }[] }
    expect(told.records.map(({ value }) => value)).toMatchObject([{ page: '/shop', language: 'en-US' }])
  })

  test('a page produces JSON and follows the live tail', { timeout }, async () => {
    const records = api('/v1/topics/live/records')
    await page.goto(site.url)
    // Asks before it sends (CORS), for the content type and the header.
    const produce = (body: string) =>
      page.evaluate(`fetch('${records}', {
        method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': ${JSON.stringify(body)} }, body: ${JSON.stringify(body)},
      }).then(answer => answer.status)`)
    const follow = (count: number) =>
      page.evaluate(`new Promise(resolve => {
        const seen = []
        const tail = new EventSource('${api('/v1/topics/live/tail?from=earliest')}')
        tail.addEventListener('message', ({ data }) => {
          if (seen.push(JSON.parse(data).value) < ${count}) return
          tail.close()
          resolve(seen)
        })
      })`)
    expect(await produce('[{"value":"a"},{"value":"b"}]')).toBe(200)
    expect(await follow(2)).toEqual(['a', 'b'])
    const following = follow(3)
    expect(await produce('[{"value":"c"}]')).toBe(200)
    expect(await following).toEqual(['a', 'b', 'c'])
  })

  test('the page about the API shows every route, and asks nobody else for anything', { timeout }, async () => {
    const asked: string[] = []
    const errors: string[] = []
    page.on('request', request => asked.push(new URL(request.url()).host))
    page.on('pageerror', error => errors.push(String(error)))
    page.on('console', message => message.type() === 'error' && errors.push(message.text()))
    await page.goto(api('/'))
    const { paths } = (await (await fetch(api('/openapi.json'))).json()) as { paths: Record<string, object> }
    const text = String(await page.evaluate('document.body.innerText'))
    expect(Object.keys(paths).filter(path => !text.includes(path))).toEqual([])
    expect(new Set(asked)).toEqual(new Set([server.http]))
    expect(errors).toEqual([])
  })
})

interface Site {
  readonly url: string
  /** Where the example's page sends to, `http://…`. */
  sendTo: string
  close(): void
}

/** The example's page under every path. */
async function openSite(): Promise<Site> {
  const folder = join(import.meta.dirname, '../../examples/page-views')
  const page = await readFile(join(folder, 'index.html'), 'utf8')
  const script = await readFile(join(folder, 'page-views.js'), 'utf8')
  const server = createServer((request, response) => {
    const isScript = request.url?.endsWith('.js') === true
    response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' })
    response.end(isScript ? script : page.replace('http://127.0.0.1:8080', site.sendTo))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  const site = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sendTo: '', close }
  return site
}
