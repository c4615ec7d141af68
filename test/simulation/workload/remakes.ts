/** A topic that is deleted and made again, more than once, under a producer that does not care. */
import type { Topic } from '../../../lib/log/index.ts'
import type { TopicStep } from '../plan.ts'
import { Client, type Scene } from './client.ts'
import { APPEND_TIMEOUT_MS, type Batch, makeBatch, send } from './sends.ts'
import { insistOnDeletion } from './topics.ts'

export type RemakeStep = TopicStep & { readonly kind: 'remake' }

/**
 * One gateway may hold against him what he has sent through another since, as long as it remembers that it failed: longer than he has
 * to ask if he asks everywhere.
 */
const REFUSALS_MAX = 200

/** Answers the topic of the last life. */
export async function remake(scene: Scene, client: Client, step: RemakeStep): Promise<Topic> {
  let topic = await client.createTopic(step.name, 1)
  const produced = produceOnAndOn(new Client(scene, `${step.name}>`), step)
  for (let life = 1; life < step.lives; life++) {
    await client.pause(step.lifeMs)
    await insistOnDeletion(client, step.name)
    await client.pause(step.thinkMs)
    topic = await client.createTopic(step.name, 1)
  }
  await produced
  return topic
}

/** As an idempotent producer does: it numbers its batches without regard to the topic's lives, and sends what failed again, in order. */
async function produceOnAndOn(client: Client, { name, batches, inFlight, thinkMs }: RemakeStep): Promise<void> {
  const { world, violations, clocksRight } = client.scene
  const producerId = await client.insist('a producer id', ({ log }) => log.producerIds.next())
  const find = () => client.insist(`find ${name}`, ({ log }) => log.topics.find({ name }))
  const waiting: Batch[] = []
  let sequence = 0
  let refusals = 0
  for (let number = 0; number < batches || waiting.length > 0; ) {
    const topic = await find()
    if (!topic) {
      await client.pause(300)
      continue
    }
    for (; number < batches && waiting.length < inFlight; number++) {
      const idempotence = { producerId, producerEpoch: 0, sequence }
      waiting.push(
        makeBatch(client, { number, topic, name: `${name}:${number}`, recordsMax: 2, valueBytesMax: 200, idempotence }),
      )
      sequence += waiting.at(-1)!.values.length
    }
    await client.pause(thinkMs)
    const identity = { producer: client.name, topic, partition: 0, idempotent: true }
    const sends = await Promise.all(
      waiting.map(batch =>
        send(client, identity, batch, ({ log }, bytes) =>
          log.append({ topic, partition: 0, batch: bytes, timeoutMs: APPEND_TIMEOUT_MS }),
        ),
      ),
    )
    const first = sends[0]!.outcome
    const isRefused = first.kind === 'refused' && /SEQUENCE|EPOCH/.test(first.code)
    refusals = isRefused ? refusals + 1 : 0
    if (isRefused) world.count('remade: refused')
    if (isRefused && refusals > REFUSALS_MAX) {
      const what = `${client.name}: ${waiting[0]!.values} came in order and was refused (${first.code})`
      if (clocksRight) violations.push({ property: 'false-refusal', what })
      return
    }
    if (topic.replaces && first.kind === 'acked' && waiting[0]!.number > 0) world.count('remade: went on')
    const left = waiting.filter((_, i) => sends[i]!.outcome.kind !== 'acked')
    if (left.length > 0) {
      client.reconnect()
      await client.pause(300)
    }
    waiting.splice(0, waiting.length, ...left)
  }
}
