import { type Admin, type ConfigDescription, ConfigResourceTypes } from '@platformatic/kafka'
import { Command } from 'commander'
import {
  type ClusterOptions,
  clusterCommand,
  describeTopic,
  describeTopics,
  namedValue,
  wholeNumber,
  withAdmin,
} from '../cluster.ts'
import { failureHas } from '../failure.ts'
import { print, printJson, printTable } from '../output.ts'
import { forkPoint, forkPointHelp, listRanges } from '../position.ts'

export function topicsCommand(): Command {
  return new Command('topics')
    .description('make, fork, list, describe and delete topics')
    .addCommand(
      clusterCommand('create', 'make topics')
        .argument('<name...>')
        .option('-p, --partitions <number>', "number of partitions (default: the server's)", wholeNumber(1))
        .option('--replicas <number>', "copies of each partition (default: the server's)", wholeNumber(1))
        .option('-c, --config <name=value>', 'a topic config; may be given several times', namedValue)
        .option('--if-not-exists', 'accept topics that exist already')
        .action(createTopics),
    )
    .addCommand(
      clusterCommand('fork', 'make a topic that shares what another has stored, and lives on alone')
        .argument('<source>')
        .argument('<name>')
        .option('--at <point>', `where the two part: ${forkPointHelp}`, 'latest')
        .option(
          '-c, --config <name=value>',
          "a topic config, in the place of the source's; may be given several times",
          namedValue,
        )
        .action(forkTopic),
    )
    .addCommand(
      clusterCommand('list', 'list all topics').option('--internal', "the server's own topics too").action(listTopics),
    )
    .addCommand(
      clusterCommand('describe', "show a topic's partitions, offsets and configs").argument('<name>').action(showTopic),
    )
    .addCommand(clusterCommand('delete', 'delete topics and their records').argument('<name...>').action(deleteTopics))
}

interface CreateOptions extends ClusterOptions {
  readonly partitions?: number
  readonly replicas?: number
  readonly config?: ReadonlyMap<string, string>
  readonly ifNotExists?: boolean
}

async function createTopics(names: string[], options: CreateOptions): Promise<void> {
  await withAdmin(options, async admin => {
    const created: { name: string; created: boolean }[] = []
    for (const name of names) created.push({ name, created: await createTopic(admin, name, options) })
    if (options.json) return printJson(created)
    await print(created.map(topic => `${topic.created ? 'created' : 'exists already:'} ${topic.name}\n`).join(''))
  })
}

async function createTopic(admin: Admin, name: string, options: CreateOptions): Promise<boolean> {
  const { partitions, replicas, config = new Map(), ifNotExists } = options
  try {
    await admin.createTopics({
      topics: [name],
      ...(partitions !== undefined && { partitions }),
      ...(replicas !== undefined && { replicas }),
      configs: [...config].map(([configName, value]) => ({ name: configName, value })),
    })
    return true
  } catch (error) {
    if (ifNotExists && failureHas(error, 'apiId', 'TOPIC_ALREADY_EXISTS')) return false
    throw error
  }
}

interface ForkOptions extends ClusterOptions {
  readonly at: string
  readonly config?: ReadonlyMap<string, string>
}

async function forkTopic(source: string, name: string, options: ForkOptions): Promise<void> {
  const { at, config = new Map() } = options
  const fork = new Map([...config, ['varve.fork.from', source], ['varve.fork.at', forkPoint(at)]])
  await withAdmin(options, async admin => {
    await describeTopic(admin, source)
    await createTopic(admin, name, { ...options, config: fork })
    const { id, leaders } = await describeTopic(admin, name)
    const partitions = await listRanges(admin, name, [...leaders.keys()])
    if (options.json) return printJson({ name, id, source, partitions })
    await print(`forked ${source} into ${name}\n\n`)
    await printTable(
      ['PARTITION', 'START', 'END'],
      partitions.map(({ partition, start, end }) => [partition, start, end]),
    )
  })
}

async function listTopics(options: ClusterOptions & { readonly internal?: boolean }): Promise<void> {
  await withAdmin(options, async admin => {
    const names = await admin.listTopics({ includeInternals: options.internal ?? false })
    const metadata = await admin.metadata({ topics: names })
    const topics = names.map(name => {
      const topic = metadata.topics.get(name)
      return { name, partitions: topic?.partitionsCount, id: topic?.id }
    })
    if (options.json) return printJson(topics)
    await printTable(
      ['TOPIC', 'PARTITIONS', 'ID'],
      topics.map(topic => [topic.name, topic.partitions, topic.id]),
    )
  })
}

async function showTopic(name: string, options: ClusterOptions): Promise<void> {
  await withAdmin(options, async admin => {
    const topic = await describeTopic(admin, name)
    const [ranges, resources] = await Promise.all([
      listRanges(admin, name, [...topic.leaders.keys()]),
      admin.describeConfigs({
        resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: name, configurationKeys: null }],
      }),
    ])
    const partitions = ranges.map(range => ({ ...range, leader: topic.leaders[range.partition] }))
    const configs = setConfigs(resources)
    if (options.json) return printJson({ name, id: topic.id, configs, partitions })
    const records = ranges.reduce((sum, range) => sum + range.end - range.start, 0n)
    const set = Object.entries(configs).map(([key, value]) => `${key}=${value}`)
    await print(
      `topic    ${name}\nid       ${topic.id}\noffsets  ${records} kept\nconfigs  ${set.join(' ') || '(defaults)'}\n\n`,
    )
    await printTable(
      ['PARTITION', 'LEADER', 'START', 'END'],
      partitions.map(({ partition, leader, start, end }) => [partition, leader, start, end]),
    )
  })
}

/** Those that were set for the topic itself. */
function setConfigs(resources: readonly ConfigDescription[]): Record<string, string | null> {
  const topicConfig = 1
  const set = resources.flatMap(resource => resource.configs).filter(config => config.configSource === topicConfig)
  return Object.fromEntries(set.map(config => [config.name, config.value ?? null]))
}

async function deleteTopics(names: string[], options: ClusterOptions): Promise<void> {
  await withAdmin(options, async admin => {
    await describeTopics(admin, names)
    await admin.deleteTopics({ topics: names })
    if (options.json) return printJson(names.map(name => ({ name, deleted: true })))
    await print(names.map(name => `deleted ${name}\n`).join(''))
  })
}
