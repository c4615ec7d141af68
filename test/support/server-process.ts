import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Readable } from 'node:stream'

/** A Kafka server that a test owns: a process that can be killed and started again on the same port and data. */
export interface TestServer {
  /** HOST:PORT of the Kafka endpoint; stays the same over restarts. */
  readonly bootstrap: string
  /** Resolves when the server serves Kafka clients; answers how many ms that took. */
  start(): Promise<number>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** Ends the process cleanly and removes its data. */
  stop(): Promise<void>
  /** Resident bytes now, and the most there ever were since the process began. */
  memory(): Promise<Memory>
  /** From now on `peakBytes` is the most since this call. */
  forgetPeak(): Promise<void>
  /** The last lines that it wrote, those of its killed processes included. */
  readonly output: string
}

export interface Memory {
  readonly bytes: number
  readonly peakBytes: number
}

type Child = ChildProcessByStdio<null, Readable, Readable>

const outputLinesMax = 200

/** A child process, its last lines of output kept for the message of a failure. */
export class ServerProcess {
  readonly #child: Child
  readonly #lines: string[] = []
  /** Resolves when the process is gone, with its exit code and the signal that ended it. */
  readonly exited: Promise<unknown[]>

  constructor(command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
    this.#child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    this.exited = once(this.#child, 'exit')
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => {
        this.#lines.push(...text.split('\n').filter(line => line !== ''))
        this.#lines.splice(0, this.#lines.length - outputLinesMax)
      })
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined
  }

  get output(): string {
    return this.#lines.join('\n')
  }

  /** Resolves with the first line of standard output that matches; rejects when the process ends before. */
  async line(pattern: RegExp): Promise<string> {
    let seen = ''
    const found = Promise.withResolvers<string>()
    const look = (text: string) => {
      seen += text
      const match = seen.split('\n').find(line => pattern.test(line))
      if (match !== undefined) found.resolve(match)
    }
    this.#child.stdout.on('data', look)
    this.exited.then(
      () => found.reject(new Error(`the server ended before it was ready:\n${this.output}`)),
      found.reject,
    )
    try {
      return await found.promise
    } finally {
      this.#child.stdout.off('data', look)
    }
  }

  /** Freezes or thaws the process. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.running) this.#child.kill(signal)
  }

  /** Resolves when every thread stands still, where the system tells (/proc); at once elsewhere. */
  async freeze(): Promise<void> {
    this.signal('SIGSTOP')
    while (!(await this.#standsStill())) await new Promise(resolve => setImmediate(resolve))
  }

  async #standsStill(): Promise<boolean> {
    const tasks = `/proc/${this.#child.pid}/task`
    const ids = await readdir(tasks).catch(() => [])
    const states = await Promise.all(ids.map(id => readFile(`${tasks}/${id}/stat`, 'utf8').catch(() => ') T')))
    // The state comes after the name, which may have anything in it.
    return states.every(state => state.slice(state.lastIndexOf(')') + 2).startsWith('T'))
  }

  /** Sends the signal and resolves when the process is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.running) this.#child.kill(signal)
    await this.exited
  }

  /** From /proc where there is one; zero elsewhere. */
  async memory(): Promise<Memory> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8').catch(() => '')
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
    return { bytes: kilobytes('VmRSS') * 1024, peakBytes: kilobytes('VmHWM') * 1024 }
  }

  /** Linux alone can (proc(5), clear_refs); elsewhere there is no peak to forget. */
  async forgetPeak(): Promise<void> {
    await writeFile(`/proc/${this.#child.pid}/clear_refs`, '5').catch(() => undefined)
  }
}

/** A server's processes, one after the other. */
export class ServerLives {
  readonly #spawn: () => ServerProcess
  readonly #lives: ServerProcess[] = []

  constructor(spawn: () => ServerProcess) {
    this.#spawn = spawn
  }

  get output(): string {
    return this.#lives.map((life, index) => `--- process ${index + 1}\n${life.output}`).join('\n')
  }

  start(): ServerProcess {
    const life = this.#spawn()
    this.#lives.push(life)
    return life
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#lives.at(-1)?.end(signal)
  }

  async memory(): Promise<Memory> {
    return (await this.#lives.at(-1)?.memory()) ?? { bytes: 0, peakBytes: 0 }
  }

  async forgetPeak(): Promise<void> {
    await this.#lives.at(-1)?.forgetPeak()
  }
}

/** Distinct ports of 127.0.0.1 that were free a moment ago. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map(server => (server.address() as { port: number }).port)
  await Promise.all(servers.map(server => once(server.close(), 'close')))
  return ports
}
