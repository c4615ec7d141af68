/**
 * Listens on TCP for Kafka's clients. It knows frames and connections, and nothing of what a frame means.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, type Logger, Turns } from '../base/index.ts'
import { type Answer, Connection } from './connection.ts'
import { defaultGatewayLimits, type GatewayLimits } from './limits.ts'
import { MemoryBudget } from './memory-budget.ts'

export interface GatewayOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly clock: Clock
  readonly logger: Logger
  readonly limits?: Partial<GatewayLimits>
}

export class Gateway {
  readonly #server: Server
  readonly #options: GatewayOptions
  readonly #limits: GatewayLimits
  readonly #budget: MemoryBudget
  readonly #turns: Turns
  readonly #connections = new Set<Connection>()
  readonly #closing = new AbortController()
  #answer: Answer | undefined
  /** Sockets that came before `serve`. */
  #early: Socket[] = []
  #nextId = 1
  #sweeping: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  private constructor(server: Server, options: GatewayOptions) {
    this.#server = server
    this.#options = options
    this.#limits = { ...defaultGatewayLimits, ...options.limits }
    this.#budget = new MemoryBudget(this.#limits.memoryBytes)
    this.#turns = new Turns(this.#limits.sentInTurnBytes)
  }

  /** Takes the address, so that it is known; connections wait until `serve`. Rejects where the address cannot be had. */
  static async listen(options: GatewayOptions): Promise<Gateway> {
    const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true })
    const gateway = new Gateway(server, options)
    server.on('connection', socket => gateway.#accept(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ host: options.host, port: options.port }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', error => options.logger.error('listener failed', { message: error.message }))
    return gateway
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address ? address.port : this.#options.port
  }

  get connections(): number {
    return this.#connections.size
  }

  /** What requests and answers hold now, in bytes. */
  get memoryBytes(): number {
    return this.#budget.used
  }

  serve(answer: Answer): void {
    this.#answer = answer
    for (const socket of this.#early) this.#accept(socket)
    this.#early = []
    this.#sweeping = this.#keepSweeping()
  }

  /** Accepts no more, lets the requests in flight finish for a bounded time, and closes every connection. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { clock } = this.#options
    this.#closing.abort()
    const stopped = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#early) socket.destroy()
    for (const connection of this.#connections) connection.end()
    const timeUp = new AbortController()
    await Promise.race([stopped, clock.sleep(this.#limits.closeMs, timeUp.signal)])
    timeUp.abort()
    for (const connection of this.#connections) connection.close('requests did not finish while the gateway closed')
    await stopped
    await this.#sweeping
  }

  #accept(socket: Socket): void {
    if (this.#closing.signal.aborted) {
      socket.destroy()
      return
    }
    const { logger, clock } = this.#options
    if (this.#connections.size + this.#early.length >= this.#limits.connectionsMax) {
      logger.warn('connection refused', { reason: 'too many connections', max: this.#limits.connectionsMax })
      socket.destroy()
      return
    }
    if (!this.#answer) {
      this.#early.push(socket)
      return
    }
    const connection = new Connection(socket, {
      id: this.#nextId++,
      answer: this.#answer,
      limits: this.#limits,
      budget: this.#budget,
      turns: this.#turns,
      clock,
      logger,
      onClose: closed => this.#connections.delete(closed),
    })
    this.#connections.add(connection)
    socket.resume()
  }

  async #keepSweeping(): Promise<void> {
    const { clock } = this.#options
    const { idleMs, stalledMs, sweepMs } = this.#limits
    while (!this.#closing.signal.aborted) {
      await clock.sleep(sweepMs, this.#closing.signal)
      for (const connection of this.#connections) {
        const quietMs = connection.quietMs()
        if (quietMs >= idleMs && connection.inFlight === 0) connection.close('idle')
        else if (this.#budget.isExhausted && connection.isOwedByClient && quietMs >= stalledMs) {
          connection.close('stalled while memory is used up')
        }
      }
    }
  }
}
