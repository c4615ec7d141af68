/**
 * An event source that delivers until it is told that each of its records is stored, as Lambda's event sources do: what failed, or had no
 * answer in time, comes again, to any process, perhaps while the first delivery is still at work.
 */
import type { Delivery, SourceRecord } from '../../../lib/ingest/index.ts'
import type { Topic } from '../../../lib/log/index.ts'
import type { Ingested, Ingestion } from '../checker/index.ts'
import type { IngestPlan } from '../ingest-plan.ts'
import { EPOCH_MS } from '../world/world.ts'
import { decodeBatch } from './batch.ts'
import { Client, failureOf, type Scene } from './client.ts'

/** A function that has not answered is ended so long after its time. */
const GRACE_MS = 1_000
const READ_BYTES = 100_000

export class IngestWork {
  readonly #scene: Scene
  readonly #plan: IngestPlan
  readonly #topic: Topic
  readonly #records: readonly SourceRecord[]
  readonly #waiting: Set<number>
  #deliveries = 0

  constructor(scene: Scene, plan: IngestPlan, topic: Topic) {
    this.#scene = scene
    this.#plan = plan
    this.#topic = topic
    this.#records = Array.from({ length: plan.records }, (_, number) => recordOf(plan, number))
    this.#waiting = new Set(this.#records.keys())
  }

  async run(): Promise<void> {
    const { kind, atOnce } = this.#plan
    const pollers = Array.from({ length: kind === 'queue' ? atOnce : 1 }, (_, number) =>
      this.#poll(new Client(this.#scene, `${this.#plan.name}/${number}`)),
    )
    await Promise.all(pollers)
  }

  /** What has come of it, read by one client when all is done. */
  async readAll(): Promise<void> {
    const client = new Client(this.#scene, `${this.#plan.name}/reader`)
    for (let partition = 0; partition < this.#topic.partitions; partition++) await this.#read(client, partition)
  }

  async #poll(client: Client): Promise<void> {
    while (this.#waiting.size > 0) {
      const numbers = this.#plan.kind === 'stream' ? this.#next() : this.#some(client)
      const failed = await this.#deliver(client, numbers)
      const end = this.#plan.kind === 'stream' ? Math.min(numbers.length, ...failed) : numbers.length
      for (const [index, number] of numbers.slice(0, end).entries())
        if (!failed.has(index)) this.#waiting.delete(number)
      await client.pause(this.#plan.thinkMs)
    }
  }

  /** From the first that is not done. */
  #next(): number[] {
    return [...this.#waiting].slice(0, this.#plan.batchMax)
  }

  #some(client: Client): number[] {
    const { rng } = client
    const chosen = [...this.#waiting].filter(() => rng.chance(0.7))
    const again = [...this.#records.keys()].filter(() => rng.chance(this.#plan.againChance / this.#plan.records))
    const numbers = [...new Set([...chosen.slice(0, this.#plan.batchMax), ...again])]
    return numbers.length > 0 ? numbers : [[...this.#waiting][0]!]
  }

  /** The places in the delivery of those that failed; all, where there was no answer. */
  async #deliver(client: Client, numbers: readonly number[]): Promise<Set<number>> {
    const { world, history } = this.#scene
    const { name, kind, timeoutMs, againChance } = this.#plan
    const delivery: Delivery = {
      source: name,
      failures: kind === 'stream' ? 'from-first' : 'each',
      records: numbers.map(number => this.#records[number]!),
    }
    const ingestion: Ingestion = {
      kind: 'ingestion',
      source: name,
      topic: this.#topic.id,
      records: numbers.map(nameOf(this.#plan)),
      stored: [],
      invoked: world.tick(),
      completed: Infinity,
      outcome: 'unknown',
    }
    history.push(ingestion)
    // Streams, too, are delivered twice when whoever was asked does not seem to answer.
    const patienceMs = client.rng.chance(againChance) ? timeoutMs / 4 : timeoutMs + GRACE_MS
    try {
      const failed = await client.call(
        `ingest ${name}: ${++this.#deliveries}`,
        ({ ingest }) => ingest(this.#topic.name).take(delivery, timeoutMs),
        world.time < this.#scene.calmFromMs ? patienceMs : undefined,
      )
      ingestion.outcome = 'answered'
      const isBehind = (index: number) => kind === 'stream' && failed.length > 0 && index > failed[0]!
      ingestion.stored = ingestion.records.filter((_, index) => !failed.includes(index) && !isBehind(index))
      world.count(failed.length > 0 ? 'ingest failed in part' : 'ingested')
      world.note(client.name, `told of ${failed.length} failures`)
      return new Set(failed)
    } catch (error) {
      const { kind, code } = failureOf(error)
      ingestion.outcome = kind
      world.count(`ingest ${code}`)
      client.reconnect()
      return new Set(numbers.keys())
    } finally {
      ingestion.completed = world.tick()
    }
  }

  async #read(client: Client, partition: number): Promise<void> {
    const { world, history } = this.#scene
    const invoked = world.tick()
    const records: Ingested['records'][number][] = []
    for (let offset = 0; ; ) {
      const answer = await client.insist(`read ${this.#topic.name}/${partition} at ${offset}`, ({ log }) =>
        log.read({
          ...{ topic: this.#topic, partition, offset, maxBytes: READ_BYTES },
          ...{ atLeastOneBatch: true, isolation: 'read_committed' },
        }),
      )
      const batches = answer.batches.map(decodeBatch)
      for (const { values, keys } of batches)
        for (const [i, value] of values.entries()) records.push({ record: value, key: keys[i]! })
      offset = (batches.at(-1)?.last ?? offset - 1) + 1
      // Only who asks at the end is surely told the end as it is.
      if (batches.length === 0 && offset >= answer.endOffset) break
    }
    const { kind } = this.#plan
    history.push({
      kind: 'ingested',
      topic: this.#topic.id,
      partition,
      records,
      isOrdered: kind === 'stream',
      invoked,
      completed: world.tick(),
    })
  }
}

function nameOf({ name }: IngestPlan): (number: number) => string {
  return number => `${name}:${number}`
}

function recordOf(plan: IngestPlan, number: number): SourceRecord {
  const id = nameOf(plan)(number)
  return {
    id,
    time: EPOCH_MS + number * plan.spacingMs,
    key: plan.keys > 0 ? Buffer.from(`k${number % plan.keys}`) : null,
    value: Buffer.from(id),
    headers: [],
    receipt: id,
  }
}
