/**
 * A TCP proxy of our own before a gateway or a store. It delays bytes, holds them back, breaks connections, refuses new
 * ones, and sends a whole recorded request a second time later, on a connection of its own.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Rng } from '../simulation/world/rng.ts'
import type { RequestRecorder } from './recorders.ts'

const REPLAY_MS_MAX = 10_000

export interface ProxyOptions {
  readonly targetPort: number
  readonly rng: Rng
  readonly createRecorder: () => RequestRecorder
  /** Of a recorded request. */
  readonly replayChance: number
}

export class ChaosProxy {
  readonly #options: ProxyOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #delayMs = 0
  #held: Promise<void> | undefined
  #isRefusing = false
  #isCalm = false
  /** Requests sent a second time. */
  replays = 0

  private constructor(options: ProxyOptions) {
    this.#options = options
    this.#server = createServer(client => this.#serve(client))
  }

  static async listen(options: ProxyOptions): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(options)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Nothing passes for so long; connections stay. */
  async hold(ms: number): Promise<void> {
    this.#held ??= sleep(ms)
    await this.#held
    this.#held = undefined
  }

  /** Every piece of data takes up to `delayMs` longer, for so long. */
  async slow(delayMs: number, ms: number): Promise<void> {
    this.#delayMs = delayMs
    await sleep(ms)
    this.#delayMs = 0
  }

  async refuse(ms: number): Promise<void> {
    this.#isRefusing = true
    this.cut()
    await sleep(ms)
    this.#isRefusing = false
  }

  /** From here on it only passes bytes on. */
  calm(): void {
    this.#isCalm = true
    this.#delayMs = 0
  }

  async close(): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  #serve(client: Socket): void {
    if (this.#isRefusing) {
      client.destroy()
      return
    }
    const { targetPort, createRecorder } = this.#options
    const target = this.#keep(connect({ host: '127.0.0.1', port: targetPort, noDelay: true }))
    this.#keep(client)
    const recorder = createRecorder()
    this.#pass(client, target, bytes => {
      for (const request of recorder.record(bytes)) this.#replaySometimes(request)
    })
    this.#pass(target, client, () => {})
    client.on('close', () => target.destroy())
    target.on('close', () => client.destroy())
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    return socket
  }

  /** Pieces keep their order, however long each takes. */
  #pass(from: Socket, to: Socket, look: (bytes: Buffer) => void): void {
    let last = Promise.resolve()
    from.on('data', bytes => {
      look(bytes)
      last = last.then(() => this.#wait()).then(() => void (to.destroyed || to.write(bytes)))
    })
    from.on('end', () => {
      last = last.then(() => void to.end())
    })
  }

  async #wait(): Promise<void> {
    if (this.#held) await this.#held
    if (this.#delayMs > 0) await sleep(this.#delayMs * this.#options.rng.fraction())
  }

  #replaySometimes(request: Buffer): void {
    const { rng, replayChance, targetPort } = this.#options
    if (this.#isCalm || !rng.chance(replayChance)) return
    void sleep(rng.spread(10, REPLAY_MS_MAX)).then(() => {
      if (this.#isCalm) return
      this.replays++
      const socket = this.#keep(connect({ host: '127.0.0.1', port: targetPort }))
      socket.resume()
      socket.write(request)
      void sleep(REPLAY_MS_MAX).then(() => socket.destroy())
    })
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
