import { createServer, type Server } from 'node:http'
import type { StoreUsage } from '../storage/index.ts'
import type { Address } from './config.ts'

/**
 * Serves `/healthz`: 200 while the process serves clients, 503 before and after; with what it has asked of the stores
 * since it started, and the list price of that.
 */
export class HealthServer {
  readonly #server: Server
  #usage: (() => StoreUsage) | undefined

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (request, response) => {
      const found = request.url === '/healthz'
      const status = found ? (this.#usage ? 200 : 503) : 404
      const health = this.#usage ? { status: 'ok', stores: this.#usage() } : { status: 'unavailable' }
      const body = found ? health : { error: 'not found' }
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

  /** The process serves clients. */
  announce(usage: () => StoreUsage): void {
    this.#usage = usage
  }

  async close(): Promise<void> {
    this.#usage = undefined
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}
