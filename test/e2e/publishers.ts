import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { compatibilityPartitioner, Producer, stringSerializers } from '@platformatic/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import type { Requirement } from '../support/requirement.ts'
import type { FlightRecord } from './flight-records.ts'

/**
 * Other people's clients that publish flights: idempotent, in order, patient enough to live through restarts of the
 * server. All place a key as the Java client does.
 */
export interface Publisher {
  /** Sends them in order; resolves when the server has acknowledged all. */
  publish(records: readonly FlightRecord[], onAck?: (ack: Ack) => void): Promise<void>
  close(): Promise<void>
}

/** The server's word that `records`, those of one send, are in partitions from these offsets on. */
export interface Ack {
  readonly records: readonly FlightRecord[]
  readonly baseOffsets: ReadonlyMap<number, number>
}

export type ClientName = 'KafkaJS' | '@platformatic/kafka' | 'kcat'

const recordsPerSend = 100

export async function createPublisher(client: ClientName, bootstrap: string, topic: string): Promise<Publisher> {
  switch (client) {
    case 'KafkaJS':
      return createKafkaJsPublisher(bootstrap, topic)
    case '@platformatic/kafka':
      return createPlatformaticPublisher(bootstrap, topic)
    case 'kcat':
      return createKcatPublisher(bootstrap, topic)
  }
}

export function clientRequirement(client: ClientName): Requirement {
  const there = client !== 'kcat' || spawnSync('kcat', ['-V']).status === 0
  return { missing: there ? undefined : 'kcat is not installed (Debian: apt-get install kcat)' }
}

async function createKafkaJsPublisher(bootstrap: string, topic: string): Promise<Publisher> {
  const kafka = new Kafka({
    brokers: bootstrap.split(','),
    clientId: 'flights',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 200 },
  })
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  return {
    publish: (records, onAck) =>
      sendInRuns(records, onAck, async run => {
        const messages = run.map(({ key, value }) => ({ key, value }))
        const answers = await producer.send({ topic, acks: -1, messages })
        return new Map(answers.map(answer => [answer.partition, Number(answer.baseOffset)]))
      }),
    close: () => producer.disconnect(),
  }
}

async function createPlatformaticPublisher(bootstrap: string, topic: string): Promise<Publisher> {
  const producer = new Producer({
    clientId: 'flights',
    bootstrapBrokers: bootstrap.split(','),
    idempotent: true,
    retries: 200,
    retryDelay: 200,
    connectTimeout: 2_000,
    partitioner: compatibilityPartitioner,
    serializers: stringSerializers,
  })
  return {
    publish: (records, onAck) =>
      sendInRuns(records, onAck, async run => {
        const messages = run.map(({ key, value }) => ({ topic, key, value }))
        const { offsets = [] } = await producer.send({ messages }).catch(error => {
          // Its causes are told by toString alone.
          throw new Error(String(error), { cause: error })
        })
        return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]))
      }),
    close: () => producer.close(),
  }
}

async function sendInRuns(
  records: readonly FlightRecord[],
  onAck: ((ack: Ack) => void) | undefined,
  send: (run: readonly FlightRecord[]) => Promise<Map<number, number>>,
): Promise<void> {
  for (let from = 0; from < records.length; from += recordsPerSend) {
    const run = records.slice(from, from + recordsPerSend)
    const baseOffsets = await send(run)
    onAck?.({ records: run, baseOffsets })
  }
}

/** librdkafka: it says nothing of single records, but ends with 0 only when all were acknowledged. A process each time. */
function createKcatPublisher(bootstrap: string, topic: string): Publisher {
  const properties = [
    'enable.idempotence=true',
    'partitioner=murmur2_random',
    'linger.ms=5',
    'reconnect.backoff.max.ms=500',
  ]
  const args = [
    '-P',
    '-E',
    '-b',
    bootstrap,
    '-t',
    topic,
    '-K',
    '\t',
    ...properties.flatMap(property => ['-X', property]),
  ]
  return {
    publish: async records => {
      const kcat = spawn('kcat', args)
      const ended = once(kcat, 'close')
      // Its end is told by the exit code.
      kcat.stdin.on('error', () => {})
      kcat.stdin.end(records.map(({ key, value }) => `${key}\t${value}\n`).join(''))
      const [said, [code]] = await Promise.all([text(kcat.stderr), ended])
      if (code !== 0) throw new Error(`kcat ended with ${code}: ${said}`)
    },
    close: async () => {},
  }
}
