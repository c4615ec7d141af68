import { Admin } from '@platformatic/kafka'
import { type Command, Option } from 'commander'
import { type ClusterOptions, clusterCommand, connectOptions, describeTopic, wholeNumber } from '../cluster.ts'
import { print } from '../output.ts'
import { choosePartitions, findOffsets, listRanges, type Position, parsePosition, positionHelp } from '../position.ts'
import { describeFlow, Progress } from '../progress.ts'
import { formatRecords, type RecordFormat, recordFormats } from '../record-format.ts'
import { TopicReader } from '../topic-reader.ts'

export function tailCommand(): Command {
  return clusterCommand('tail', 'print the records of a topic; disturbs no group and commits nothing')
    .argument('<topic>')
    .addOption(
      new Option('-f, --from <position>', `${positionHelp}; default: -10, with --follow latest`).argParser(text =>
        parsePosition(text),
      ),
    )
    .option('-p, --partition <numbers>', 'only these partitions, with commas between them')
    .option('-F, --follow', 'go on with records as they arrive, until you stop it')
    .option('-n, --max <number>', 'stop after that many records', wholeNumber(1))
    .addOption(
      new Option('--format <format>', 'text; json: an object a line, loses nothing; raw: the values, a line each')
        .choices(recordFormats)
        .default('text'),
    )
    .action(tail)
}

interface TailOptions extends ClusterOptions {
  readonly from?: Position
  readonly partition?: string
  readonly follow?: boolean
  readonly max?: number
  readonly format: RecordFormat
}

async function tail(name: string, options: TailOptions): Promise<void> {
  const format = options.json ? 'json' : options.format
  const flow = { records: 0, bytes: 0, since: performance.now() }
  const progress = new Progress(
    () => `read ${describeFlow(flow.records, flow.bytes, flow.since)}`,
    progressWanted(options),
  )
  const admin = new Admin(connectOptions(options.bootstrap))
  const reader = await openReader(admin, name, options)
  try {
    for await (const records of reader.read()) {
      const wanted = options.max === undefined ? records : records.slice(0, options.max - flow.records)
      if (wanted.length === 0) continue
      const bytes = formatRecords(wanted, format, name)
      await print(bytes)
      flow.records += wanted.length
      flow.bytes += bytes.length
      if (flow.records === options.max) return
    }
  } finally {
    progress.end()
    await Promise.all([reader.close(), admin.close()])
  }
}

/** Records on a terminal show by themselves that something happens. */
function progressWanted(options: TailOptions): boolean | undefined {
  return options.progress ?? (process.stdout.isTTY ? false : undefined)
}

async function openReader(admin: Admin, name: string, options: TailOptions): Promise<TopicReader> {
  try {
    const topic = await describeTopic(admin, name)
    const partitions = choosePartitions(options.partition, topic.leaders.length)
    const ranges = await listRanges(admin, name, partitions)
    const position = options.from ?? (options.follow ? { at: 'latest' } : { at: 'before-end', records: 10n })
    return new TopicReader({
      bootstrap: options.bootstrap,
      topic,
      from: await findOffsets(admin, name, ranges, position),
      until: options.follow ? undefined : new Map(ranges.map(range => [range.partition, range.end])),
      refresh: async () => ({
        topic: await describeTopic(admin, name),
        ranges: await listRanges(admin, name, partitions),
      }),
      warn: sentence => process.stderr.write(`${sentence}\n`),
    })
  } catch (error) {
    await admin.close()
    throw error
  }
}
