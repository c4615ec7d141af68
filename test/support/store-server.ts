import { ServerProcess } from './server-process.ts'

/** A server of a store that tests own. It may be killed and started again on the same port and data. */
export interface StoreServer {
  readonly endpoint: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Resolves when the server answers. */
  start(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** Resolves when it stands still: connections are taken, and nothing is answered. */
  freeze(): Promise<void>
  /** Freezes or thaws the process, soon. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends the process and removes its data. */
  stop(): Promise<void>
}

export interface StoreServerOptions {
  readonly port: number
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly credentials: StoreServer['credentials']
  readonly removeData: () => Promise<void>
}

const POLL_MS = 50
const START_MS_MAX = 60_000

export class StoreServerProcess implements StoreServer {
  readonly endpoint: string
  readonly credentials: StoreServer['credentials']
  readonly #options: StoreServerOptions
  #process: ServerProcess | undefined

  constructor(options: StoreServerOptions) {
    this.endpoint = `http://127.0.0.1:${options.port}`
    this.credentials = options.credentials
    this.#options = options
  }

  async start(): Promise<void> {
    const { command, args, cwd } = this.#options
    this.#process = new ServerProcess(command, args, cwd === undefined ? {} : { cwd })
    const deadline = performance.now() + START_MS_MAX
    while (!(await answers(this.endpoint))) {
      if (!this.#process.running) throw new Error(`${command} ended:\n${this.#process.output}`)
      if (performance.now() > deadline) throw new Error(`${command} is not ready:\n${this.#process.output}`)
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
  }

  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  async freeze(): Promise<void> {
    await this.#process?.freeze()
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.signal(signal)
  }

  async stop(): Promise<void> {
    this.signal('SIGCONT')
    await this.#process?.end('SIGTERM')
    await this.#options.removeData()
  }
}

/** Any answer will do: an error of HTTP comes from a server that is there. */
async function answers(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(5_000) })
    await response.arrayBuffer()
    return true
  } catch {
    return false
  }
}
