import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApacheKafka } from './apache-kafka.ts'
import { findFreePorts, type Memory, ServerLives, ServerProcess, type TestServer } from './server-process.ts'

/** `varve start` as a user runs it: a process of its own, on free ports of the loopback, with data in a new folder. */
export interface VarveServerOptions {
  /** Further arguments, for example `--objects s3://…`. */
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

const commandLine = join(import.meta.dirname, '../../lib/cli/varve.js')

export interface VarveServer extends TestServer {
  /** HOST:PORT of the HTTP interface. */
  readonly http: string
}

/** Not started yet. */
export async function createVarveServer(options: VarveServerOptions = {}): Promise<VarveServer> {
  const [kafkaPort, httpPort] = (await findFreePorts(2)) as [number, number]
  const folder = await mkdtemp(join(tmpdir(), 'varve-server-'))
  return new VarveProcess({ kafka: `127.0.0.1:${kafkaPort}`, http: `127.0.0.1:${httpPort}`, folder, ...options })
}

/**
 * The server of tests that any Kafka server should pass. With VARVE_TEST_SERVER=apache-kafka a real one, to tell a fault
 * of Varve from one of the test.
 */
export function createTestServer(): Promise<TestServer> {
  return process.env.VARVE_TEST_SERVER === 'apache-kafka' ? createApacheKafka() : createVarveServer()
}

class VarveProcess implements VarveServer {
  readonly bootstrap: string
  readonly http: string
  readonly #folder: string
  readonly #lives: ServerLives

  constructor(options: VarveServerOptions & { kafka: string; http: string; folder: string }) {
    const { kafka, http, folder } = options
    this.bootstrap = kafka
    this.http = http
    this.#folder = folder
    const args = ['--kafka', kafka, '--http', http, '--data', folder, ...(options.args ?? [])]
    const env = { ...process.env, ...options.env }
    this.#lives = new ServerLives(() => new ServerProcess(process.execPath, [commandLine, 'start', ...args], { env }))
  }

  get output(): string {
    return this.#lives.output
  }

  async start(): Promise<number> {
    const began = performance.now()
    await this.#lives.start().line(new RegExp(this.bootstrap.replaceAll('.', '\\.')))
    return performance.now() - began
  }

  kill(): Promise<void> {
    return this.#lives.end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#lives.end('SIGTERM')
    await rm(this.#folder, { recursive: true, force: true })
  }

  memory(): Promise<Memory> {
    return this.#lives.memory()
  }

  forgetPeak(): Promise<void> {
    return this.#lives.forgetPeak()
  }
}
