import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { problemResponse } from '../http/index.ts'
import type { StoreUsage } from '../storage/index.ts'
import type { Address } from './config.ts'

type Fetch = (request: Request) => Response | Promise<Response>

/** How long the headers of a request may take. Bodies have no such bound, for streams are welcome: lib/http watches them. */
const HEADERS_MS = 30_000
const CONNECTIONS_MAX = 10_000
/** At the end, what is still open is cut off after so long. */
const CLOSE_MS = 5_000

/**
 * Serves HTTP: `/healthz` (200 while the process serves clients, 503 before and after; with what it has asked of the
 * stores since it started, and the list price of that), and all else by the app, once there is one.
 */
export class HttpServer {
  readonly #server: Server
  #app: Fetch | undefined
  #usage: (() => StoreUsage) | undefined

  private constructor() {
    this.#server = createAdaptorServer({
      fetch: request => this.#answer(request),
      overrideGlobalObjects: false,
      serverOptions: { headersTimeout: HEADERS_MS, requestTimeout: 0 },
    }) as Server
    this.#server.maxConnections = CONNECTIONS_MAX
  }

  /** Rejects where the address cannot be had. */
  static async listen({ host, port }: Address): Promise<HttpServer> {
    const http = new HttpServer()
    await new Promise<void>((resolve, reject) => {
      http.#server.once('error', reject)
      http.#server.listen({ host, port }, resolve)
    })
    return http
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  /** The process serves clients. */
  serve(app: Fetch, usage: () => StoreUsage): void {
    this.#app = app
    this.#usage = usage
  }

  /** Requests under way get a moment to be answered. */
  async close(): Promise<void> {
    this.#app = undefined
    this.#usage = undefined
    if (!this.#server.listening) return
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const last = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS)
    await closed
    clearTimeout(last)
  }

  #answer(request: Request): Response | Promise<Response> {
    if (new URL(request.url).pathname === '/healthz') return this.#health()
    if (this.#app) return this.#app(request)
    return problemResponse({ title: 'Not ready', status: 503, code: 'NOT_READY', detail: 'starting or stopping' })
  }

  #health(): Response {
    if (!this.#usage) return Response.json({ status: 'unavailable' }, { status: 503 })
    return Response.json({ status: 'ok', stores: this.#usage() })
  }
}
