import { VarveError } from '../../../lib/base/index.ts'
import type { Service } from '../system.ts'
import type { Gateway } from './cluster.ts'
import { Rng } from './rng.ts'
import type { World } from './world.ts'

/** What a client is told when a call does not succeed. */
export class RemoteError extends Error {
  /** A code of the system, or CONNECTION_LOST, CLIENT_TIMEOUT: then it may have happened. */
  readonly code: string

  constructor(code: string, message: string, options?: { cause: unknown }) {
    super(message, options)
    this.code = code
  }
}

export type Work<T> = (service: Service, signal: AbortSignal) => Promise<T>

interface Call {
  readonly name: string
  readonly work: (service: Service, signal: AbortSignal) => Promise<() => void>
  readonly fail: (error: RemoteError) => void
  answer: (() => void) | undefined
}

export interface ConnectionOptions {
  readonly world: World
  readonly gateway: Gateway
  readonly name: string
  readonly seed: number
  onError(error: unknown, where: string): void
}

/**
 * A client's connection to one gateway: requests arrive in the order sent, answers come back in that order. It breaks
 * when the gateway dies (sometimes without a word) or the client closes it; what is under way may still be done.
 */
export class Connection {
  readonly name: string
  readonly #options: ConnectionOptions
  readonly #rng: Rng
  readonly #sent: Call[] = []
  readonly #unanswered: Call[] = []
  readonly #noticed = new AbortController()
  #broken = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.name = `${options.name}>${options.gateway.process.name}`
    this.#rng = new Rng(options.seed, 'connection', this.name)
    options.gateway.process.onDeath(() => {
      if (this.#rng.chance(0.8)) this.#schedule(() => this.close())
    })
    if (options.gateway.process.dead) this.#schedule(() => this.close())
  }

  /** The process at the other end. */
  get via(): string {
    return this.#options.gateway.process.name
  }

  /** Its process has died, whether the client knows or not. */
  get isOrphan(): boolean {
    return this.#options.gateway.process.dead
  }

  get broken(): boolean {
    return this.#broken
  }

  /**
   * Runs `work` in the gateway and brings its result back. Work of one connection begins in the order called; its signal
   * tells when the gateway notices that the connection broke, if it does.
   * @throws RemoteError
   */
  call<T>(name: string, timeoutMs: number, work: Work<T>): Promise<T> {
    const { world } = this.#options
    return new Promise((resolve, reject) => {
      const call: Call = {
        name: `${this.name} ${name}`,
        work: (service, signal) => work(service, signal).then(result => () => resolve(result)),
        fail: reject,
        answer: undefined,
      }
      if (this.#broken) return this.#schedule(() => call.fail(lost()))
      world.note(this.name, `calls ${name}`)
      this.#sent.push(call)
      this.#unanswered.push(call)
      this.#schedule(() => this.#receive(), true)
      world.schedule(timeoutMs, () => {
        if (this.#unanswered.includes(call)) call.fail(new RemoteError('CLIENT_TIMEOUT', `${name}: no answer`))
      })
    })
  }

  /** Calls without an answer fail with CONNECTION_LOST. */
  close(): void {
    if (this.#broken) return
    this.#broken = true
    this.#options.world.note(this.name, 'is broken')
    for (const call of this.#unanswered) call.fail(lost())
    this.#unanswered.length = 0
    if (this.#rng.chance(0.8)) this.#schedule(() => this.#noticed.abort(), true)
  }

  /** In the gateway. */
  #receive(): void {
    const call = this.#sent.shift()
    if (!call) return
    const { gateway, onError } = this.#options
    const { service } = gateway
    if (!service) {
      this.#reply(call, () => call.fail(lost()))
      return
    }
    call.work(service, this.#noticed.signal).then(
      succeed => this.#reply(call, succeed),
      error => {
        const known = error instanceof VarveError && error.code !== 'INVARIANT' && error.code !== 'CORRUPT_DATA'
        if (!known) onError(error, call.name)
        const code = known ? error.code : 'INTERNAL'
        this.#reply(call, () => call.fail(new RemoteError(code, String(error), { cause: error })))
      },
    )
  }

  #reply(call: Call, answer: () => void): void {
    call.answer = answer
    this.#schedule(() => {
      while (this.#unanswered[0]?.answer && !this.#broken) this.#unanswered.shift()!.answer!()
    })
  }

  #schedule(action: () => void, toGateway = false): void {
    const { world, gateway } = this.#options
    world.schedule(this.#rng.spread(0.1, 20), action, toGateway ? gateway.process : undefined)
  }
}

function lost(): RemoteError {
  return new RemoteError('CONNECTION_LOST', 'the connection broke')
}
