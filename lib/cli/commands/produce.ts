import {
  allowedCompressionsAlgorithms,
  type CompressionAlgorithmValue,
  compatibilityPartitioner,
  Producer,
} from '@platformatic/kafka'
import { type Command, Option } from 'commander'
import {
  type ClusterOptions,
  clusterCommand,
  connectOptions,
  describeTopic,
  namedValue,
  wholeNumber,
  withAdmin,
} from '../cluster.ts'
import { UsageError } from '../failure.ts'
import { readLines } from '../line-reader.ts'
import { printJson } from '../output.ts'
import { choosePartitions } from '../position.ts'
import { count, describeFlow, Progress } from '../progress.ts'
import { type InputFormat, inputFormats, type OutgoingRecord, RecordParser } from '../record-parser.ts'

/** What goes in one request; the next is gathered while it is on its way, so memory stays at about twice this. */
const requestBytesMax = 512 * 1024
const requestRecordsMax = 10_000
const recordOverheadBytes = 32

export function produceCommand(): Command {
  return clusterCommand('produce', 'send the lines of standard input as records')
    .argument('<topic>')
    .addOption(
      new Option(
        '--format <format>',
        'lines: each is a value; json: the same, checked; record: what `tail --format json` prints',
      )
        .choices(inputFormats)
        .default('lines'),
    )
    .option('-k, --key <field>', 'key each JSON line by that field of it (a.b goes into objects)')
    .addOption(
      new Option('-K, --key-separator <text>', 'key each line by what stands before that text').conflicts('key'),
    )
    .option('-H, --headers <name=value>', 'a header for every record; may be given several times', namedValue)
    .option('-p, --partition <number>', 'send all to this partition', wholeNumber(0))
    .addOption(
      new Option('-z, --compression <algorithm>', 'how to compress')
        .choices(allowedCompressionsAlgorithms)
        .default('none'),
    )
    .addOption(new Option('--acks <acks>', 'whose word to wait for').choices(['0', '1', 'all']).default('all'))
    .option('--line-bytes <number>', 'longest line that is taken', wholeNumber(1), 1024 * 1024)
    .action(produce)
}

interface ProduceOptions extends ClusterOptions {
  readonly format: InputFormat
  readonly key?: string
  readonly keySeparator?: string
  readonly headers?: ReadonlyMap<string, string>
  readonly partition?: number
  readonly compression: CompressionAlgorithmValue
  readonly acks: '0' | '1' | 'all'
  readonly lineBytes: number
}

async function produce(topic: string, options: ProduceOptions): Promise<void> {
  const { key, keySeparator, headers, partition } = options
  if (options.format === 'record' && (key ?? keySeparator) !== undefined) {
    throw new UsageError('Records of --format record bring their keys: leave --key and --key-separator out.')
  }
  const parser = new RecordParser({
    topic,
    format: key === undefined ? options.format : 'json',
    ...(key !== undefined && { keyField: key }),
    ...(keySeparator !== undefined && { keySeparator }),
    ...(headers && { headers }),
    ...(partition !== undefined && { partition }),
  })
  await withAdmin(options, async admin => {
    const { leaders } = await describeTopic(admin, topic)
    if (partition !== undefined) choosePartitions(String(partition), leaders.length)
  })
  const sender = new Sender(options)
  const progress = new Progress(
    () => `sent ${describeFlow(sender.records, sender.bytes, sender.since)}`,
    options.progress,
  )
  try {
    for await (const lines of readLines(process.stdin, options.lineBytes)) {
      for (const line of lines) await sender.add(parser.parse(line))
      sender.start()
    }
    await sender.finish()
  } finally {
    progress.end()
    await sender.close()
  }
  if (options.json) return printJson({ topic, records: sender.records, bytes: sender.bytes })
  process.stderr.write(`sent ${count(sender.records)} records to ${topic}\n`)
}

/**
 * Sends records in the order added, one request in flight. With acks=all each is there once, however often it had to be
 * sent again.
 */
class Sender {
  records = 0
  bytes = 0
  readonly since = performance.now()
  readonly #producer: Producer<Buffer, Buffer | null, Buffer, Buffer>
  readonly #acks: number
  #gathered: OutgoingRecord[] = []
  #gatheredBytes = 0
  #flight: Promise<void> | undefined

  constructor({ bootstrap, acks, compression }: ProduceOptions) {
    this.#acks = acks === 'all' ? -1 : Number(acks)
    this.#producer = new Producer({
      ...connectOptions(bootstrap),
      // Enough to live through a server's restart.
      retries: 60,
      retryDelay: 500,
      idempotent: acks === 'all',
      compression,
      // Java's choice, so that one key lies in one partition whoever sends it.
      partitioner: compatibilityPartitioner,
      handleBackPressure: true,
    })
  }

  /** Waits while enough is gathered for the next request. */
  async add(record: OutgoingRecord): Promise<void> {
    this.#gathered.push(record)
    this.#gatheredBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0) + recordOverheadBytes
    if (this.#gatheredBytes < requestBytesMax && this.#gathered.length < requestRecordsMax) return
    await this.#flight
    this.start()
  }

  /** Sends what is gathered, unless a request is on its way. */
  start(): void {
    if (this.#flight || this.#gathered.length === 0) return
    const messages = this.#gathered
    const bytes = this.#gatheredBytes
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#flight = this.#send(messages, bytes)
    // Whoever awaits the flight sees its failure; nobody may be waiting yet.
    this.#flight.catch(() => {})
  }

  async finish(): Promise<void> {
    await this.#flight
    this.start()
    await this.#flight
  }

  close(): Promise<void> {
    return this.#producer.close()
  }

  async #send(messages: OutgoingRecord[], bytes: number): Promise<void> {
    await this.#producer.send({ messages, acks: this.#acks })
    this.records += messages.length
    this.bytes += bytes - messages.length * recordOverheadBytes
    this.#flight = undefined
  }
}
