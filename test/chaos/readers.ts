/** Reads through the gateways by hand, so that each answer is known; and a group of real consumers. */
import { Kafka, logLevel } from 'kafkajs'
import { Fetch } from '../../lib/protocol/index.ts'
import type { Poll } from '../simulation/checker/index.ts'
import { decodeBatch } from '../simulation/workload/batch.ts'
import type { Rng } from '../simulation/world/rng.ts'
import { WireClient } from '../support/wire-client.ts'
import type { Chronicle } from './chronicle.ts'
import { sleep } from './proxy.ts'

const FETCH_VERSION = 11
const ANSWER_MS_MAX = 20_000
const LENGTH_AT = 8
const LENGTH_END = 12
const OFFSET_OUT_OF_RANGE = 1

export interface ReaderOptions {
  readonly name: string
  readonly bootstrap: readonly string[]
  readonly topic: string
  readonly chronicle: Chronicle
  readonly rng: Rng
}

/** A connection at a time to one of the gateways. */
export class ChaosReader {
  readonly #options: ReaderOptions
  #client: WireClient | undefined

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  /** From a random place on, again and again, until `isOver`. */
  async follow(partitions: number, isOver: () => boolean): Promise<void> {
    const { rng } = this.#options
    const offsets = Array.from({ length: partitions }, () => 0)
    while (!isOver()) {
      const partition = rng.below(partitions)
      const { outcome } = await this.poll(partition, offsets[partition]!)
      if (outcome.kind === 'read') offsets[partition] = rng.chance(0.1) ? rng.below(outcome.next + 1) : outcome.next
      if (outcome.kind === 'unknown') await sleep(200)
      await sleep(rng.fraction() * 50)
    }
    this.close()
  }

  /** From the start to the end; false: there was no answer for too long. */
  async drain(partition: number, drain: number, deadline: number): Promise<boolean> {
    for (let offset = 0; ; ) {
      const { outcome } = await this.poll(partition, offset, drain)
      if (outcome.kind === 'read' && outcome.next === offset) return true
      if (outcome.kind === 'read') offset = outcome.next
      else if (performance.now() > deadline) return false
      else await sleep(200)
    }
  }

  async poll(partition: number, offset: number, drain?: number): Promise<Poll> {
    const { name, topic, chronicle } = this.#options
    const poll: Poll = {
      kind: 'poll',
      reader: name,
      partition: `${topic}/${partition}`,
      offset,
      isolation: 'read_uncommitted',
      ...(drain !== undefined && { drain }),
      invoked: chronicle.tick(),
      completed: Infinity,
      outcome: { kind: 'unknown', code: 'NO_ANSWER' },
    }
    chronicle.history.push(poll)
    try {
      poll.outcome = await this.#fetch(partition, offset)
      chronicle.count('read')
    } catch (error) {
      poll.outcome = { kind: 'unknown', code: String(error) }
      chronicle.count('read failed')
      this.close()
    }
    poll.completed = chronicle.tick()
    return poll
  }

  close(): void {
    this.#client?.end()
    this.#client = undefined
  }

  async #fetch(partition: number, fetchOffset: number): Promise<Poll['outcome']> {
    const { topic, bootstrap, rng } = this.#options
    this.#client ??= await withinTime(WireClient.connect(Number(rng.pick(bootstrap).split(':')[1])))
    const body = {
      ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1_000_000, isolationLevel: 0 },
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: rng.pick([1, 1_000_000]) }] }],
    }
    const answer = await withinTime(this.#client.request(Fetch, FETCH_VERSION, body))
    const found = answer.responses[0]?.partitions[0]
    if (found?.errorCode !== 0) {
      const code = found?.errorCode ?? answer.errorCode
      if (code === OFFSET_OUT_OF_RANGE) return { kind: 'refused', code: 'OFFSET_OUT_OF_RANGE' }
      return { kind: 'unknown', code: String(code) }
    }
    const decoded = splitBatches(found.records ?? Buffer.alloc(0)).map(decodeBatch)
    const batches = decoded.map(({ base, last, values, control }) => {
      return { base, last, control, values: values.map(value => value.split('|')[0]!) }
    })
    const { highWatermark: end, lastStableOffset: stable, logStartOffset: start } = found
    return { kind: 'read', batches, next: (decoded.at(-1)?.last ?? fetchOffset - 1) + 1, start, end, stable }
  }
}

function splitBatches(bytes: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(bytes)
  const batches: Uint8Array[] = []
  for (let at = 0; at + LENGTH_END <= buffer.length; ) {
    const end = at + LENGTH_END + buffer.readInt32BE(at + LENGTH_AT)
    batches.push(buffer.subarray(at, end))
    at = end
  }
  return batches
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  const result = await Promise.race([work, sleep(ANSWER_MS_MAX)])
  if (result === undefined) throw new Error('no answer in time')
  return result as T
}

/** What a group of KafkaJS consumers was given. */
export class ChaosGroup {
  readonly values = new Set<string>()
  readonly #close: () => Promise<void>

  private constructor(close: () => Promise<void>) {
    this.#close = close
  }

  static async join(name: string, bootstrap: readonly string[], topic: string, members: number): Promise<ChaosGroup> {
    const retry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1_000 }
    const brokers = [...bootstrap]
    const consumers = Array.from({ length: members }, (_, i) => {
      const clientId = `${name}${i}`
      const kafka = new Kafka({ brokers, clientId, logLevel: logLevel.NOTHING, connectionTimeout: 3_000, retry })
      return kafka.consumer({ groupId: name, sessionTimeout: 6_000, heartbeatInterval: 1_000, maxWaitTimeInMs: 500 })
    })
    const group = new ChaosGroup(async () => {
      await Promise.all(consumers.map(consumer => consumer.disconnect()))
    })
    for (const consumer of consumers) {
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ message }) => void group.values.add(String(message.value).split('|')[0]!),
      })
    }
    return group
  }

  close(): Promise<void> {
    return this.#close()
  }
}
