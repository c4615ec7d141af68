/** Apache Kafka's command-line tools, as its shell scripts start them. The class path comes with the environment. */
import { deepStrictEqual as equal, match, ok } from 'node:assert'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { linesOf, runCommand, startCommand, tryCommand } from '../javascript/command.ts'
import {
  type Case,
  CODECS,
  INTEROP_RECORDS,
  interopTopic,
  range,
  restartServer,
  runCases,
  uniqueName,
  until,
} from '../javascript/harness.ts'

const tools = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  configs: 'kafka.admin.ConfigCommand',
  groups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  allGroups: 'org.apache.kafka.tools.GroupsCommand',
  offsets: 'org.apache.kafka.tools.GetOffsetShell',
  cluster: 'org.apache.kafka.tools.ClusterTool',
  apiVersions: 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  producer: 'org.apache.kafka.tools.ConsoleProducer',
  consumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  verifiableProducer: 'org.apache.kafka.tools.VerifiableProducer',
  verifiableConsumer: 'org.apache.kafka.tools.VerifiableConsumer',
} as const
type Tool = keyof typeof tools

/** Short runs: start fast, stay small. */
const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

function command(bootstrap: string, tool: Tool, args: readonly string[]): string[] {
  return [...jvm, tools[tool], ...args, '--bootstrap-server', bootstrap]
}

function run(bootstrap: string, tool: Tool, args: readonly string[], input = ''): Promise<string> {
  return runCommand('java', command(bootstrap, tool, args), input)
}

/** It must say that it could not, and why. */
async function refused(bootstrap: string, tool: Tool, args: readonly string[], why: RegExp): Promise<void> {
  const { stdout, stderr } = await tryCommand('java', command(bootstrap, tool, args))
  match(stdout + stderr, why)
}

async function createTopic(bootstrap: string, name: string, partitions = 1): Promise<string> {
  const topic = uniqueName(name)
  await run(bootstrap, 'topics', ['--create', '--topic', topic, '--partitions', String(partitions)])
  return topic
}

async function produce(
  bootstrap: string,
  topic: string,
  lines: readonly string[],
  args: readonly string[] = [],
): Promise<void> {
  await run(bootstrap, 'producer', ['--topic', topic, ...args], lines.map(line => `${line}\n`).join(''))
}

async function read(
  bootstrap: string,
  topic: string,
  count: number,
  args: readonly string[] = ['--from-beginning'],
): Promise<string[]> {
  const limits = ['--max-messages', String(count), '--timeout-ms', '30000']
  return linesOf(await run(bootstrap, 'consumer', ['--topic', topic, ...limits, ...args]))
}

async function offsets(bootstrap: string, topic: string, time: string): Promise<string[]> {
  return linesOf(await run(bootstrap, 'offsets', ['--topic', topic, '--time', time]))
}

const texts = (from: number, to: number) => range(from, to).map(String)

/** Lines of JSON of the verifiable tools. */
type Event = { readonly name: string } & Readonly<Record<string, unknown>>
type Consumed = Event & { readonly partitions: readonly { readonly minOffset: number }[] }
const eventsOf = (output: string) => linesOf(output).map(line => JSON.parse(line) as Event)

/** The producer sends 0, 1, 2, … as values. */
async function equalNumbers(bootstrap: string, topic: string, count: number): Promise<void> {
  equal(await read(bootstrap, topic, count), texts(0, count))
  equal(await offsets(bootstrap, topic, '-1'), [`${topic}:0:${count}`])
}

const cases: Readonly<Record<string, Case>> = {
  'topic-lifecycle': async bootstrap => {
    const topic = await createTopic(bootstrap, 'lifecycle', 3)
    ok(linesOf(await run(bootstrap, 'topics', ['--list'])).includes(topic))
    match(await run(bootstrap, 'topics', ['--describe', '--topic', topic]), /PartitionCount: 3\s.*Partition: 2\s/s)
    await run(bootstrap, 'topics', ['--delete', '--topic', topic])
    ok(!linesOf(await run(bootstrap, 'topics', ['--list'])).includes(topic))
  },

  'topic-errors': async bootstrap => {
    const topic = await createTopic(bootstrap, 'errors')
    await refused(bootstrap, 'topics', ['--create', '--topic', topic], /Error while executing topic command : .*exists/)
    await refused(bootstrap, 'topics', ['--delete', '--topic', 'no-such-topic'], /does not exist/)
    await refused(
      bootstrap,
      'topics',
      ['--create', '--topic', 'with-config', '--config', 'no.such.config=1'],
      /no\.such\.config/,
    )
  },

  'create-partitions': async bootstrap => {
    const topic = await createTopic(bootstrap, 'grow')
    await run(bootstrap, 'topics', ['--alter', '--topic', topic, '--partitions', '4'])
    match(await run(bootstrap, 'topics', ['--describe', '--topic', topic]), /PartitionCount: 4/)
    await refused(
      bootstrap,
      'topics',
      ['--alter', '--topic', topic, '--partitions', '2'],
      /Error while executing topic command : .*4 partition/,
    )
  },

  'describe-configs': async bootstrap => {
    const topic = uniqueName('configs')
    await run(bootstrap, 'topics', ['--create', '--topic', topic, '--config', 'retention.ms=3600000'])
    const about = ['--describe', '--entity-type', 'topics', '--entity-name', topic]
    const own = await run(bootstrap, 'configs', about)
    match(own, /retention\.ms=3600000/)
    ok(!own.includes('cleanup.policy'))
    match(await run(bootstrap, 'configs', [...about, '--all']), /cleanup\.policy=delete/)
  },

  cluster: async bootstrap => {
    match(await run(bootstrap, 'cluster', ['cluster-id']), /Cluster ID: \S+/)
    const versions = await run(bootstrap, 'apiVersions', [])
    ok(versions.includes(bootstrap))
    match(versions, /Produce\(0\): .*usable: 13/)
  },

  records: async bootstrap => {
    const topic = await createTopic(bootstrap, 'records')
    const readProperties = ['parse.key=true', 'parse.headers=true', 'null.marker=NULL']
    await produce(
      bootstrap,
      topic,
      ['one:first,größe:ß\tkey\tvalue', 'NULL\tNULL\tno key', 'a:b\tno value\tNULL'],
      [...readProperties.flatMap(property => ['--reader-property', property])],
    )
    const shown = ['print.key=true', 'print.headers=true', 'print.offset=true', 'print.partition=true']
    const got = await read(bootstrap, topic, 3, [
      '--from-beginning',
      ...shown.flatMap(property => ['--formatter-property', property]),
    ])
    equal(got, [
      'Partition:0\tOffset:0\tone:first,größe:ß\tkey\tvalue',
      'Partition:0\tOffset:1\tNO_HEADERS\tnull\tno key',
      'Partition:0\tOffset:2\ta:b\tno value\tnull',
    ])
  },

  throughput: async bootstrap => {
    const topic = await createTopic(bootstrap, 'throughput')
    const args = ['--topic', topic, '--max-messages', '50000', '--throughput', '-1']
    const last = eventsOf(await run(bootstrap, 'verifiableProducer', args)).at(-1)
    equal([last?.sent, last?.acked], [50_000, 50_000])
    await equalNumbers(bootstrap, topic, 50_000)
  },

  crash: async bootstrap => {
    const topic = await createTopic(bootstrap, 'crash')
    const folder = await mkdtemp(join(tmpdir(), 'console-tools-'))
    const config = join(folder, 'producer.properties')
    // As it is, it does not try again, and is not idempotent.
    await writeFile(config, 'retries=2147483647\nenable.idempotence=true\nreconnect.backoff.max.ms=500\n')
    const args = ['--topic', topic, '--throughput', '2000', '--command-config', config]
    const child = startCommand('java', command(bootstrap, 'verifiableProducer', args))
    const ended = once(child, 'close')
    const counts: Record<string, number> = {}
    createInterface({ input: child.stdout }).on('line', line => {
      const { name } = JSON.parse(line) as Event
      counts[name] = (counts[name] ?? 0) + 1
    })
    const acked = () => counts.producer_send_success ?? 0
    await until(
      'two thousand records',
      () => acked() >= 2_000,
      () => counts,
    )
    await restartServer()
    const before = acked()
    await until(
      'two thousand more',
      () => acked() >= before + 2_000,
      () => counts,
    )
    child.kill('SIGTERM')
    await ended
    await rm(folder, { recursive: true })
    equal(counts.producer_send_error, undefined)
    await equalNumbers(bootstrap, topic, acked())
  },

  'read-earliest': async bootstrap => {
    const topic = await createTopic(bootstrap, 'earliest')
    await produce(bootstrap, topic, texts(0, 10))
    equal(await read(bootstrap, topic, 10), texts(0, 10))
  },

  'read-offset': async bootstrap => {
    const topic = await createTopic(bootstrap, 'offset')
    await produce(bootstrap, topic, texts(0, 100))
    equal(await read(bootstrap, topic, 63, ['--partition', '0', '--offset', '37']), texts(37, 100))
  },

  'list-offsets': async bootstrap => {
    const topic = await createTopic(bootstrap, 'list')
    await produce(bootstrap, topic, texts(0, 10))
    equal(await offsets(bootstrap, topic, 'earliest'), [`${topic}:0:0`])
    equal(await offsets(bootstrap, topic, 'latest'), [`${topic}:0:10`])
    equal(await offsets(bootstrap, topic, '0'), [`${topic}:0:0`])
    match((await offsets(bootstrap, topic, 'max-timestamp')).join(), /:0:\d$/)
  },

  'commit-resume': async bootstrap => {
    const topic = await createTopic(bootstrap, 'commit')
    const group = uniqueName('commit')
    await produce(bootstrap, topic, texts(0, 10))
    /** Answers the first offset consumed. */
    const consume = async (count: number) => {
      const args = [
        '--topic',
        topic,
        '--group-id',
        group,
        '--max-messages',
        String(count),
        '--reset-policy',
        'earliest',
      ]
      const events = eventsOf(await run(bootstrap, 'verifiableConsumer', args))
      const consumed = events.find(({ name }) => name === 'records_consumed') as Consumed | undefined
      return consumed?.partitions[0]?.minOffset
    }
    equal(await consume(4), 0)
    const described = await run(bootstrap, 'groups', ['--describe', '--group', group])
    match(described, new RegExp(`${topic}\\s+0\\s+4\\s+10\\s+6`))
    equal(await consume(6), 4)
  },

  groups: async bootstrap => {
    const topic = await createTopic(bootstrap, 'groups', 2)
    const group = uniqueName('groups')
    const args = ['--topic', topic, '--group-id', group, '--reset-policy', 'earliest']
    const member = startCommand('java', command(bootstrap, 'verifiableConsumer', args))
    const ended = once(member, 'close')
    let assigned = false
    createInterface({ input: member.stdout }).on('line', line => {
      assigned ||= line.includes('partitions_assigned')
    })
    await until(
      'a member',
      () => assigned,
      () => assigned,
    )
    const listed = await run(bootstrap, 'groups', ['--list', '--state'])
    match(listed, new RegExp(`${group}\\s+Stable`))
    match(await run(bootstrap, 'allGroups', ['--list']), new RegExp(`${group}\\s+Classic\\s+consumer`))
    match(
      await run(bootstrap, 'groups', ['--describe', '--group', group, '--members', '--verbose']),
      /\d+\s+range\S*\s|0,1/,
    )
    await refused(bootstrap, 'groups', ['--delete', '--group', group], /GroupNotEmptyException|not empty/)
    member.kill('SIGTERM')
    await ended
    const reset = ['--reset-offsets', '--group', group, '--topic', topic, '--to-earliest', '--execute']
    match(await run(bootstrap, 'groups', reset), new RegExp(`${group}\\s+${topic}\\s+\\d\\s+0`))
    match(await run(bootstrap, 'groups', ['--delete', '--group', group]), /was successful/)
    ok(!linesOf(await run(bootstrap, 'groups', ['--list'])).includes(group))
  },

  'interop-write': async (bootstrap, writer) => {
    const lines = INTEROP_RECORDS.map(({ key, value }) => `writer:${writer}\t${key ?? 'NULL'}\t${value ?? 'NULL'}`)
    for (const codec of CODECS) {
      const topic = interopTopic(writer, codec)
      await run(bootstrap, 'topics', ['--create', '--topic', topic, '--partitions', '1'])
      const properties = ['parse.key=true', 'parse.headers=true', 'null.marker=NULL']
      const args = ['--compression-codec', codec, ...properties.flatMap(property => ['--reader-property', property])]
      await produce(bootstrap, topic, lines, args)
    }
  },

  /** All codecs at once: starting a tool takes seconds. */
  'interop-read': async (bootstrap, writer) => {
    const shown = ['print.key=true', 'print.headers=true', 'null.literal=NULL']
    const limits = ['--max-messages', String(CODECS.length * INTEROP_RECORDS.length), '--timeout-ms', '30000']
    const format = shown.flatMap(property => ['--formatter-property', property])
    const topics = interopTopic(writer, '(none|gzip|snappy|lz4|zstd)')
    const got = await run(bootstrap, 'consumer', ['--include', topics, '--from-beginning', ...limits, ...format])
    const lines = INTEROP_RECORDS.map(({ key, value }) => `writer:${writer}\t${key ?? 'NULL'}\t${value ?? 'NULL'}`)
    equal(linesOf(got).sort(), CODECS.flatMap(() => lines).sort())
  },
}

await runCases(cases)
