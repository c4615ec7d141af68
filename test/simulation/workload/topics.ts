import type { Topic } from '../../../lib/log/index.ts'
import type { TopicLookup } from '../checker/index.ts'
import type { TopicStep } from '../plan.ts'
import { Client, failureOf, type Scene } from './client.ts'
import { poll } from './readers.ts'
import { APPEND_TIMEOUT_MS, makeBatch, send } from './sends.ts'

/** Looks a topic up by name, and writes down what it was told. */
export async function lookUp(client: Client, name: string): Promise<TopicLookup> {
  const { world, history } = client.scene
  const lookup: TopicLookup = {
    kind: 'lookup',
    name,
    invokedAtMs: world.time,
    invoked: world.tick(),
    completed: Infinity,
    outcome: { kind: 'failed', code: 'NO_ANSWER' },
  }
  history.push(lookup)
  try {
    const topic = await client.call(`find ${name}`, ({ log }) => log.topics.find({ name }))
    lookup.outcome = topic ? { kind: 'found', id: topic.id, partitions: topic.partitions } : { kind: 'none' }
  } catch (error) {
    lookup.outcome = { kind: 'failed', code: failureOf(error).code }
  }
  lookup.completed = world.tick()
  return lookup
}

/** Does one step of the plan, and insists until it is done; answers a topic that is there after it, and was not before or has grown. */
export async function changeTopics(
  scene: Scene,
  step: TopicStep,
  topics: readonly Topic[],
): Promise<Topic | undefined> {
  const client = new Client(scene, `admin@${step.at}`)
  if (step.kind === 'come-and-go') {
    await comeAndGo(scene, client, step)
    return undefined
  }
  if (step.kind === 'use-briefly') return useBriefly(scene, client, step)
  const topic = topics[step.topic]!
  if (step.kind === 'create-again') {
    await client.tryCreate(topic.name, 1)
    await lookUp(client, topic.name)
    return undefined
  }
  for (;;) {
    const grown = await client.tryGrow(topic, step.partitions)
    if (grown.kind === 'done') return grown.topic
    if (grown.kind === 'refused' && grown.code === 'INVALID_PARTITIONS') return undefined
    client.reconnect()
    await client.pause(500)
  }
}

/** A topic is made, written to and read from, each through whatever gateway, and (unless it stays) deleted. */
async function useBriefly(
  scene: Scene,
  client: Client,
  step: TopicStep & { kind: 'use-briefly' },
): Promise<Topic | undefined> {
  const topic = await client.createTopic(step.name, 1)
  for (let number = 0; number < step.batches; number++) {
    const user = new Client(scene, `${step.name}#${number}`)
    await user.pause(step.thinkMs)
    const batch = makeBatch(user, { number, topic, name: `${step.name}:${number}`, recordsMax: 2, valueBytesMax: 200 })
    const identity = { producer: user.name, topic, partition: 0, idempotent: false }
    const { outcome } = await send(user, identity, batch, ({ log }, bytes) =>
      log.append({ topic, partition: 0, batch: bytes, timeoutMs: APPEND_TIMEOUT_MS }),
    )
    if (outcome.kind !== 'acked') continue
    const reader = new Client(scene, `${step.name}@${number}`)
    await reader.pause(step.thinkMs)
    await poll(reader, { topic, partition: 0, offset: outcome.offset, maxBytes: 1, isolation: 'read_uncommitted' })
  }
  if (step.stays) return topic
  await insistOnDeletion(client, step.name)
  return undefined
}

export async function insistOnDeletion(client: Client, name: string): Promise<void> {
  for (;;) {
    const outcome = await client.tryDelete(name)
    if (outcome.kind === 'deleted' || outcome.code === 'UNKNOWN_TOPIC') return
    client.reconnect()
    await client.pause(500)
  }
}

/** Rivals create one name at once; then it is deleted, and made anew. */
async function comeAndGo(scene: Scene, client: Client, step: TopicStep & { kind: 'come-and-go' }): Promise<void> {
  const rivals = Array.from({ length: step.rivals }, (_, i) => new Client(scene, `rival${i}@${step.at}`))
  for (let life = 0; life < 2; life++) {
    await Promise.all(rivals.map(rival => rival.createTopic(step.name, rival.rng.between(1, 2))))
    await lookUp(client, step.name)
    await insistOnDeletion(client, step.name)
  }
}
