/** Small programs of tests that run as processes of their own and print what they did, a line each. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const testFolder = join(import.meta.dirname, '..')

export class Child {
  readonly #process: ChildProcessByStdio<null, Readable, null>
  readonly #exited: Promise<unknown>
  readonly #read: Promise<void>
  readonly #lines: string[] = []
  #grown = Promise.withResolvers<void>()

  /** `program`: below test/; `argument` reaches it as JSON; `prefix`: a command that runs another. */
  constructor(program: string, argument: unknown, prefix: readonly string[] = []) {
    const command = [...prefix, process.execPath, join(testFolder, program), JSON.stringify(argument)]
    this.#process = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#exited = once(this.#process, 'exit')
    this.#read = this.#readLines()
  }

  /** Of `prefix`, where there is one. */
  get processId(): number | undefined {
    return this.#process.pid
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** Resolves when there are so many lines; rejects where the process ends before. */
  async untilLines(count: number): Promise<void> {
    const ended = this.#read.then(() => {
      if (this.#lines.length < count) throw new Error(`the process ended after ${this.#lines.length} lines`)
    })
    while (this.#lines.length < count) await Promise.race([this.#grown.promise, ended])
  }

  /** SIGKILL; resolves when the process is gone and all it printed is in `lines`. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exited
    await this.#read
  }

  /** Resolves with all lines when the process has ended well. */
  async untilEnd(): Promise<readonly string[]> {
    await this.#read
    await this.#exited
    if (this.#process.exitCode !== 0) throw new Error(`the process ended with ${this.#process.exitCode}`)
    return this.#lines
  }

  async #readLines(): Promise<void> {
    for await (const line of createInterface({ input: this.#process.stdout })) {
      this.#lines.push(line)
      this.#grown.resolve()
      this.#grown = Promise.withResolvers()
    }
  }
}

/** What the parent passed, in the child. */
export function childArgument<T>(): T {
  return JSON.parse(process.argv[2] ?? '') as T
}
