import type { Topic } from '../../../lib/log/index.ts'
import type { TopicLookup } from '../checker/index.ts'
import type { TopicStep } from '../plan.ts'
import { Client, failureOf, type Scene } from './client.ts'

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

/** Does one step of the plan, and insists until it is done; a `grow` answers the grown topic. */
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

/** Rivals create one name at once; then it is deleted, and made anew. */
async function comeAndGo(scene: Scene, client: Client, step: TopicStep & { kind: 'come-and-go' }): Promise<void> {
  const rivals = Array.from({ length: step.rivals }, (_, i) => new Client(scene, `rival${i}@${step.at}`))
  for (let life = 0; life < 2; life++) {
    await Promise.all(rivals.map(rival => rival.createTopic(step.name, rival.rng.between(1, 2))))
    await lookUp(client, step.name)
    for (;;) {
      const outcome = await client.tryDelete(step.name)
      if (outcome.kind === 'deleted' || outcome.code === 'UNKNOWN_TOPIC') break
      client.reconnect()
      await client.pause(500)
    }
  }
}
