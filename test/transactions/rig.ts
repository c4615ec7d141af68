/**
 * Processes over one pair of stores in memory, each with the real log, groups and transactions; a test may hold, lose or
 * fail what a process writes. A producer and a consumer of the protocol's rules, without a wire.
 */
import { type Clock, silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { Groups } from '../../lib/groups/index.ts'
import { type Isolation, type Log, openLog, type Topic } from '../../lib/log/index.ts'
import { buildBatch, readRecords, viewBatch } from '../../lib/records/index.ts'
import type { ItemStore, WriteOperation } from '../../lib/storage/index.ts'
import { type ProducerIdentity, type Protocol, Transactions } from '../../lib/transactions/index.ts'
import { memoryItems, memoryObjects } from '../support/memory-stores.ts'

type Write = ItemStore['write']

export class Process {
  readonly log: Log
  readonly groups: Groups
  readonly transactions: Transactions
  /** What becomes of its writes; `next` does them. */
  onWrite: (operations: readonly WriteOperation[], next: Write) => ReturnType<Write> = (operations, next) =>
    next(operations)

  constructor(stores: Stores, clock: Clock) {
    const items = { ...stores.items, write: (ops: readonly WriteOperation[]) => this.onWrite(ops, stores.items.write) }
    const common = { items, objects: stores.objects, clock, random: systemRandom, logger: silentLogger }
    this.log = openLog({ ...common, flushBudget: Number.POSITIVE_INFINITY, shardSize: 1 })
    this.groups = new Groups({ ...common, topics: this.log.topics })
    this.transactions = new Transactions({ ...common, log: this.log, groups: this.groups })
  }

  /** Nothing that it writes from now on ever happens, or is answered. */
  kill(): void {
    this.onWrite = () => new Promise(() => {})
  }
}

export class Stores {
  readonly items = memoryItems()
  readonly objects = memoryObjects()

  start(clock: Clock = systemClock): Process {
    return new Process(this, clock)
  }
}

export interface ProducerOptions {
  readonly protocol?: Protocol
  readonly id?: string
  readonly timeoutMs?: number
}

/** A producer as clients are: one epoch, sequences from 0 on in each, partitions and groups added as its protocol wants. */
export class TestProducer {
  readonly id: string
  readonly protocol: Protocol
  readonly #timeoutMs: number
  identity: ProducerIdentity = { producerId: -1, producerEpoch: -1 }
  #sequences = new Map<string, number>()

  constructor({ protocol = 2, id = 'tx', timeoutMs = 60_000 }: ProducerOptions = {}) {
    this.id = id
    this.protocol = protocol
    this.#timeoutMs = timeoutMs
  }

  async init(at: Process, expected?: ProducerIdentity): Promise<ProducerIdentity> {
    const request = { transactionalId: this.id, timeoutMs: this.#timeoutMs, expected }
    this.#become(await at.transactions.initProducer(request))
    return this.identity
  }

  async send(at: Process, topic: Topic, partition: number, value: string): Promise<void> {
    const request = { transactionalId: this.id, ...this.identity, partitions: [{ topicId: topic.id, partition }] }
    if (this.protocol === 1) await at.transactions.addPartitions(request)
    const transaction = await at.transactions.admit({ ...request, protocol: this.protocol })
    await this.append(at, topic, partition, value, transaction)
  }

  /** What a gateway does with a batch that it has let in. */
  async append(at: Process, topic: Topic, partition: number, value: string, transaction: number): Promise<void> {
    const place = `${topic.id}/${partition}`
    const baseSequence = this.#sequences.get(place) ?? 0
    const records = [{ timestamp: 1_000, key: null, value: Buffer.from(value) }]
    const batch = buildBatch({ records, ...this.identity, baseSequence, isTransactional: true })
    await at.log.append({ topic, partition, batch, transaction, timeoutMs: 5_000 })
    this.#sequences.set(place, baseSequence + 1)
  }

  async stage(
    at: Process,
    topic: Topic,
    offset: number,
    options: { groupId?: string; member?: string; generation?: number } = {},
  ) {
    const { groupId = 'g', member = '', generation = -1 } = options
    const request = { transactionalId: this.id, ...this.identity, groupId }
    if (this.protocol === 1) await at.transactions.addGroup(request)
    const results = await at.transactions.stageOffsets({
      ...request,
      protocol: this.protocol,
      memberId: member,
      instanceId: undefined,
      generation,
      offsets: [{ topicId: topic.id, partition: 0, offset, leaderEpoch: -1, metadata: '' }],
    })
    return results.map(({ error }) => error)
  }

  async end(at: Process, outcome: 'commit' | 'abort'): Promise<void> {
    const request = { transactionalId: this.id, ...this.identity, outcome, protocol: this.protocol }
    this.#become(await at.transactions.end(request))
  }

  /** The same producer, as a request of its own that is still on its way knows it. */
  twin(): TestProducer {
    const twin = new TestProducer({ protocol: this.protocol, id: this.id, timeoutMs: this.#timeoutMs })
    twin.identity = this.identity
    twin.#sequences = new Map(this.#sequences)
    return twin
  }

  #become(identity: ProducerIdentity): void {
    const { producerId, producerEpoch } = this.identity
    if (producerId !== identity.producerId || producerEpoch !== identity.producerEpoch) this.#sequences = new Map()
    this.identity = identity
  }
}

export interface Seen {
  readonly values: readonly string[]
  /** Nothing open is in the way. */
  readonly isStable: boolean
}

/** What a consumer with this isolation sees of a partition. */
export async function readPartition(
  at: Process,
  topic: Topic,
  partition: number,
  isolation: Isolation = 'read_committed',
): Promise<Seen> {
  const values: string[] = []
  const aborted = new Map<number, number[]>()
  for (let offset = 0; ; ) {
    const asked = { topic, partition, offset, maxBytes: 1_000_000, atLeastOneBatch: true, isolation }
    const { batches, abortedTransactions, endOffset, lastStableOffset } = await at.log.read(asked)
    if (batches.length === 0) return { values, isStable: endOffset === lastStableOffset }
    for (const { producerId, firstOffset } of abortedTransactions) {
      aborted.set(producerId, [...(aborted.get(producerId) ?? []), firstOffset])
    }
    for (const bytes of batches) {
      const view = viewBatch(bytes)
      offset = view.baseOffset + view.recordCount
      const skipped = aborted.get(view.producerId) ?? []
      if (view.isControl)
        aborted.set(
          view.producerId,
          skipped.filter(first => first > view.baseOffset),
        )
      else if (!skipped.some(first => first <= view.baseOffset)) {
        values.push(...[...readRecords(view)].map(({ value }) => String(value)))
      }
    }
  }
}

/** The offset that group `g` has for partition 0; `unstable` while a transaction may change it. */
export async function committedOffset(at: Process, topic: Topic, groupId = 'g'): Promise<number | 'unstable'> {
  const partitions = [{ topicId: topic.id, partition: 0 }]
  const [found] = await at.groups.fetchOffsets({ groupId, partitions, requireStable: true })
  return found!.error === undefined ? found!.offset : 'unstable'
}
