/**
 * A topic is imported through whatever process, again and again, until it is there or is given up; others look for it meanwhile. Whoever
 * finds it finds all of it, and only under its name.
 */
import { type ImportSource, importRecords } from '../../../lib/assembly/import-records.ts'
import type { Log, Topic } from '../../../lib/log/index.ts'
import { buildBatch, viewBatch, writeOffset } from '../../../lib/records/index.ts'
import type { Send, TopicChange } from '../checker/index.ts'
import type { ImportPlan } from '../import-plan.ts'
import { EPOCH_MS } from '../world/world.ts'
import { Client, CONFIGS, failureOf, type Scene } from './client.ts'

/** Whoever waits for an import waits long. */
const TIMEOUT_MS = 10 * 60_000
const LOOK_MS = 1_000
const READ_BYTES = 100_000
const VALUE_BYTES_MAX = 200

interface ImportedBatch {
  readonly offset: number
  readonly values: readonly string[]
  readonly bytes: Buffer
}

export class ImportWork {
  readonly #scene: Scene
  readonly #plan: ImportPlan
  readonly #batches: readonly (readonly ImportedBatch[])[]
  readonly #invoked: number
  readonly #found = new Map<string, Topic>()
  #isOver = false

  constructor(scene: Scene, plan: ImportPlan) {
    this.#scene = scene
    this.#plan = plan
    this.#invoked = scene.world.tick()
    const client = new Client(scene, plan.name)
    this.#batches = plan.batches.map((count, partition) => makeBatches(client, plan, partition, count))
  }

  /** Until nothing goes wrong any more; the topics that are there then. */
  async run(): Promise<readonly Topic[]> {
    const { at, importers } = this.#plan
    const { world, calmFromMs } = this.#scene
    const calm = world.sleep(calmFromMs - world.time)
    await world.sleep(at)
    const looking = this.#look()
    await Promise.all(Array.from({ length: importers }, (_, i) => this.#import(i)))
    await calm
    this.#isOver = true
    await looking
    await this.#lookOnce(new Client(this.#scene, `${this.#plan.name}-end`))
    return [...this.#found.values()]
  }

  async #import(number: number): Promise<void> {
    const { name, extentBytes, attemptsMax, thinkMs } = this.#plan
    const { world } = this.#scene
    const client = new Client(this.#scene, `${name}-importer-${number}`)
    for (let attempt = 1; ; attempt++) {
      try {
        const target = { name, configs: CONFIGS, extentBytes }
        await client.call('import', ({ log }) => importRecords(log, this.#source, target), TIMEOUT_MS)
        world.count('imported')
      } catch (error) {
        const { code } = failureOf(error)
        world.count(`import told ${code}`)
        if (code !== 'TOPIC_EXISTS') {
          client.reconnect()
          if (attempt === attemptsMax) return
          await client.pause(thinkMs)
          continue
        }
      }
      if (!(await this.#lookOnce(client))) this.#report('it was imported, and is not there')
      return
    }
  }

  get #source(): ImportSource {
    const partitions = this.#batches.map((batches, partition) => {
      const start = this.#plan.starts[partition]!
      return { file: `partition ${partition}`, start, end: endOf(batches) ?? start }
    })
    return {
      mark: 'mark',
      partitions,
      batches: async function* (this: ImportWork, partition: number) {
        for (const { bytes } of this.#batches[partition]!) yield viewBatch(Buffer.from(bytes))
      }.bind(this),
    }
  }

  async #look(): Promise<void> {
    const client = new Client(this.#scene, `${this.#plan.name}-looker`)
    while (!this.#isOver) {
      await client.pause(LOOK_MS)
      await this.#lookOnce(client)
      const topics = await client.insist('list topics', ({ log }) => log.topics.list())
      for (const { name } of topics)
        if (name.startsWith('__importing.')) this.#report(`${name} is found, which is not whole`)
      client.reconnect()
    }
  }

  async #lookOnce(client: Client): Promise<boolean> {
    const { name } = this.#plan
    const topic = await client.insist(`find ${name}`, ({ log }) => log.topics.find({ name }))
    if (topic && !this.#found.has(topic.id)) {
      this.#found.set(topic.id, topic)
      this.#record(topic)
      await this.#compare(client, topic)
    }
    return topic !== undefined
  }

  /** What was imported counts as sent to it. */
  #record(topic: Topic): void {
    const { world, history } = this.#scene
    const { name, id, partitions } = topic
    const span = { invoked: this.#invoked, completed: world.tick() }
    const change: TopicChange = {
      ...{ kind: 'create', name, partitions, completedAtMs: world.time, outcome: { kind: 'done', id } },
      ...span,
    }
    history.push(change)
    for (const [partition, batches] of this.#batches.entries()) {
      const start = this.#plan.starts[partition]!
      history.push({
        ...{ kind: 'delete-records', partition: `${id}/${partition}`, before: start, completedAtMs: world.time },
        ...{ outcome: { kind: 'done', start } as const, ...span },
      })
      for (const [number, { offset, values }] of batches.entries()) {
        const send: Send = {
          kind: 'send',
          ...{ producer: `import of ${name}/${partition}`, connection: 'import', partition: `${id}/${partition}` },
          ...{ batch: number, idempotent: false, values, outcome: { kind: 'acked', offset, duplicate: false } },
          ...span,
        }
        history.push(send)
      }
    }
  }

  /** All of it is there, as it was. */
  async #compare(client: Client, topic: Topic): Promise<void> {
    for (const [partition, batches] of this.#batches.entries()) {
      const start = this.#plan.starts[partition]!
      const wanted = batches.map(({ bytes }) => textOf(bytes))
      const read = await client.insist(`read ${topic.name}/${partition}`, ({ log }) =>
        readAll(log, topic, partition, start),
      )
      if (read.join() !== wanted.join())
        this.#report(
          `${topic.id}/${partition} is found with ${read.length} of ${wanted.length} batches, or with others`,
        )
    }
  }

  #report(what: string): void {
    this.#scene.violations.push({ property: 'half-made', what: `${this.#plan.name}: ${what}` })
  }
}

function makeBatches({ rng }: Client, { name, starts }: ImportPlan, partition: number, count: number): ImportedBatch[] {
  let offset = starts[partition]!
  return Array.from({ length: count }, (_, number) => {
    const values = Array.from({ length: rng.between(1, 3) }, (_, i) => {
      return `${name}/${partition}:${number}.${i}`.padEnd(rng.below(VALUE_BYTES_MAX), '.')
    })
    const timestamp = Math.floor(EPOCH_MS - rng.below(1_000_000))
    const bytes = buildBatch({ records: values.map(value => ({ timestamp, key: null, value: Buffer.from(value) })) })
    writeOffset(bytes, offset)
    const batch = { offset, values, bytes }
    offset += values.length
    return batch
  })
}

function endOf(batches: readonly ImportedBatch[]): number | undefined {
  const last = batches.at(-1)
  return last && last.offset + last.values.length
}

async function readAll(log: Log, topic: Topic, partition: number, start: number): Promise<string[]> {
  const read: string[] = []
  for (let offset = start; ; ) {
    const limits = { maxBytes: READ_BYTES, atLeastOneBatch: true, isolation: 'read_committed' } as const
    const { batches } = await log.read({ topic, partition, offset, ...limits })
    const last = batches.at(-1)
    if (!last) return read
    read.push(...batches.map(textOf))
    const { baseOffset, lastOffsetDelta } = viewBatch(Buffer.from(last))
    offset = baseOffset + lastOffsetDelta + 1
  }
}

/** Its offset, and all that its checksum covers; the leader's epoch is the reader's. */
function textOf(batch: Uint8Array): string {
  const bytes = Buffer.from(batch)
  return bytes.toString('hex', 0, 8) + bytes.toString('hex', 16)
}
