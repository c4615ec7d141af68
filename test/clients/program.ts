/**
 * A client's program, as a process: `PROGRAM --list` prints the names of its cases, `PROGRAM BOOTSTRAP CASE…` runs them in turn and
 * prints `PASS case` or `FAIL case: why` for each. When it prints `RESTART`, the server gets kill -9 and starts again, and the
 * program is told `RESTARTED` on its standard input. A program that hangs or ends early fails the case it was at, and is
 * started again for the rest.
 */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { CASES } from './cases.ts'

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

export interface CaseResult {
  readonly name: string
  /** Why it failed; undefined where it passed. */
  readonly failure: string | undefined
  readonly milliseconds: number
}

export interface ProgramServer {
  readonly bootstrap: string
  restart(): Promise<void>
}

const CASE_MS_MAX = 180_000
const STDERR_KEPT = 2_000
const FAILURE_LENGTH_MAX = 2_000

export async function listCases({ command, args, env }: Program): Promise<string[]> {
  const { stdout } = await promisify(execFile)(command, [...args, '--list'], { env: { ...process.env, ...env } })
  const names = stdout.split('\n').filter(line => line !== '')
  if (names.length === 0) throw new Error(`${args.at(-1) ?? command} has no cases`)
  const unknown = names.filter(name => !(name in CASES))
  if (unknown.length > 0) throw new Error(`cases.ts does not have ${unknown.join(', ')}`)
  return names
}

export async function runProgram(
  program: Program,
  cases: readonly string[],
  server: ProgramServer,
  report: (result: CaseResult) => void,
): Promise<void> {
  let rest = cases
  while (rest.length > 0) {
    const reached = await runUntilItEnds(program, rest, server, report)
    rest = rest.slice(reached)
  }
}

/** Answers how many cases have a result: all, or fewer where the program hung or died. */
async function runUntilItEnds(
  { command, args, env }: Program,
  cases: readonly string[],
  server: ProgramServer,
  report: (result: CaseResult) => void,
): Promise<number> {
  const child = spawn(command, [...args, server.bootstrap, ...cases], {
    env: { ...process.env, ...env },
    stdio: 'pipe',
  })
  const ended = once(child, 'close')
  // A program that is gone does not need the answer.
  child.stdin.on('error', () => {})
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-STDERR_KEPT)
  })
  const progress = new Progress(cases, report, () => child.kill('SIGKILL'))
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === 'RESTART') {
        await server.restart()
        child.stdin.write('RESTARTED\n')
      } else progress.hear(line)
      if (progress.complete) break
    }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    progress.stopWaiting()
  }
  const [code, signal] = await endSoon(ended, child)
  if (!progress.complete) {
    const how = progress.hung ? `no result within ${CASE_MS_MAX / 1000} s` : `the program ended with ${code ?? signal}`
    progress.take(`${how}; it said: ${said.trim()}`)
  }
  return progress.reached
}

/** The results of a program's run, in the order of its cases, and the wait for the next one. */
class Progress {
  readonly #cases: readonly string[]
  readonly #report: (result: CaseResult) => void
  readonly #end: () => void
  #began = performance.now()
  #deadline: NodeJS.Timeout | undefined
  /** How many cases have a result. */
  reached = 0
  /** The program was ended because there was no result for long. */
  hung = false

  constructor(cases: readonly string[], report: (result: CaseResult) => void, end: () => void) {
    this.#cases = cases
    this.#report = report
    this.#end = end
    this.#wait()
  }

  get complete(): boolean {
    return this.reached === this.#cases.length
  }

  hear(line: string): void {
    const current = this.#cases[this.reached]
    const failed = `FAIL ${current}: `
    const passed = line === `PASS ${current}`
    if (!passed && !line.startsWith(failed)) return
    this.take(passed ? undefined : line.slice(failed.length))
    this.#wait()
  }

  take(failure: string | undefined): void {
    const now = performance.now()
    this.#report({
      name: this.#cases[this.reached++] ?? '',
      failure: failure?.slice(0, FAILURE_LENGTH_MAX),
      milliseconds: now - this.#began,
    })
    this.#began = now
  }

  stopWaiting(): void {
    clearTimeout(this.#deadline)
  }

  #wait(): void {
    clearTimeout(this.#deadline)
    this.#deadline = setTimeout(() => {
      this.hung = true
      this.#end()
    }, CASE_MS_MAX)
  }
}

const END_MS_MAX = 10_000

/** A program that has reported all, and has not ended a few seconds later, is ended. */
async function endSoon(ended: Promise<unknown[]>, child: ChildProcessWithoutNullStreams): Promise<unknown[]> {
  child.stdin.end()
  const deadline = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX)
  try {
    return await ended
  } finally {
    clearTimeout(deadline)
  }
}
