import type { Admin, Group } from '@platformatic/kafka'
import { Command, Option } from 'commander'
import { type ClusterOptions, clusterCommand, describeTopic, withAdmin } from '../cluster.ts'
import { CommandError, UsageError } from '../failure.ts'
import { print, printJson, printTable } from '../output.ts'
import { choosePartitions, findOffsets, listRanges, type Position, parsePosition, positionHelp } from '../position.ts'

export function groupsCommand(): Command {
  return new Command('groups')
    .description('list, describe and reset consumer groups')
    .addCommand(clusterCommand('list', 'list all groups').action(listGroups))
    .addCommand(
      clusterCommand('describe', "show a group's members, committed offsets and lag")
        .argument('<group>')
        .action(showGroup),
    )
    .addCommand(
      clusterCommand('reset', "set a group's committed offsets; refused while the group has members")
        .argument('<group>')
        .addOption(
          new Option('--to <position>', positionHelp).argParser(text => parsePosition(text)).makeOptionMandatory(),
        )
        .option('-t, --topic <name>', 'only this topic (default: every topic that the group committed)')
        .option('-p, --partition <numbers>', 'only these partitions of --topic, with commas between them')
        .option('--dry-run', 'show what would be set, and set nothing')
        .action(resetGroup),
    )
}

async function listGroups(options: ClusterOptions): Promise<void> {
  await withAdmin(options, async admin => {
    const groups = [...(await admin.listGroups()).values()]
      .map(({ id, state, groupType, protocolType }) => ({
        group: id,
        state,
        type: groupType ?? 'classic',
        protocol: protocolType,
      }))
      .sort((a, b) => (a.group < b.group ? -1 : 1))
    if (options.json) return printJson(groups)
    await printTable(['GROUP', 'STATE', 'TYPE', 'PROTOCOL'], groups.map(Object.values))
  })
}

interface Commit {
  readonly topic: string
  readonly partition: number
  readonly committed: bigint
  readonly metadata: string | null
}

async function showGroup(name: string, options: ClusterOptions): Promise<void> {
  await withAdmin(options, async admin => {
    const [group, commits] = await Promise.all([describeGroup(admin, name), listCommits(admin, name)])
    if (group.state === 'Dead' && commits.length === 0) throw missingGroup(name)
    const members = [...group.members.values()].map(member => ({
      member: member.id,
      client: member.clientId,
      host: member.clientHost,
      instance: member.groupInstanceId,
      partitions: [...(member.assignments?.values() ?? [])].map(({ topic, partitions }) => ({ topic, partitions })),
    }))
    const owners = new Map(
      members.flatMap(member =>
        member.partitions.flatMap(({ topic, partitions }) =>
          partitions.map(partition => [`${topic}/${partition}`, member.client]),
        ),
      ),
    )
    const ends = await findEnds(admin, commits)
    const offsets = commits.map(commit => {
      const end = ends.get(`${commit.topic}/${commit.partition}`) ?? commit.committed
      return { ...commit, end, lag: end > commit.committed ? end - commit.committed : 0n }
    })
    if (options.json) return printJson({ group: name, state: group.state, protocol: group.protocol, members, offsets })
    const lag = offsets.reduce((sum, offset) => sum + offset.lag, 0n)
    await print(`group    ${name}\nstate    ${group.state}\nmembers  ${members.length}\nlag      ${lag}\n\n`)
    await printTable(
      ['TOPIC', 'PARTITION', 'COMMITTED', 'END', 'LAG', 'CLIENT'],
      offsets.map(({ topic, partition, committed, end, lag }) => [
        topic,
        partition,
        committed,
        end,
        lag,
        owners.get(`${topic}/${partition}`),
      ]),
    )
  })
}

async function describeGroup(admin: Admin, name: string): Promise<Group> {
  const group = (await admin.describeGroups({ groups: [name] })).get(name)
  if (!group) throw missingGroup(name)
  return group
}

function missingGroup(name: string): CommandError {
  return new CommandError(`Group ${name} does not exist: see \`varve groups list\`.`)
}

/** Sorted by topic and partition. */
async function listCommits(admin: Admin, name: string): Promise<Commit[]> {
  const groups = await admin.listConsumerGroupOffsets({ groups: [name] })
  return groups
    .flatMap(group => group.topics)
    .flatMap(topic =>
      topic.partitions.map(({ partitionIndex, committedOffset, metadata }) => ({
        topic: topic.name,
        partition: partitionIndex,
        committed: committedOffset,
        metadata: metadata ?? null,
      })),
    )
    .filter(commit => commit.committed >= 0n)
    .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

/** The next offset to be given, by `topic/partition`; nothing for topics that are gone. */
async function findEnds(admin: Admin, commits: readonly Commit[]): Promise<Map<string, bigint>> {
  const known = new Set(await admin.listTopics({ includeInternals: true }))
  const ends = new Map<string, bigint>()
  for (const [topic, ofTopic] of Map.groupBy(commits, commit => commit.topic)) {
    if (!known.has(topic)) continue
    for (const range of await listRanges(
      admin,
      topic,
      ofTopic.map(commit => commit.partition),
    )) {
      ends.set(`${topic}/${range.partition}`, range.end)
    }
  }
  return ends
}

interface ResetOptions extends ClusterOptions {
  readonly to: Position
  readonly topic?: string
  readonly partition?: string
  readonly dryRun?: boolean
}

interface Reset {
  readonly topic: string
  readonly partition: number
  readonly from: bigint | null
  readonly to: bigint
}

async function resetGroup(name: string, options: ResetOptions): Promise<void> {
  if (options.partition !== undefined && options.topic === undefined) {
    throw new UsageError('--partition needs --topic: say which topic the partitions are of.')
  }
  await withAdmin(options, async admin => {
    await refuseActive(admin, name)
    const resets = await planReset(admin, name, options)
    if (!options.dryRun) await commitReset(admin, name, resets)
    if (options.json) return printJson({ group: name, dryRun: options.dryRun ?? false, offsets: resets })
    await printTable(
      ['TOPIC', 'PARTITION', 'WAS', options.dryRun ? 'WOULD BE' : 'IS'],
      resets.map(({ topic, partition, from, to }) => [topic, partition, from, to]),
    )
  })
}

/** A running consumer would not see its offsets change, and would commit over them. */
async function refuseActive(admin: Admin, name: string): Promise<void> {
  const group = (await admin.listGroups()).get(name)
  if (group === undefined || group.state === 'Empty' || group.state === 'Dead') return
  throw new CommandError(`Group ${name} has active members (state ${group.state}): stop its consumers, then try again.`)
}

async function planReset(admin: Admin, name: string, options: ResetOptions): Promise<Reset[]> {
  const commits = await listCommits(admin, name)
  const topics = options.topic === undefined ? new Set(commits.map(commit => commit.topic)) : [options.topic]
  const resets: Reset[] = []
  for (const topic of topics) {
    const { leaders } = await describeTopic(admin, topic)
    const ranges = await listRanges(admin, topic, choosePartitions(options.partition, leaders.length))
    for (const [partition, to] of await findOffsets(admin, topic, ranges, options.to)) {
      const commit = commits.find(({ topic: of, partition: at }) => of === topic && at === partition)
      resets.push({ topic, partition, from: commit?.committed ?? null, to })
    }
  }
  if (resets.length === 0) {
    throw new CommandError(`Group ${name} has committed nothing: name the topic to set with --topic.`)
  }
  return resets
}

async function commitReset(admin: Admin, name: string, resets: readonly Reset[]): Promise<void> {
  await admin.alterConsumerGroupOffsets({
    groupId: name,
    topics: [...Map.groupBy(resets, reset => reset.topic)].map(([topic, ofTopic]) => ({
      name: topic,
      partitionOffsets: ofTopic.map(({ partition, to }) => ({ partition, offset: to })),
    })),
  })
}
