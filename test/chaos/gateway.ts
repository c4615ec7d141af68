import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { findFreePorts, ServerProcess } from '../support/server-process.ts'
import { ChaosProxy, type ProxyOptions, sleep } from './proxy.ts'
import { ProduceRecorder } from './recorders.ts'

const commandLine = join(import.meta.dirname, '../../lib/cli/varve.js')

const RETRY_MS = 300
const FULL_DISK = /No space left on device|ENOSPC|corrupted size vs\. prev_size/

/** Whom gateways run as where the test is root: permissions mean nothing to root. */
export const USER_ID = 65_534

const canSetUser = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0

/** Undefined: gateways have the rights of the test. */
export const gatewayUser = canSetUser ? USER_ID : undefined

export interface GatewayOptions extends Pick<ProxyOptions, 'rng' | 'replayChance'> {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/**
 * A gateway as a user starts it, behind a proxy that its clients go through; it can be killed, frozen and started again. One that ends
 * by itself on a full disk, as lmdb may (ARCHITECTURE.md, what is not done), is started again as a supervisor would.
 */
export class Gateway {
  readonly proxy: ChaosProxy
  readonly #ports: readonly [number, number]
  readonly #options: GatewayOptions
  #process: ServerProcess | undefined
  #isReady = false
  #starting: Promise<void> | undefined
  #isEnded = false
  #output = ''

  private constructor(ports: readonly [number, number], proxy: ChaosProxy, options: GatewayOptions) {
    this.#ports = ports
    this.proxy = proxy
    this.#options = options
  }

  static async create(options: GatewayOptions): Promise<Gateway> {
    const ports = (await findFreePorts(2)) as [number, number]
    const { rng, replayChance } = options
    const createRecorder = () => new ProduceRecorder()
    const proxy = await ChaosProxy.listen({ targetPort: ports[0], rng, replayChance, createRecorder })
    return new Gateway(ports, proxy, options)
  }

  /** HOST:PORT for clients. */
  get bootstrap(): string {
    return `127.0.0.1:${this.proxy.port}`
  }

  get output(): string {
    return `${this.#output}\n${this.#process?.output ?? ''}`
  }

  /** Until it is ready, however often it ends before: its stores may be out of reach. */
  async start(): Promise<void> {
    if (this.#isReady && this.#process?.running) return
    this.#starting ??= this.#startUntilReady().finally(() => {
      this.#starting = undefined
    })
    await this.#starting
  }

  async #startUntilReady(): Promise<void> {
    const { args, env } = this.#options
    const [kafka, http] = this.#ports
    const places = ['--kafka', `127.0.0.1:${kafka}`, '--http', `127.0.0.1:${http}`, '--advertised', this.bootstrap]
    const node = [process.execPath, commandLine, 'start', ...places, ...args]
    const asUser = gatewayUser === undefined ? [] : ['setpriv', `--reuid=${USER_ID}`, '--clear-groups']
    const [command, ...rest] = [...asUser, ...node] as [string, ...string[]]
    while (!this.#isEnded) {
      if (this.#process) this.#output = this.output.split('\n').slice(-200).join('\n')
      const process_ = new ServerProcess(command, rest, { env: { ...process.env, ...env } })
      this.#process = process_
      this.#isReady = false
      this.#isReady = await process_.line(/ready/).then(
        () => true,
        () => false,
      )
      if (this.#isReady) {
        void this.#startAfterFullDisk(process_)
        return
      }
      await sleep(RETRY_MS)
    }
  }

  async #startAfterFullDisk(process_: ServerProcess): Promise<void> {
    const [, signal] = await process_.exited
    if (signal !== 'SIGABRT' || !FULL_DISK.test(process_.output)) return
    await sleep(RETRY_MS)
    if (!this.#isEnded) await this.start()
  }

  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  async freeze(ms: number): Promise<void> {
    this.#process?.signal('SIGSTOP')
    await sleep(ms)
    this.#process?.signal('SIGCONT')
  }

  /** SIGTERM; kills where that takes too long. Answers whether it ended by itself. */
  async stop(timeoutMs: number): Promise<boolean> {
    this.#isEnded = true
    this.#process?.signal('SIGCONT')
    const ended = await Promise.race([this.#process?.end('SIGTERM').then(() => true), sleep(timeoutMs)])
    if (!ended) await this.kill()
    await this.proxy.close()
    return ended === true
  }
}
