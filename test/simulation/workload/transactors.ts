/**
 * A transactional producer that does as Kafka's clients do: it asks who it is, sends the batches of a transaction until
 * each is acknowledged, ends it, and asks for the same end until that is answered. One that stood still goes on as if
 * nothing had happened; one that is told that it is fenced is at its end, or begins anew.
 */
import { GroupError } from '../../../lib/groups/index.ts'
import type { Topic } from '../../../lib/log/index.ts'
import type { Identification, OffsetCommit, ProducerIdentity, Send, Transaction } from '../checker/index.ts'
import type { TransactorPlan } from '../transaction-plan.ts'
import type { Work } from '../world/network.ts'
import { Client, failureOf, type Scene } from './client.ts'
import { fetchOffsets, TOPIC_ID } from './offsets.ts'
import { Pauses } from './pauses.ts'
import { APPEND_TIMEOUT_MS, type Batch, makeBatch, send } from './sends.ts'

/** The group whose offsets are committed in transactions; each transactional id has a partition of its own. */
export const OFFSETS_GROUP = 'transacted'

/** After these there is no sense in asking again. */
const fatalCodes = new Set([
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
])

/** Codes that tell a producer to ask again. */
const passingCodes = new Set(['COORDINATOR_NOT_AVAILABLE', 'CONCURRENT_TRANSACTIONS', 'OVERLOADED', 'CLOSED'])

/** The producer has lost its right to go on. */
class FencedError extends Error {}

type Identity = Omit<ProducerIdentity, 'transactionalId'>
type Request = ProducerIdentity & Pick<TransactorPlan, 'protocol'>

export class Transactor {
  readonly #plan: TransactorPlan
  readonly #topic: Topic
  readonly #scene: Scene
  readonly #coordinator: Client
  /** One for each partition, as each has its own leader. */
  readonly #leaders = new Map<number, Client>()
  readonly #sequences = new Map<number, number>()
  #identity: Identity | undefined
  readonly #pauses: Pauses
  #batches = 0
  /** A request had no answer, and may still be carried out. */
  #mayEndLater = false
  /** The transaction that was given up. */
  #given = ''
  /** Requests whose answers nobody waits for. */
  readonly #left: Promise<unknown>[] = []

  constructor(scene: Scene, plan: TransactorPlan, topic: Topic) {
    this.#scene = scene
    this.#plan = plan
    this.#topic = topic
    this.#coordinator = new Client(scene, plan.name)
    this.#pauses = new Pauses(scene.world, plan.name, plan.pauses, 'transactor pause')
  }

  async live(): Promise<void> {
    const { world } = this.#scene
    const { startAt, transactions } = this.#plan
    await world.sleep(startAt)
    for (let n = 0; n < transactions && !this.#isDead; n++) {
      try {
        if (!this.#identity) await this.#init()
        await this.#pauses.sleep(this.#plan.thinkMs * 2 * this.#coordinator.rng.fraction())
        await this.#transact(`${this.#plan.name}:${n}`)
      } catch (error) {
        if (!(error instanceof FencedError)) throw error
        world.count('transactor fenced')
        if (this.#coordinator.rng.chance(0.5)) break
        this.#identity = undefined
      }
    }
    await Promise.all(this.#left)
  }

  get #isDead(): boolean {
    return this.#plan.dieAt !== undefined && this.#scene.world.time >= this.#plan.dieAt
  }

  // ---------------------------------------------------------------- who it is

  /** `expected`: it goes on after an abort that left batches unanswered (KIP-360). */
  async #init(expected?: Identity): Promise<void> {
    const { transactionalId, timeoutMs } = this.#plan
    const invoked = this.#scene.world.tick()
    const answer = await this.#insist('init', ({ transactions }) =>
      transactions.initProducer({ transactionalId, timeoutMs, expected }),
    )
    this.#become(answer, invoked)
  }

  #become(identity: Identity, invoked: number): void {
    const { world, history } = this.#scene
    const { transactionalId } = this.#plan
    const isSame =
      identity.producerId === this.#identity?.producerId && identity.producerEpoch === this.#identity.producerEpoch
    if (!isSame) this.#sequences.clear()
    this.#identity = identity
    const told: Identification = { kind: 'identity', transactionalId, ...identity, invoked, completed: world.tick() }
    history.push(told)
  }

  get #request(): Request {
    const { transactionalId, protocol } = this.#plan
    return { transactionalId, protocol, ...this.#identity! }
  }

  // ---------------------------------------------------------------- a transaction

  async #transact(id: string): Promise<void> {
    const { world, history } = this.#scene
    const { rng } = this.#coordinator
    const { abortChance, offsetsChance, partitions } = this.#plan
    const transaction: Transaction = {
      kind: 'transaction',
      id,
      ended: Infinity,
      outcome: 'open',
      invoked: world.tick(),
      completed: Infinity,
    }
    history.push(transaction)
    const aborts = rng.chance(abortChance)
    const chosen = partitions.filter(() => rng.chance(0.7))
    const fill = allOf(chosen.map(partition => this.#fill(id, partition)))
    const request = this.#request
    const stage = async () => (rng.chance(offsetsChance) ? this.#stage(id, request) : undefined)
    if (aborts && rng.chance(0.5)) return this.#abortAtOnce(transaction, fill.then(stage))
    await fill
    if (this.#isDead) return
    const commit = await stage()
    await this.#pauses.sleep(0)
    const isEmpty = chosen.length === 0 && !commit
    await this.#end(transaction, isEmpty || aborts ? 'abort' : 'commit', commit)
    // An end of protocol 1 that nobody waits for may still come, and end what begins now: Kafka's own hole.
    if (this.#plan.protocol === 1 && this.#mayEndLater) await this.#init(this.#identity)
    if (commit) await this.#look()
  }

  /** Whatever is still on its way must not count, however late it comes. */
  async #abortAtOnce(transaction: Transaction, work: Promise<unknown>): Promise<void> {
    const { rng, scene } = this.#coordinator
    const left = work.then(
      () => {},
      error => {
        if (!(error instanceof FencedError)) throw error
      },
    )
    this.#left.push(left)
    await Promise.race([left, scene.world.sleep(rng.spread(0.5, 3_000))])
    this.#given = transaction.id
    await this.#end(transaction, 'abort')
    // By protocol 2 the end has raised the epoch.
    if (this.#plan.protocol === 1) await this.#init(this.#identity)
  }

  /** Sends batches to one partition until all are acknowledged, or the transaction is given up. */
  async #fill(id: string, partition: number): Promise<void> {
    const client = this.#leaderOf(partition)
    const request = this.#request
    const waiting = Array.from({ length: client.rng.between(1, this.#plan.batchesMax) }, (_, i) =>
      this.#makeBatch(client, partition, `${id}.${partition}.${i}`),
    )
    if (request.protocol === 1) await this.#addPartition(request, partition)
    while (waiting.length > 0) {
      if (this.#given === id || this.#isDead) return
      const burst = waiting.slice(0, this.#plan.inFlight)
      const sends = await Promise.all(burst.map(batch => this.#send(client, request, { partition, batch, id })))
      for (const [i, { outcome }] of sends.entries())
        if (outcome.kind === 'acked') waiting.splice(waiting.indexOf(burst[i]!), 1)
      this.#judge(sends)
      await this.#pauses.sleep(0)
      if (sends.every(({ outcome }) => outcome.kind === 'acked')) continue
      client.reconnect()
      await client.pause(300)
    }
  }

  /** The first of a burst came in order, whatever became of those before. @throws FencedError */
  #judge(sends: readonly Send[]): void {
    for (const [i, { outcome, values }] of sends.entries()) {
      if (outcome.kind !== 'refused' || passingCodes.has(outcome.code)) continue
      if (fatalCodes.has(outcome.code)) throw new FencedError(outcome.code)
      if (outcome.code === 'OUT_OF_ORDER_SEQUENCE' && i > 0) return
      const what = `${this.#plan.name}: ${values} came in order and was refused (${outcome.code})`
      this.#scene.violations.push({ property: 'false-refusal', what })
      throw new FencedError(outcome.code)
    }
  }

  #makeBatch(client: Client, partition: number, name: string): Batch {
    const sequence = this.#sequences.get(partition) ?? 0
    const idempotence = { ...this.#identity!, sequence }
    const sizes = { topic: this.#topic, recordsMax: 2, valueBytesMax: 20 }
    const batch = makeBatch(client, { ...sizes, number: this.#batches++, name, idempotence, transactional: true })
    this.#sequences.set(partition, sequence + batch.values.length)
    return batch
  }

  #send(
    client: Client,
    request: Request,
    { partition, batch, id: transaction }: { partition: number; batch: Batch; id: string },
  ): Promise<Send> {
    const topic = this.#topic
    const { transactionalId, producerId, producerEpoch } = request
    const identity = { transactionalId, producerId, producerEpoch }
    const what = { producer: this.#plan.name, topic, partition, idempotent: true, transaction, identity }
    return send(client, what, batch, async ({ log, transactions }, bytes) => {
      const admitted = await transactions.admit({ ...request, partitions: [{ topicId: topic.id, partition }] })
      return log.append({ topic, partition, batch: bytes, transaction: admitted, timeoutMs: APPEND_TIMEOUT_MS })
    })
  }

  async #addPartition(producer: Request, partition: number): Promise<void> {
    const request = { ...producer, partitions: [{ topicId: this.#topic.id, partition }] }
    await this.#insist('add a partition', ({ transactions }) => transactions.addPartitions(request))
  }

  #leaderOf(partition: number): Client {
    const known = this.#leaders.get(partition)
    if (known) return known
    const client = new Client(this.#scene, `${this.#plan.name}.${partition}`)
    this.#leaders.set(partition, client)
    return client
  }

  // ---------------------------------------------------------------- its end

  /** Asks for the same outcome until there is an answer. */
  async #end(transaction: Transaction, outcome: 'commit' | 'abort', offsets?: OffsetCommit): Promise<void> {
    const { world, history } = this.#scene
    this.#mayEndLater = false
    transaction.ended = world.tick()
    transaction.outcome = outcome === 'commit' ? 'commit-unknown' : 'abort-unknown'
    if (offsets) history.push(offsets)
    const request = { ...this.#request, outcome }
    try {
      if (this.#plan.diesEnding && transaction.id.endsWith(`:${this.#plan.transactions - 1}`)) {
        const ending = this.#coordinator.call('end as the last thing', s => s.transactions.end(request))
        this.#left.push(ending.catch(failureOf))
        return
      }
      const end: Work<Identity> = (service, signal) => service.transactions.end(request, signal)
      const answer = await this.#insist(`${outcome} ${transaction.id}`, end)
      transaction.outcome = outcome === 'commit' ? 'committed' : 'aborted'
      world.count(transaction.outcome)
      this.#become(answer, transaction.ended)
      if (offsets) offsets.outcome = outcome === 'commit' ? 'done' : 'refused'
    } catch (error) {
      if (!(error instanceof FencedError && error.cause === 'at once')) throw error
      // The only question was answered with a refusal: it is not committed, and never will be.
      transaction.outcome = 'aborted'
      if (offsets) offsets.outcome = 'refused'
      throw error
    } finally {
      transaction.completed = world.tick()
      if (offsets) offsets.completed = transaction.completed
    }
  }

  /** An offset that is committed with the transaction: unlike any other. */
  async #stage(id: string, producer: Request): Promise<OffsetCommit | undefined> {
    const { world } = this.#scene
    if (this.#given === id) return undefined
    const group = { ...producer, groupId: OFFSETS_GROUP }
    const offset = world.tick()
    const invoked = world.tick()
    if (producer.protocol === 1) await this.#insist('add a group', ({ transactions }) => transactions.addGroup(group))
    const offsets = [{ ...this.#place, offset, leaderEpoch: -1, metadata: id }]
    const staging = { ...group, memberId: '', instanceId: undefined, generation: -1, offsets }
    await this.#insist(`stage offset ${offset}`, async ({ transactions }) => {
      const [result] = await transactions.stageOffsets(staging)
      if (result?.error) throw new GroupError(result.error, 'staging')
    })
    return {
      kind: 'commit',
      group: OFFSETS_GROUP,
      member: this.#plan.name,
      generation: -1,
      partition: String(this.#place.partition),
      offset,
      invoked,
      completed: Infinity,
      outcome: 'unknown',
    }
  }

  async #look(): Promise<void> {
    try {
      await fetchOffsets(this.#coordinator, OFFSETS_GROUP, [this.#place])
    } catch (error) {
      failureOf(error)
      this.#coordinator.reconnect()
    }
  }

  get #place() {
    return { topicId: TOPIC_ID, partition: Number(this.#plan.transactionalId.slice(2)) }
  }

  // ---------------------------------------------------------------- asking

  /** Until there is an answer. @throws FencedError, with the cause `at once` where the first answer said so */
  async #insist<T>(name: string, work: Work<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      if (this.#isDead) throw new FencedError('dead')
      try {
        return await this.#coordinator.call(name, work)
      } catch (error) {
        const { kind, code } = failureOf(error)
        this.#scene.world.note(this.#plan.name, `told ${code}`)
        if (kind !== 'refused') this.#mayEndLater = true
        if (fatalCodes.has(code)) throw new FencedError(code, attempt === 0 ? { cause: 'at once' } : {})
        if (kind === 'refused' && !passingCodes.has(code)) {
          this.#scene.violations.push({ property: 'false-refusal', what: `${this.#plan.name}: ${name}: ${code}` })
          throw new FencedError(code)
        }
        this.#coordinator.reconnect()
        await this.#coordinator.pause(300)
      }
    }
  }
}

/** All must have come to an end before it is told that one has failed. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}
