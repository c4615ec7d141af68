import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Logger } from '../base/index.ts'
import type { StoreUsage } from '../storage/index.ts'
import type { Address } from './config.ts'

/** Not imported: an import looks at all that the module has, and so loads all of fetch, a tenth of a start. */
const { createServer } = process.getBuiltinModule('node:http')

/** How long the headers of a request may take. Bodies have no such bound, for streams are welcome: lib/http watches them. */
const HEADERS_MS = 30_000
const CONNECTIONS_MAX = 10_000
/** At the end, what is still open is cut off after so long. */
const CLOSE_MS = 5_000

interface Service {
  readonly load: () => Promise<RequestListener>
  readonly usage: () => StoreUsage
  /** Since the first request that needs it. */
  loading?: Promise<RequestListener> | undefined
}

/**
 * Serves HTTP: `/healthz` (200 while the process serves clients, 503 before and after; with what it has asked of the
 * stores since it started, and the list price of that), and all else by the app, once there is one.
 */
export class HttpServer {
  readonly #server: Server
  readonly #logger: Logger
  #service: Service | undefined

  private constructor(logger: Logger) {
    this.#logger = logger
    this.#server = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: 0 },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = CONNECTIONS_MAX
  }

  /** Rejects where the address cannot be had. */
  static async listen({ host, port }: Address, logger: Logger): Promise<HttpServer> {
    const http = new HttpServer(logger)
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

  /** The process serves clients. `load` makes the app, at the first request for it. */
  serve(load: () => Promise<RequestListener>, usage: () => StoreUsage): void {
    this.#service = { load, usage }
  }

  /** Requests under way get a moment to be answered. */
  async close(): Promise<void> {
    this.#service = undefined
    if (!this.#server.listening) return
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const last = setTimeout(() => this.#server.closeAllConnections(), CLOSE_MS)
    await closed
    clearTimeout(last)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const service = this.#service
    if (request.url?.split('?')[0] === '/healthz') return answerHealth(response, service)
    if (!service) return answerProblem(response, 503, 'NOT_READY', 'starting or stopping')
    const listener = await this.#load(service)
    if (listener) listener(request, response)
    else answerProblem(response, 500, 'INTERNAL', 'The log of the server says more.')
  }

  async #load(service: Service): Promise<RequestListener | undefined> {
    service.loading ??= service.load()
    try {
      return await service.loading
    } catch (error) {
      // The next request tries again.
      service.loading = undefined
      this.#logger.error('the HTTP interface cannot be loaded', { error: String(error) })
      return undefined
    }
  }
}

function answerHealth(response: ServerResponse, service: Service | undefined): void {
  const body = service ? { status: 'ok', stores: service.usage() } : { status: 'unavailable' }
  answerJson(response, service ? 200 : 503, 'application/json', body)
}

/** As the app's own problems are (RFC 9457). */
function answerProblem(response: ServerResponse, status: 500 | 503, code: string, detail: string): void {
  const title = status === 503 ? 'Not ready' : 'Internal error'
  if (status === 503) response.setHeader('retry-after', '1')
  answerJson(response, status, 'application/problem+json', { title, status, code, detail })
}

function answerJson(response: ServerResponse, status: number, type: string, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text)
}
