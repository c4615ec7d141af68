/**
 * One Lambda sandbox without LocalStack: a Runtime API (2018-06-01) and the process that polls it, AWS's own runtime client with a
 * bundled handler. It can be frozen and thawed between and within invocations, and killed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { installRuntimeClient } from './install.ts'

const BASE = '/2018-06-01/runtime'

export interface SandboxOptions {
  /** Folder of the bundle. */
  readonly folder: string
  /** `index.handler` */
  readonly handler: string
  readonly env?: Readonly<Record<string, string>>
  /** Default 30,000. */
  readonly timeoutMs?: number
  /** Default 512. */
  readonly memoryMb?: number
}

export interface InvocationResult {
  readonly error: boolean
  /** What the handler answered, as it was sent. */
  readonly payload: Buffer
  readonly contentType: string | undefined
}

interface Invocation {
  readonly id: string
  readonly event: string
  readonly deadline: number
  readonly resolve: (result: InvocationResult) => void
}

export class Sandbox {
  readonly #options: Required<SandboxOptions>
  readonly #runtimeClient: string
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  readonly #underWay = new Map<string, Invocation>()
  readonly #waiting: Invocation[] = []
  #poller: ServerResponse | undefined
  #process: ChildProcess | undefined
  #ready = Promise.withResolvers<void>()
  #output = ''
  /** Of the last start, in ms: from the spawn to the first poll. */
  initMs = 0

  private constructor(options: Required<SandboxOptions>, runtimeClient: string) {
    this.#options = options
    this.#runtimeClient = runtimeClient
  }

  /** Started, its handler loaded. */
  static async start(options: SandboxOptions): Promise<Sandbox> {
    const runtimeClient = await installRuntimeClient()
    const sandbox = new Sandbox({ env: {}, timeoutMs: 30_000, memoryMb: 512, ...options }, runtimeClient)
    sandbox.#server.keepAliveTimeout = 0
    sandbox.#server.listen(0, '127.0.0.1')
    await once(sandbox.#server, 'listening')
    await sandbox.#spawn()
    return sandbox
  }

  get output(): string {
    return this.#output
  }

  async invoke(event: unknown): Promise<InvocationResult> {
    if (!this.#process) await this.#spawn()
    const { timeoutMs } = this.#options
    const answer = Promise.withResolvers<InvocationResult>()
    const invocation = {
      id: randomUUID(),
      event: JSON.stringify(event),
      deadline: Date.now() + timeoutMs,
      resolve: answer.resolve,
    }
    const timer = setTimeout(() => {
      this.kill()
      answer.resolve(failure('Sandbox.Timedout', `Task timed out after ${timeoutMs} ms`))
    }, timeoutMs)
    this.#underWay.set(invocation.id, invocation)
    if (this.#poller) {
      send(this.#poller, invocation)
      this.#poller = undefined
    } else {
      this.#waiting.push(invocation)
    }
    return answer.promise.finally(() => clearTimeout(timer))
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** The process dies at once; the next invocation starts another. */
  kill(): void {
    this.#process?.kill('SIGKILL')
  }

  /** Resident bytes at their most. */
  async peakMemory(): Promise<number> {
    const status = await readFile(`/proc/${this.#process?.pid}/status`, 'utf8').catch(() => '')
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1_024
  }

  async stop(): Promise<void> {
    const process = this.#process
    this.#process = undefined
    if (process && process.exitCode === null && process.signalCode === null) {
      const exited = once(process, 'exit')
      process.kill('SIGKILL')
      await exited
    }
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #spawn(): Promise<void> {
    const { folder, handler, env, memoryMb } = this.#options
    const began = performance.now()
    this.#ready = Promise.withResolvers()
    this.#poller = undefined
    const child = spawn(process.execPath, [this.#runtimeClient, handler], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        TZ: ':UTC',
        NODE_OPTIONS: `--max-old-space-size=${Math.max(64, Math.floor(memoryMb * 0.9))}`,
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
        _HANDLER: handler,
        LAMBDA_TASK_ROOT: folder,
        LAMBDA_RUNTIME_DIR: folder,
        AWS_LAMBDA_FUNCTION_NAME: 'test',
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/test',
        AWS_LAMBDA_LOG_STREAM_NAME: 'test',
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        ...env,
      },
    })
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-100_000)
      })
    }
    child.on('exit', (code, signal) => this.#ended(child, signal ?? `exit status ${code}`))
    await this.#ready.promise
    this.initMs = performance.now() - began
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#process === child) this.#process = undefined
    this.#ready.reject(new Error(`the function ended before it was ready: ${how}\n${this.#output}`))
    for (const { resolve } of this.#underWay.values()) resolve(failure('Runtime.ExitError', `Runtime exited: ${how}`))
    this.#underWay.clear()
    this.#waiting.length = 0
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').slice(BASE.length)
    if (request.method === 'GET' && path === '/invocation/next') {
      this.#ready.resolve()
      const next = this.#waiting.shift()
      if (next) send(response, next)
      else this.#poller = response
      return
    }
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const body = Buffer.concat(parts)
    const [, id = '', kind] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? []
    if (path === '/init/error') this.#ready.reject(new Error(`the function failed to start: ${body}`))
    const contentType = request.headers['content-type']
    this.#underWay.get(id)?.resolve({ error: kind === 'error', payload: body, contentType })
    this.#underWay.delete(id)
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}')
  }
}

function send(response: ServerResponse, { id, event, deadline }: Invocation): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'lambda-runtime-aws-request-id': id,
    'lambda-runtime-deadline-ms': String(deadline),
    'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:test',
  })
  response.end(event)
}

function failure(errorType: string, errorMessage: string): InvocationResult {
  const payload = Buffer.from(JSON.stringify({ errorType, errorMessage }))
  return { error: true, payload, contentType: 'application/json' }
}
