import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { apacheKafkaClassPath } from '../support/apache-kafka.ts'
import type { Measurement } from './measurement.ts'

/** Kafka's own performance tools, as processes of their own. */
const run = promisify(execFile)
const tools = 'org.apache.kafka.tools'
const outputBytesMax = 16 * 1024 * 1024

export interface ProduceRun {
  readonly bootstrap: string
  readonly topic: string
  readonly records: number
  readonly recordBytes: number
  /** Producer configs, `linger.ms=100`; none: the client's defaults. */
  readonly properties: readonly string[]
  /** Present: the records go into transactions of this length, by a transactional id that the tool draws. */
  readonly transactionMs?: number
}

export async function runProducerPerformance(options: ProduceRun): Promise<Measurement> {
  const { bootstrap, topic, records, recordBytes, properties, transactionMs } = options
  const output = await runTool('ProducerPerformance', [
    ...['--bootstrap-server', bootstrap, '--topic', topic, '--throughput', '-1'],
    ...['--num-records', String(records), '--record-size', String(recordBytes)],
    ...(properties.length > 0 ? ['--command-property', ...properties] : []),
    ...(transactionMs === undefined ? [] : ['--transaction-duration-ms', String(transactionMs)]),
  ])
  const summary = output.trimEnd().split('\n').at(-1) ?? ''
  const numbers =
    /^(\d+) records sent, ([\d.]+) records\/sec \(([\d.]+) MB\/sec\).* (\d+) ms 50th, (\d+) ms 95th, (\d+) ms 99th/.exec(
      summary,
    )
  const [sent, recordsPerSecond, megabytesPerSecond, p50, p95, p99] = (numbers ?? []).slice(1).map(Number)
  if (sent !== records) throw new Error(`ProducerPerformance did not send ${records} records:\n${output}`)
  return {
    recordsPerSecond: recordsPerSecond!,
    megabytesPerSecond: megabytesPerSecond!,
    p50: p50!,
    p95: p95!,
    p99: p99!,
  }
}

/** The time in which its group forms does not count. */
export async function runConsumerPerformance(options: {
  bootstrap: string
  topic: string
  records: number
}): Promise<Measurement> {
  const { bootstrap, topic, records } = options
  const output = await runTool('ConsumerPerformance', [
    ...['--bootstrap-server', bootstrap, '--topic', topic, '--num-records', String(records), '--hide-header'],
  ])
  const row = output.trimEnd().split('\n').at(-1)?.split(', ') ?? []
  const [read, megabytesPerSecond, recordsPerSecond] = [row[4], row[8], row[9]].map(Number)
  if (!(read! >= records)) throw new Error(`ConsumerPerformance did not read ${records} records:\n${output}`)
  return { recordsPerSecond: recordsPerSecond!, megabytesPerSecond: megabytesPerSecond! }
}

async function runTool(name: string, args: readonly string[]): Promise<string> {
  const classPath = await apacheKafkaClassPath()
  const jvm = ['-Xmx512m', '-cp', classPath]
  const { stdout } = await run('java', [...jvm, `${tools}.${name}`, ...args], { maxBuffer: outputBytesMax })
  return stdout
}
