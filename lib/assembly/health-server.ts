import { createServer, type Server } from 'node:http'
import type { Address } from './config.ts'

/** Serves `/healthz`: 200 while the process serves clients, 503 before and after. */
export class HealthServer {
  readonly #server: Server
  #isServing = false

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => {
      const found = request.url === '/healthz'
      const status = found ? (this.#isServing ? 200 : 503) : 404
      const body = found ? { status: this.#isServing ? 'ok' : 'unavailable' } : { error: 'not found' }
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  }

  /** Rejects where the address cannot be had. */
  static async listen({ host, port }: Address): Promise<HealthServer> {
    const server = createServer()
    const health = new HealthServer(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host, port }, resolve)
    })
    return health
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  announce(isServing: boolean): void {
    this.#isServing = isServing
  }

  async close(): Promise<void> {
    this.#isServing = false
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}
