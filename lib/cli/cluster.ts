import { Admin, type BaseOptions } from '@platformatic/kafka'
import { Command, Option } from 'commander'
import { CommandError, missingTopic, UsageError } from './failure.ts'
import { Progress } from './progress.ts'

/** What every command that talks to a Kafka server shares: its options, and the connection. */

export interface ClusterOptions {
  readonly bootstrap: string
  readonly json?: boolean
  readonly progress?: boolean
}

export const defaultBootstrap = '127.0.0.1:9092'

/** A command with --bootstrap, --json and --progress. */
export function clusterCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('-b, --bootstrap <host:port>', 'any server of the cluster; several with commas')
        .env('VARVE_BOOTSTRAP')
        .default(defaultBootstrap),
    )
    .option('--json', 'print JSON for machines')
    .option('--progress', 'show progress on stderr even where it is no terminal')
    .option('--no-progress', 'never show progress')
    .showHelpAfterError('Run it with --help for its usage.')
}

export function connectOptions(bootstrap: string): BaseOptions {
  const servers = bootstrap.split(',').map(server => server.trim())
  for (const server of servers) {
    const port = Number(/^(?:\[[^\]]+\]|[^:[\]]+):(\d{1,5})$/.exec(server)?.[1])
    if (!(port >= 1 && port <= 65_535)) {
      throw new UsageError(
        `--bootstrap is ${JSON.stringify(bootstrap)}: it must be HOST:PORT, for example ${defaultBootstrap}.`,
      )
    }
  }
  return {
    clientId: 'varve-cli',
    bootstrapBrokers: servers,
    connectTimeout: 5_000,
    requestTimeout: 30_000,
    timeout: 30_000,
    retries: 3,
    retryDelay: 250,
  }
}

/** Runs `work` with a connection that is closed after it, whatever happens. */
export async function withAdmin<T>(options: ClusterOptions, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin(connectOptions(options.bootstrap))
  const progress = new Progress(() => `waiting for ${options.bootstrap}`, options.progress)
  try {
    return await work(admin)
  } finally {
    progress.end()
    await admin.close()
  }
}

export interface TopicDescription {
  readonly name: string
  /** UUID with dashes. */
  readonly id: string
  /** The leader's node id, by partition. */
  readonly leaders: readonly number[]
}

/** Sorted by name. @throws CommandError where one does not exist */
export async function describeTopics(admin: Admin, names: readonly string[]): Promise<TopicDescription[]> {
  if (names.length === 0) return []
  const known = new Set(await admin.listTopics({ includeInternals: true }))
  for (const name of names) if (!known.has(name)) throw missingTopic(name)
  const metadata = await admin.metadata({ topics: [...names], forceUpdate: true })
  return [...names].sort().map(name => {
    const topic = metadata.topics.get(name)
    if (!topic) throw new CommandError(`Topic ${name} is one of the server's own, and not for this command.`)
    return { name, id: topic.id, leaders: topic.partitions.map(partition => partition.leader) }
  })
}

export async function describeTopic(admin: Admin, name: string): Promise<TopicDescription> {
  return (await describeTopics(admin, [name]))[0]!
}

/** For commander: a whole number from `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new UsageError(`${JSON.stringify(text)} is not a whole number from ${least}.`)
    }
    return value
  }
}

/** For commander: an option that is given several times, NAME=VALUE each. */
export function namedValue(text: string, earlier: ReadonlyMap<string, string> | undefined): Map<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`${JSON.stringify(text)} must be NAME=VALUE.`)
  return new Map([...(earlier ?? []), [text.slice(0, at), text.slice(at + 1)]])
}
