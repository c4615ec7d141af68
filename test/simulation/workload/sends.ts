import type { Appended, Topic } from '../../../lib/log/index.ts'
import type { ProducerIdentity, Send } from '../checker/index.ts'
import type { Service } from '../system.ts'
import { EPOCH_MS } from '../world/world.ts'
import { encodeBatch, type RecordKey } from './batch.ts'
import { drawKeys } from './cleaning.ts'
import { type Client, failureOf } from './client.ts'

export const APPEND_TIMEOUT_MS = 30_000

/** A batch that a producer has made, and may send more than once. */
export interface Batch {
  readonly number: number
  readonly values: readonly string[]
  /** One for each value, where its topic is compacted. */
  readonly keys?: readonly RecordKey[]
  /** Its records' timestamp, in ms since the world began. */
  readonly madeAtMs: number
  readonly bytes: Uint8Array
}

export interface BatchRequest {
  readonly number: number
  readonly topic: Topic
  /** Begins each of its values: no other batch has it. */
  readonly name: string
  readonly recordsMax: number
  readonly valueBytesMax: number
  readonly idempotence?: { readonly producerId: number; readonly producerEpoch: number; readonly sequence: number }
  readonly transactional?: boolean
}

export function makeBatch(client: Client, request: BatchRequest): Batch {
  const { number, topic, name, recordsMax, valueBytesMax, idempotence, transactional = false } = request
  const count = client.rng.between(1, recordsMax)
  const values = Array.from({ length: count }, (_, i) => (recordsMax > 1 ? `${name}/${i}` : name))
  const padding = 'x'.repeat(client.rng.below(valueBytesMax + 1))
  const madeAtMs = client.scene.world.time
  const timestamp = Math.floor(EPOCH_MS + madeAtMs)
  const keys = drawKeys(client, topic, count)
  const padded = values.map(value => `${value}|${padding}`)
  const { producerId = -1, producerEpoch = -1, sequence = -1 } = idempotence ?? {}
  const identity = { producerId, producerEpoch, baseSequence: sequence, transactional }
  const bytes = encodeBatch({ values: padded, timestamp, ...identity, ...(keys && { keys }) })
  return { number, values, ...(keys && { keys }), madeAtMs, bytes }
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
    ...(batch.keys && { keys: batch.keys }),
    madeAtMs: batch.madeAtMs,
    invokedAtMs: world.time,
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
