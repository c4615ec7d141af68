import type { Appended, Topic } from '../../../lib/log/index.ts'
import type { ProducerIdentity, Send } from '../checker/index.ts'
import type { Service } from '../system.ts'
import { EPOCH_MS } from '../world/world.ts'
import { encodeBatch } from './batch.ts'
import { type Client, failureOf } from './client.ts'

export const APPEND_TIMEOUT_MS = 30_000

/** A batch that a producer has made, and may send more than once. */
export interface Batch {
  readonly number: number
  readonly values: readonly string[]
  readonly bytes: Uint8Array
}

export interface BatchRequest {
  readonly number: number
  /** Begins each of its values: no other batch has it. */
  readonly name: string
  readonly recordsMax: number
  readonly valueBytesMax: number
  readonly idempotence?: { readonly producerId: number; readonly producerEpoch: number; readonly sequence: number }
  readonly transactional?: boolean
}

export function makeBatch(client: Client, request: BatchRequest): Batch {
  const { number, name, recordsMax, valueBytesMax, idempotence, transactional = false } = request
  const count = client.rng.between(1, recordsMax)
  const values = Array.from({ length: count }, (_, i) => (recordsMax > 1 ? `${name}/${i}` : name))
  const padding = 'x'.repeat(client.rng.below(valueBytesMax + 1))
  const timestamp = Math.floor(EPOCH_MS + client.scene.world.time)
  const padded = values.map(value => `${value}|${padding}`)
  const { producerId = -1, producerEpoch = -1, sequence = -1 } = idempotence ?? {}
  const identity = { producerId, producerEpoch, baseSequence: sequence, transactional }
  return { number, values, bytes: encodeBatch({ values: padded, timestamp, ...identity }) }
}

export interface SendRequest {
  readonly producer: string
  readonly topic: Topic
  readonly partition: number
  readonly idempotent: boolean
  readonly transaction?: string
  readonly identity?: ProducerIdentity
}

/** Sends a batch once, and writes down what became of it. */
export async function send(
  client: Client,
  { topic, partition, producer, ...rest }: SendRequest,
  batch: Batch,
  append: (service: Service, bytes: Uint8Array) => Promise<Appended>,
): Promise<Send> {
  const { world, history } = client.scene
  const send: Send = {
    kind: 'send',
    producer,
    connection: client.connection.name,
    partition: `${topic.id}/${partition}`,
    batch: batch.number,
    ...rest,
    values: batch.values,
    invoked: world.tick(),
    completed: Infinity,
    outcome: { kind: 'unknown', code: 'NO_ANSWER' },
  }
  history.push(send)
  try {
    const answer = await client.call(`append ${batch.values} to ${topic.name}/${partition}`, service =>
      append(service, Uint8Array.from(batch.bytes)),
    )
    send.outcome = { kind: 'acked', offset: answer.baseOffset, duplicate: answer.duplicate }
    if (answer.duplicate) world.count('duplicate answered')
    world.count('acked')
    world.note(client.name, `told that ${batch.values} is at ${answer.baseOffset}`)
  } catch (error) {
    const failure = failureOf(error)
    send.outcome = failure
    world.count(`append ${failure.kind} ${failure.code}`)
    world.note(client.name, `told that ${batch.values} failed: ${failure.code}`)
  }
  send.completed = world.tick()
  return send
}
