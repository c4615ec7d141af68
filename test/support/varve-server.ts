import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApacheKafka } from './apache-kafka.ts'
import { findFreePorts, ServerProcess, type TestServer } from './server-process.ts'

/** `varve start` as a user runs it: a process of its own, on free ports of the loopback, with data in a new folder. */
export interface VarveServerOptions {
  /** Further arguments, for example `--objects s3://…`. */
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

const commandLine = join(import.meta.dirname, '../../lib/cli/varve.ts')

export interface VarveServer extends TestServer {
  /** HOST:PORT of `/healthz`. */
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
  readonly #args: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  #process: ServerProcess | undefined

  constructor(options: VarveServerOptions & { kafka: string; http: string; folder: string }) {
    this.bootstrap = options.kafka
    this.http = options.http
    this.#folder = options.folder
    this.#args = ['--kafka', options.kafka, '--http', options.http, '--data', options.folder, ...(options.args ?? [])]
    this.#env = { ...process.env, ...options.env }
  }

  async start(): Promise<number> {
    const began = performance.now()
    this.#process = new ServerProcess(process.execPath, [commandLine, 'start', ...this.#args], { env: this.#env })
    await this.#process.line(new RegExp(this.bootstrap.replaceAll('.', '\\.')))
    return performance.now() - began
  }

  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM')
    await rm(this.#folder, { recursive: true, force: true })
  }

  async memory(): Promise<{ bytes: number; peakBytes: number }> {
    return (await this.#process?.memory()) ?? { bytes: 0, peakBytes: 0 }
  }
}
