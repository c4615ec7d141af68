/** Real idempotent producers that write down what they were told. */
import { Producer, stringSerializers } from '@platformatic/kafka'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import type { Send } from '../simulation/checker/index.ts'
import type { Rng } from '../simulation/world/rng.ts'
import type { Chronicle } from './chronicle.ts'
import { sleep } from './proxy.ts'

export interface ProducerOptions {
  readonly name: string
  readonly bootstrap: readonly string[]
  readonly topic: string
  readonly partitions: number
  readonly chronicle: Chronicle
  readonly rng: Rng
}

/** Offset of the first record. */
type SendValues = (partition: number, values: readonly string[]) => Promise<number>

const PAUSE_MS_MAX = 200
const VALUE_BYTES_MAX = 12_000

/** What no producer that sends in order may be told. */
const falseRefusal = /OUT_OF_ORDER|INVALID_PRODUCER_EPOCH|UNKNOWN_PRODUCER|DUPLICATE_SEQUENCE|INVALID_TXN|FENCED/

/** Sends until told to stop, and then until all is acknowledged. */
export class ChaosProducer {
  readonly #options: ProducerOptions
  readonly #send: SendValues
  readonly #close: () => Promise<void>
  #stopped = false
  #batches = 0

  private constructor(options: ProducerOptions, client: { send: SendValues; close(): Promise<void> }) {
    this.#options = options
    this.#send = client.send
    this.#close = client.close
  }

  static async kafkaJs(options: ProducerOptions): Promise<ChaosProducer> {
    const { bootstrap, topic, name } = options
    const retry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1_000 }
    const brokers = [...bootstrap]
    const kafka = new Kafka({ brokers, clientId: name, logLevel: logLevel.NOTHING, connectionTimeout: 3_000, retry })
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      retry,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    await producer.connect()
    const send: SendValues = async (partition, values) => {
      const messages = values.map(value => ({ partition, value }))
      const [answer] = await producer.send({ topic, acks: -1, messages })
      return Number(answer?.baseOffset)
    }
    return new ChaosProducer(options, { send, close: () => producer.disconnect() })
  }

  static async platformatic(options: ProducerOptions): Promise<ChaosProducer> {
    const { bootstrap, topic, name } = options
    const producer = new Producer({
      clientId: name,
      bootstrapBrokers: [...bootstrap],
      idempotent: true,
      retries: 1_000,
      retryDelay: 200,
      connectTimeout: 3_000,
      serializers: stringSerializers,
    })
    const send: SendValues = async (partition, values) => {
      const messages = values.map(value => ({ topic, partition, value }))
      const { offsets = [] } = await producer.send({ messages }).catch(error => {
        // Its causes are told by toString alone.
        throw new Error(String(error), { cause: error })
      })
      return Number(offsets[0]?.offset)
    }
    return new ChaosProducer(options, { send, close: () => producer.close() })
  }

  stop(): void {
    this.#stopped = true
  }

  async run(): Promise<void> {
    const { rng, partitions } = this.#options
    while (!this.#stopped) {
      await this.#sendBatch(rng.below(partitions))
      await sleep(rng.fraction() * PAUSE_MS_MAX)
    }
    await this.#close()
  }

  async #sendBatch(partition: number): Promise<void> {
    const { name, rng, chronicle, topic } = this.#options
    const number = this.#batches++
    const padding = 'x'.repeat(rng.below(rng.pick([1, VALUE_BYTES_MAX])))
    const values = Array.from({ length: rng.between(1, 3) }, (_, i) => `${name}:${number}/${i}`)
    const send: Send = {
      kind: 'send',
      producer: name,
      connection: name,
      partition: `${topic}/${partition}`,
      batch: number,
      idempotent: true,
      values,
      invoked: chronicle.tick(),
      completed: Infinity,
      outcome: { kind: 'unknown', code: 'NO_ANSWER' },
    }
    chronicle.history.push(send)
    try {
      const padded = values.map(value => `${value}|${padding}`)
      send.outcome = { kind: 'acked', offset: await this.#send(partition, padded), duplicate: false }
      chronicle.count('acked')
    } catch (error) {
      const said = String(error)
      chronicle.count('send failed')
      if (falseRefusal.test(said)) chronicle.violated('false-refusal', `${name} at ${values}: ${said}`)
      // What such a client knows of its sequences is not to be trusted any more.
      this.#stopped = true
    }
    send.completed = chronicle.tick()
  }
}
