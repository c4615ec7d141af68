/**
 * A client's program, as a process: `PROGRAM --list` prints the names of its cases, `PROGRAM BOOTSTRAP CASE…` runs them in turn and
 * prints `PASS case` or `FAIL case: why` for each. When it prints `RESTART`, the server gets kill -9 and starts again, and the
 * program is told `RESTARTED` on its standard input. A program that hangs or ends early fails the case it was at, and is
 * started again for the rest.
 */
import { execFile, spawn } from 'node:child_process'
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
  let reached = 0
  let began = performance.now()
  let hung = false
  const hang = () => {
    hung = true
    child.kill('SIGKILL')
  }
  let deadline = setTimeout(hang, CASE_MS_MAX)
  const take = (failure: string | undefined) => {
    report({
      name: cases[reached++] ?? '',
      failure: failure?.slice(0, FAILURE_LENGTH_MAX),
      milliseconds: performance.now() - began,
    })
    began = performance.now()
    clearTimeout(deadline)
    deadline = setTimeout(hang, CASE_MS_MAX)
  }
  for await (const line of createInterface({ input: child.stdout })) {
    const current = cases[reached]
    if (line === 'RESTART') {
      await server.restart()
      child.stdin.write('RESTARTED\n')
    } else if (line === `PASS ${current}`) take(undefined)
    else if (line.startsWith(`FAIL ${current}: `)) take(line.slice(`FAIL ${current}: `.length))
    if (reached === cases.length) break
  }
  clearTimeout(deadline)
  if (reached === cases.length) child.stdin.end()
  const [code, signal] = await endWithin(ended, child)
  if (reached < cases.length) {
    const how = hung ? `no result within ${CASE_MS_MAX / 1000} s` : `the program ended with ${code ?? signal}`
    take(`${how}; it said: ${said.trim()}`)
    clearTimeout(deadline)
  }
  return reached
}

/** A program that has reported all, and has not ended a few seconds later, is ended. */
async function endWithin(ended: Promise<unknown[]>, child: { kill(signal: 'SIGKILL'): boolean }): Promise<unknown[]> {
  const deadline = setTimeout(() => child.kill('SIGKILL'), 10_000)
  try {
    return await ended
  } finally {
    clearTimeout(deadline)
  }
}
