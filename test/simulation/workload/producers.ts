import type { Topic } from '../../../lib/log/index.ts'
import type { Send } from '../checker/index.ts'
import type { ProducerPlan } from '../plan.ts'
import { Client } from './client.ts'
import { askEnd, poll } from './readers.ts'
import { APPEND_TIMEOUT_MS, type Batch, makeBatch, send } from './sends.ts'

/** How often an idempotent producer looks at once, through whatever gateway, for what it was just told is there. */
const LOOK_CHANCE = 0.2

/** Sends batches without sequence numbers; one whose fate is unknown is sent again under another name, or left. */
export async function producePlainly(client: Client, plan: ProducerPlan, topic: Topic): Promise<void> {
  const flying = new Set<Promise<void>>()
  let attempts = 0
  for (let n = 0; n < plan.batches; n++) {
    await client.pause(plan.thinkMs)
    while (flying.size >= plan.inFlight) await Promise.race(flying)
    const deliver = async () => {
      for (let retry = 0; retry <= plan.retries; retry++) {
        const number = attempts++
        const batch = makeBatch(client, { ...sizesOf(plan), topic, number, name: `${plan.name}:${n}.${retry}` })
        const send = await append(client, plan, topic, batch)
        if (send.outcome.kind === 'acked') return lookSometimes(client, plan, topic, send.outcome.offset)
        client.reconnect()
        await client.pause(300)
      }
    }
    const flight = deliver().finally(() => flying.delete(flight))
    flying.add(flight)
  }
  await Promise.all(flying)
}

/**
 * Sends as Kafka's idempotent producers do: several batches in flight in the order of their sequence numbers; after an
 * error, all that are unacknowledged again, in order, until each is acknowledged.
 */
export async function produceIdempotently(client: Client, plan: ProducerPlan, topic: Topic): Promise<void> {
  const producerId = await client.insist('a producer id', ({ log }) => log.producerIds.next())
  let sequence = 0
  const waiting = Array.from({ length: plan.batches }, (_, n) => {
    const idempotence = { producerId, producerEpoch: 0, sequence }
    const batch = makeBatch(client, { ...sizesOf(plan), topic, number: n, name: `${plan.name}:${n}`, idempotence })
    sequence += batch.values.length
    return batch
  })
  while (waiting.length > 0) {
    await client.pause(plan.thinkMs)
    const burst = waiting.slice(0, client.rng.between(1, plan.inFlight))
    const sends = await Promise.all(burst.map(batch => append(client, plan, topic, batch)))
    const refused = sends[0]?.outcome
    if (refused?.kind === 'refused' && /SEQUENCE|EPOCH/.test(refused.code)) {
      const what = `${plan.name}: ${burst[0]!.values} came in order and was refused (${refused.code})`
      client.scene.violations.push({ property: 'false-refusal', what })
      return
    }
    for (const [i, { outcome }] of sends.entries()) {
      if (outcome.kind !== 'acked') continue
      waiting.splice(waiting.indexOf(burst[i]!), 1)
      await lookSometimes(client, plan, topic, outcome.offset)
    }
    if (sends.every(send => send.outcome.kind === 'acked')) continue
    if (client.rng.chance(0.7)) client.reconnect()
    await client.pause(300)
  }
}

function sizesOf({ recordsMax, valueBytesMax }: ProducerPlan) {
  return { recordsMax, valueBytesMax }
}

function append(client: Client, plan: ProducerPlan, topic: Topic, batch: Batch): Promise<Send> {
  const { name: producer, partition, idempotent } = plan
  return send(client, { producer, topic, partition, idempotent }, batch, ({ log }, bytes) =>
    log.append({ topic, partition, batch: bytes, timeoutMs: APPEND_TIMEOUT_MS }),
  )
}

/** What was acknowledged must be visible at once to everyone. */
async function lookSometimes(client: Client, plan: ProducerPlan, topic: Topic, offset: number): Promise<void> {
  if (!client.rng.chance(LOOK_CHANCE)) return
  const { partition } = plan
  const looker = new Client(client.scene, `${client.name}@${offset}`)
  if (client.rng.chance(0.3)) await askEnd(looker, topic, partition)
  else await poll(looker, { topic, partition, offset, maxBytes: 1, isolation: 'read_uncommitted' })
}
