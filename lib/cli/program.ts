import { readFile } from 'node:fs/promises'
import { Command, CommanderError } from 'commander'
import { explainFailure, UsageError } from './failure.ts'
import { tuneGarbageCollection } from './garbage-collection.ts'

/**
 * The command line. Each command is a file in commands/, loaded only when it is asked for, so that `start` does not
 * wait for a Kafka client. Exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage.
 */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => {
    // Before the server is loaded: what has grown by then stays.
    tuneGarbageCollection()
    return (await import('./commands/start.ts')).startCommand()
  },
  topics: async () => (await import('./commands/topics.ts')).topicsCommand(),
  produce: async () => (await import('./commands/produce.ts')).produceCommand(),
  tail: async () => (await import('./commands/tail.ts')).tailCommand(),
  keys: async () => (await import('./commands/keys.ts')).keysCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  upkeep: async () => (await import('./commands/upkeep.ts')).upkeepCommand(),
  query: async () => (await import('./commands/query.ts')).queryCommand(),
  export: async () => (await import('./commands/export.ts')).exportCommand(),
  import: async () => (await import('./commands/import.ts')).importCommand(),
  groups: async () => (await import('./commands/groups.ts')).groupsCommand(),
}

async function loadProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('varve').description('Kafka without a cluster').version(await readVersion())
  const wanted = commands[args[0] ?? '']
  for (const load of wanted ? [wanted] : Object.values(commands)) program.addCommand(await load())
  throwFailures(program)
  return program
}

/** From the package that this file lies in, as source or as bundle. */
async function readVersion(): Promise<string> {
  for (const path of ['../package.json', '../../package.json']) {
    const text = await readFile(new URL(path, import.meta.url), 'utf8').catch(() => undefined)
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version
  }
  return 'unknown'
}

/** Commander ends the process by itself unless each command is told not to. */
function throwFailures(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) throwFailures(child)
}

async function main(args: readonly string[]): Promise<number> {
  const program = await loadProgram(args)
  let ran: Command | undefined
  program.hook('preAction', (_program, command) => {
    ran = command
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    process.stderr.write(`${explainFailure(error, ran?.opts<{ bootstrap?: string }>().bootstrap ?? '')}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

// A reader that closes the pipe (`| head`) has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exitCode = await main(process.argv.slice(2))
