/** Forks of topics: each is made through whatever gateway, insisted on, used, and stays or is deleted, as its source is. */
import type { ForkPoint, Topic } from '../../../lib/log/index.ts'
import type { Fork } from '../checker/index.ts'
import { configsOf } from '../compacted-plan.ts'
import type { ForkPlan, OneFork } from '../fork-plan.ts'
import type { Work } from '../world/network.ts'
import { noteCleaning } from './cleaning.ts'
import { Client, type Scene } from './client.ts'
import { deleteSome } from './deletions.ts'
import { poll } from './readers.ts'
import { APPEND_TIMEOUT_MS, makeBatch, send } from './sends.ts'
import { insistOnDeletion } from './topics.ts'

/** A name that is taken by a fork that nobody makes any more is freed by upkeep, or else by its deletion. */
const ATTEMPTS_BEFORE_DELETION = 20
const RETRY_MS = 2_000

/** The topics that are there after it. */
export async function forkTopics(scene: Scene, plan: ForkPlan, topics: readonly Topic[]): Promise<Topic[]> {
  const client = new Client(scene, plan.name)
  await scene.world.sleep(plan.at)
  const writer = await Writer.open(scene, client, plan)
  const source =
    typeof plan.source === 'number' ? topics[plan.source]! : await ownSource(client, writer, plan, plan.source)
  const isOwn = typeof plan.source !== 'number'
  const left = new Map<string, Topic>(isOwn ? [[source.name, source]] : [])
  let parent = source
  for (const [number, one] of plan.forks.entries()) {
    await client.pause(plan.thinkMs)
    const from = one.child ? parent : source
    if (!topics.includes(from) && !left.has(from.name)) break
    const name = `${plan.name}.${number}`
    const ends = one.endsSource !== 'no' && isOwn
    const ending =
      ends && one.endsSource === 'meanwhile'
        ? client.pause(20).then(() => insistOnDeletion(new Client(scene, `${name}-end`), source.name))
        : Promise.resolve()
    const fork = await insistOnFork(scene, client, { name, from, one })
    await ending
    if (ends && one.endsSource === 'after') await insistOnDeletion(client, source.name)
    if (ends) left.delete(source.name)
    if (!fork) continue
    parent = fork
    left.set(name, fork)
    await use(scene, writer, fork, one, plan.thinkMs)
    if (isOwn && left.has(source.name)) await writer.write(source, one.batches, plan.thinkMs)
    if (one.fate === 'stays') continue
    await insistOnDeletion(client, name)
    left.delete(name)
  }
  return [...left.values()]
}

async function ownSource(
  client: Client,
  writer: Writer,
  { name, thinkMs }: ForkPlan,
  { batches, partitions }: { readonly batches: number; readonly partitions: number },
): Promise<Topic> {
  const { compacted } = client.scene
  const configs = compacted?.forkSources ? configsOf(compacted) : {}
  const source = await client.createTopic(`${name}-source`, partitions, configs)
  noteCleaning(client.scene, source)
  await writer.write(source, batches, thinkMs / 4)
  return source
}

async function use(scene: Scene, writer: Writer, fork: Topic, one: OneFork, thinkMs: number): Promise<void> {
  await writer.write(fork, one.batches, thinkMs)
  if (one.deletes) await deleteSome(scene, { at: scene.world.time, partition: 0, part: 0.5, topic: 0 }, fork)
  const reader = new Client(scene, `${fork.name}-reader`)
  for (let partition = 0; partition < fork.partitions; partition++) {
    await poll(reader, { topic: fork, partition, offset: 0, maxBytes: 1_000, isolation: 'read_uncommitted' })
  }
}

/** Writes batches one after the other; with an identity, each until it is acknowledged. */
class Writer {
  readonly #scene: Scene
  readonly #name: string
  readonly #producerId: number | undefined
  readonly #sequences = new Map<string, number>()
  #batches = 0

  private constructor(scene: Scene, name: string, producerId: number | undefined) {
    this.#scene = scene
    this.#name = name
    this.#producerId = producerId
  }

  static async open(scene: Scene, client: Client, { name, idempotent }: ForkPlan): Promise<Writer> {
    const work: Work<number> = ({ log }) => log.producerIds.next()
    return new Writer(scene, name, idempotent ? await client.insist('a producer id', work) : undefined)
  }

  async write(topic: Topic, batches: number, thinkMs: number): Promise<void> {
    for (let i = 0; i < batches; i++) await this.#writeOne(topic, i % topic.partitions, thinkMs)
  }

  async #writeOne(topic: Topic, partition: number, thinkMs: number): Promise<void> {
    const number = this.#batches++
    const client = new Client(this.#scene, `${this.#name}#${number}`)
    await client.pause(thinkMs)
    const place = `${topic.id}/${partition}`
    const producerId = this.#producerId
    const sequence = this.#sequences.get(place) ?? 0
    const batch = makeBatch(client, {
      ...{ topic, number, name: `${this.#name}:${number}`, recordsMax: 3, valueBytesMax: 300 },
      ...(producerId !== undefined && { idempotence: { producerId, producerEpoch: 0, sequence } }),
    })
    const producer = `${this.#name} to ${place}`
    for (;;) {
      const idempotent = producerId !== undefined
      const { outcome } = await send(client, { producer, topic, partition, idempotent }, batch, ({ log }, bytes) =>
        log.append({ topic, partition, batch: bytes, timeoutMs: APPEND_TIMEOUT_MS }),
      )
      if (outcome.kind === 'acked') {
        this.#sequences.set(place, sequence + batch.values.length)
        return
      }
      if (outcome.kind === 'refused' && /SEQUENCE|EPOCH/.test(outcome.code))
        return this.#report(`${batch.values} came in order and was refused (${outcome.code})`)
      if (!idempotent || outcome.code === 'UNKNOWN_TOPIC') return
      client.reconnect()
      await client.pause(300)
    }
  }

  #report(what: string): void {
    this.#scene.violations.push({ property: 'false-refusal', what: `${this.#name}: ${what}` })
  }
}

interface WantedFork {
  readonly name: string
  readonly from: Topic
  readonly one: OneFork
}

/** undefined: its source is gone. */
async function insistOnFork(scene: Scene, client: Client, { name, from, one }: WantedFork): Promise<Topic | undefined> {
  const { world, history } = scene
  const at = await pointOf(client, from, one)
  if (!at) return undefined
  const cuts = at.at === 'offsets' ? [...at.offsets.values()] : undefined
  const fork: Fork = {
    kind: 'fork',
    name,
    source: from.id,
    ...(cuts && { cuts }),
    partitions: from.partitions,
    invoked: world.tick(),
    completed: Infinity,
    outcome: { kind: 'unknown', code: 'NO_ANSWER' },
  }
  history.push(fork)
  for (let attempt = 1; ; attempt++) {
    const outcome = await client.tryFork({ name, from: from.name, at }, from.partitions)
    let made = outcome.kind === 'done' ? outcome.topic : undefined
    if (outcome.kind === 'refused' && outcome.code === 'TOPIC_EXISTS') {
      made = await client.insist(`find ${name}`, ({ log }) => log.topics.find({ name }))
      if (!made && attempt % ATTEMPTS_BEFORE_DELETION === 0) await client.tryDelete(name)
    }
    if (made) {
      fork.outcome = { kind: 'done', id: made.id }
      fork.completed = world.tick()
      world.count('forked')
      world.note(client.name, `forked ${from.name} into ${name} at ${cuts ?? 'latest'}`)
      return made
    }
    if (outcome.kind === 'refused' && (outcome.code === 'UNKNOWN_TOPIC' || outcome.code === 'OFFSET_OUT_OF_RANGE')) {
      // Its own deletion, which freed the name, may have met a fork that was under way.
      const isThere = await client.insist(`find ${from.name}`, ({ log }) => log.topics.find({ name: from.name }))
      if (!isThere || outcome.code === 'OFFSET_OUT_OF_RANGE') {
        fork.outcome = outcome
        fork.completed = world.tick()
        world.count(`fork refused ${outcome.code}`)
        return undefined
      }
    }
    world.count(`fork ${outcome.kind}`)
    client.reconnect()
    await client.pause(RETRY_MS)
  }
}

async function pointOf(client: Client, from: Topic, { cut }: OneFork): Promise<ForkPoint | undefined> {
  if (cut === 'latest') return { at: 'latest' }
  const offsets = new Map<number, number>()
  for (let partition = 0; partition < from.partitions; partition++) {
    const ask = async (at: 'earliest' | 'latest') => {
      const spec = at === 'latest' ? ({ at, isolation: 'read_uncommitted' } as const) : ({ at } as const)
      return client.insist(`${at} of ${from.name}/${partition}`, async ({ log }) => {
        const isThere = await log.topics.find({ id: from.id })
        return isThere ? (await log.findOffset(from, partition, spec)).offset : undefined
      })
    }
    const [start, end] = [await ask('earliest'), await ask('latest')]
    if (start === undefined || end === undefined) return undefined
    offsets.set(partition, start + Math.floor((end - start) * cut))
  }
  return { at: 'offsets', offsets }
}
