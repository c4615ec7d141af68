/** Command-line clients, run as a user runs them. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export function startCommand(command: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(command, args, { stdio: 'pipe' })
  // A command that ends early does not read its input.
  child.stdin.on('error', () => {})
  return child
}

/** Whatever it ends with. */
export async function tryCommand(command: string, args: readonly string[], input = ''): Promise<CommandResult> {
  const child = startCommand(command, args)
  const ended = once(child, 'close')
  child.stdin.end(input)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await ended
  return { code, stdout, stderr }
}

/** Its output; rejects where it does not end with 0. */
export async function runCommand(command: string, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(command, args, input)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`.slice(0, 1_000))
  return stdout
}

export function linesOf(output: string): string[] {
  return output.split('\n').filter(line => line !== '')
}
