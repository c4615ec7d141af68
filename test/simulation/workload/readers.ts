import { Loans } from '../../../lib/base/index.ts'
import type { Isolation, ReadResult, Topic } from '../../../lib/log/index.ts'
import type { EndQuery, Poll, PolledBatch } from '../checker/index.ts'
import type { ReaderPlan } from '../plan.ts'
import type { Work } from '../world/network.ts'
import { type DecodedBatch, DecodeError, decodeBatch } from './batch.ts'
import { CALL_TIMEOUT_MS, type Client, failureOf } from './client.ts'

export interface PollRequest {
  readonly topic: Topic
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
  readonly isolation: Isolation
  /** The number of the reading of all that this is a part of. */
  readonly drain?: number
  /** Nothing is written any more. */
  readonly settled?: boolean
}

/** Reads once, and writes down what it was told. */
export async function poll(client: Client, request: PollRequest): Promise<Poll> {
  const { topic, partition, offset, maxBytes, isolation, drain, settled } = request
  const { world, history, violations } = client.scene
  const result: Poll = {
    kind: 'poll',
    reader: client.name,
    partition: `${topic.id}/${partition}`,
    offset,
    isolation,
    ...(drain !== undefined && { drain }),
    ...(settled && { settled }),
    invokedAtMs: world.time,
    invoked: world.tick(),
    completed: Infinity,
    outcome: { kind: 'unknown', code: 'NO_ANSWER' },
  }
  history.push(result)
  try {
    client.borrowed.giveBack()
    const loans = new Loans()
    const answer = await client.call(`read ${topic.name}/${partition} at ${offset}`, ({ log }) =>
      log.read({ topic, partition, offset, maxBytes, atLeastOneBatch: true, isolation, loans }),
    )
    const all = answer.batches.map(decodeBatch)
    const bases = all.map(({ base }) => base)
    client.borrowed.keep(loans, answer.batches, bases)
    const kept = isolation === 'read_committed' ? withoutAborted(all, answer.abortedTransactions) : all
    const batches = kept.map(polledBatch)
    const { startOffset: start, endOffset: end, lastStableOffset: stable } = answer
    const next = (all.at(-1)?.last ?? offset - 1) + 1
    result.outcome = { kind: 'read', batches, next, start, end, stable }
    world.note(client.name, () => `read ${batches.map(({ base, values }) => `${base}:${values}`)} of ${start}–${end}`)
  } catch (error) {
    if (error instanceof DecodeError) violations.push({ property: 'torn-batch', what: error.message })
    else result.outcome = failureOf(error)
  }
  result.completed = world.tick()
  result.completedAtMs = world.time
  return result
}

function polledBatch({ base, last, control, values, offsets, keys }: DecodedBatch): PolledBatch {
  const isDense = offsets.length === last - base + 1
  const names = values.map(value => value.split('|')[0]!)
  return {
    base,
    last,
    control,
    values: names,
    ...(!isDense && { offsets }),
    ...(keys.some(key => key !== '') && { keys }),
  }
}

/** What a reader of committed records makes of an answer, as Kafka's clients do. */
function withoutAborted(batches: readonly DecodedBatch[], aborted: ReadResult['abortedTransactions']): DecodedBatch[] {
  const begun = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const aborting = new Set<number>()
  return batches.filter(({ last, control, aborts, transactional, producerId }) => {
    while (begun[0] && begun[0].firstOffset <= last) aborting.add(begun.shift()!.producerId)
    if (control && aborts) aborting.delete(producerId)
    return control || !transactional || !aborting.has(producerId)
  })
}

/** Asks for the end of a partition, and writes down what it was told. */
export async function askEnd(client: Client, topic: Topic, partition: number): Promise<EndQuery> {
  const { world, history } = client.scene
  const query: EndQuery = {
    kind: 'end',
    partition: `${topic.id}/${partition}`,
    invoked: world.tick(),
    completed: Infinity,
    outcome: { kind: 'failed', code: 'NO_ANSWER' },
  }
  history.push(query)
  try {
    const spec = { at: 'latest', isolation: 'read_uncommitted' } as const
    const { offset } = await client.call(`end of ${topic.name}/${partition}`, ({ log }) =>
      log.findOffset(topic, partition, spec),
    )
    query.outcome = { kind: 'found', offset }
  } catch (error) {
    query.outcome = { kind: 'failed', code: failureOf(error).code }
  }
  query.completed = world.tick()
  return query
}

/** Where a partition begins now. */
export async function findStart(client: Client, topic: Topic, partition: number): Promise<number> {
  const work: Work<{ offset: number }> = ({ log }) => log.findOffset(topic, partition, { at: 'earliest' })
  return (await client.insist(`start of ${topic.name}/${partition}`, work)).offset
}

/** Follows a partition from its start, sometimes from further back again, until `done`. */
export async function follow(client: Client, plan: ReaderPlan, topic: Topic, done: () => boolean): Promise<void> {
  const { partition, maxBytes, thinkMs } = plan
  let offset = 0
  while (!done()) {
    const isolation = client.rng.chance(0.5) ? 'read_committed' : 'read_uncommitted'
    const { outcome } = await poll(client, { topic, partition, offset, maxBytes, isolation })
    if (outcome.kind === 'refused' && outcome.code === 'OFFSET_OUT_OF_RANGE') {
      offset = await findStart(client, topic, partition)
      continue
    }
    if (outcome.kind !== 'read') {
      client.reconnect()
      await client.pause(1_000)
      continue
    }
    if (outcome.next > offset) offset = outcome.next
    else if (client.rng.chance(0.5)) await waitForRecords(client, topic, partition, offset)
    if (client.rng.chance(0.05)) offset = client.rng.below(offset + 1)
    if (client.rng.chance(0.1)) await askEnd(client, topic, partition)
    if (client.rng.chance(0.1)) client.reconnect()
    await client.pause(thinkMs)
  }
}

async function waitForRecords(client: Client, topic: Topic, partition: number, offset: number): Promise<void> {
  const timeoutMs = client.rng.spread(10, CALL_TIMEOUT_MS / 4)
  try {
    await client.call(`wait for ${topic.name}/${partition} at ${offset}`, ({ log }) =>
      log.waitForRecords([{ topic, partition, offset }], timeoutMs),
    )
  } catch (error) {
    failureOf(error)
    client.reconnect()
  }
}

/** Reads from the start to the end, until it gets there. */
export async function drainPartition(client: Client, request: Omit<PollRequest, 'offset' | 'maxBytes'>): Promise<void> {
  let offset = 0
  for (;;) {
    const { outcome } = await poll(client, { ...request, offset, maxBytes: 100_000 })
    if (outcome.kind === 'refused' && outcome.code === 'OFFSET_OUT_OF_RANGE') {
      offset = await findStart(client, request.topic, request.partition)
      continue
    }
    if (outcome.kind === 'refused') return
    if (outcome.kind === 'read' && outcome.next === offset) return
    if (outcome.kind === 'read') offset = outcome.next
    else await client.pause(200)
  }
}
