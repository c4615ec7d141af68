/**
 * The transactions, as one process serves them. Any process may serve any transactional id: the document decides
 * (transitions.ts says how). What this process has seen under way it also ends when it takes too long, and finishes when it
 * was decided; `takeOver` looks for what others have left.
 */
import { LRUCache } from 'lru-cache'
import { type Clock, inParallel, type Logger, type Random } from '../base/index.ts'
import { type CommitResult, checkGroupId, type Groups, offsetsBlocksOf, type TopicPartition } from '../groups/index.ts'
import type { Log } from '../log/index.ts'
import type { ItemStore } from '../storage/index.ts'
import type {
  AbortRequest,
  AdmitRequest,
  EndTransactionRequest,
  GroupRequest,
  InitProducerRequest,
  PartitionsRequest,
  ProducerIdentity,
  StageOffsetsRequest,
  TransactionDescription,
  TransactionRequest,
} from './contract.ts'
import { TransactionError, transactionErrorOf } from './errors.ts'
import {
  defaultTransactionSettings,
  KNOWN_IDS_MAX,
  MARKER_TIMEOUT_MS,
  READS_AT_ONCE,
  TRANSACTIONAL_ID_BYTES_MAX,
  type TransactionSettings,
} from './settings.ts'
import type { GroupBlocks, TopicPartitions, TransactionDocument } from './transaction-document.ts'
import { TransactionItems } from './transaction-items.ts'
import { TransactionalId } from './transactional-id.ts'
import type { AddRequest } from './transitions.ts'
import { type Unfinished, UnfinishedTransactions } from './unfinished-transactions.ts'

export interface TransactionsOptions {
  readonly items: ItemStore
  readonly log: Pick<Log, 'topics' | 'producerIds' | 'endTransaction' | 'activeProducers'>
  readonly groups: Pick<Groups, 'stageOffsets' | 'endTransaction'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly settings?: Partial<TransactionSettings>
}

export class Transactions {
  readonly #options: TransactionsOptions
  readonly #settings: TransactionSettings
  readonly #items: TransactionItems
  readonly #unfinished: UnfinishedTransactions
  /** An id that is forgotten while it works is only memory: its writes are compare-and-swaps. */
  readonly #ids = new LRUCache<string, TransactionalId>({ maxSize: KNOWN_IDS_MAX, sizeCalculation: () => 1 })
  readonly #closing = new AbortController()
  readonly #watching: Promise<void>

  constructor(options: TransactionsOptions) {
    this.#options = options
    this.#settings = { ...defaultTransactionSettings, ...options.settings }
    this.#items = new TransactionItems(options)
    this.#unfinished = new UnfinishedTransactions(options.clock)
    this.#watching = this.#keepWatch()
  }

  /** Who the producer is from now on: earlier ones with this transactional id are fenced, and what they left open aborted. @throws TransactionError */
  async initProducer({ transactionalId, timeoutMs, expected }: InitProducerRequest): Promise<ProducerIdentity> {
    const { transactionTimeoutMaxMs } = this.#settings
    if (timeoutMs <= 0 || timeoutMs > transactionTimeoutMaxMs) {
      throw new TransactionError(
        'INVALID_TRANSACTION_TIMEOUT',
        `a transaction timeout of ${timeoutMs} ms, where transaction.max.timeout.ms is ${transactionTimeoutMaxMs}`,
      )
    }
    const id = this.#find(transactionalId)
    const before = expected && { producerId: expected.producerId, epoch: expected.producerEpoch }
    return identityOf(await orTransactionError(() => id.init({ timeoutMs, expected: before })))
  }

  /** @throws TransactionError */
  async addPartitions(request: PartitionsRequest): Promise<void> {
    await this.#add(request, { topics: groupByTopic(request.partitions), groups: [], admits: 'anything' })
  }

  /** The number of the transaction that batches for these partitions are part of (AppendRequest). @throws TransactionError */
  admit(request: AdmitRequest): Promise<number> {
    const admits = request.protocol === 2 ? 'anything' : 'only-known'
    const places = { topics: groupByTopic(request.partitions), groups: [], admits } as const
    return this.#add(request, places, { trustsKnown: request.protocol === 2 })
  }

  /** @throws TransactionError, GroupError INVALID_GROUP_ID */
  async addGroup({ groupId, ...request }: GroupRequest): Promise<void> {
    checkGroupId(groupId)
    await this.#add(request, { topics: [], groups: [{ groupId, blocks: [] }], admits: 'anything' })
  }

  /** One result for each offset, in order: all are staged, or none counts. @throws TransactionError, GroupError */
  async stageOffsets(request: StageOffsetsRequest): Promise<CommitResult[]> {
    const { groupId, protocol } = request
    checkGroupId(groupId)
    const groups: GroupBlocks[] = [{ groupId, blocks: offsetsBlocksOf(request.offsets) }]
    const admits = protocol === 2 ? 'anything' : 'only-known'
    const places = { topics: [], groups, admits } as const
    const transaction = await this.#add(request, places, { trustsKnown: protocol === 2 })
    const stillOpen = () => this.#find(request.transactionalId).checkOpen(request.producerId, transaction)
    return this.#options.groups.stageOffsets({ ...request, transaction, stillOpen })
  }

  /**
   * Who the producer is after the end. When it answers, readers of committed records see the outcome. By protocol 1 an end that is not
   * decided when `gone` says that nobody waits for it any more is given up: whoever asked may ask elsewhere, and begin anew with the same
   * epoch. @throws TransactionError
   */
  async end(request: EndTransactionRequest, gone?: AbortSignal): Promise<ProducerIdentity> {
    const { transactionalId, producerId, producerEpoch, outcome, protocol } = request
    const id = this.#find(transactionalId)
    const end = { producerId, epoch: producerEpoch, outcome, raisesEpoch: protocol === 2 }
    return identityOf(await orTransactionError(() => id.end(end, protocol === 1 ? gone : undefined)))
  }

  // ---------------------------------------------------------------- administration

  /** Read strongly. @throws TransactionError TRANSACTIONAL_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE */
  async describe(transactionalId: string): Promise<TransactionDescription> {
    const id = this.#find(transactionalId)
    const document = await orTransactionError(() => id.read())
    if (!document) throw new TransactionError('TRANSACTIONAL_ID_NOT_FOUND', `no transactional id '${transactionalId}'`)
    return descriptionOf(transactionalId, document)
  }

  /** Those whose id passes, sorted by id; read strongly. @throws TransactionError COORDINATOR_NOT_AVAILABLE */
  async list(isAsked: (transactionalId: string) => boolean): Promise<TransactionDescription[]> {
    const found = await orTransactionError(async () => {
      const ids = (await this.#items.listIds()).filter(isAsked)
      return inParallel(ids, READS_AT_ONCE, async id => {
        const { document } = await this.#items.read(id)
        return document && descriptionOf(id, document)
      })
    })
    return found.filter(description => description !== undefined)
  }

  /**
   * Ends a producer's open transaction in a partition with an abort: all of it where it is under way, there alone where
   * no transactional id knows of it. @throws TransactionError
   */
  async abort({ producerId, producerEpoch, topic, partition }: AbortRequest): Promise<void> {
    const { log } = this.#options
    await orTransactionError(async () => {
      const active = (await log.activeProducers(topic, partition)).find(each => each.producerId === producerId)
      if (!active || active.transaction === 0) return
      if (producerEpoch < active.producerEpoch) {
        const newer = `producer ${producerId} is at epoch ${active.producerEpoch}`
        throw new TransactionError('INVALID_PRODUCER_EPOCH', newer)
      }
      const { transaction } = active
      const owner = (await this.list(() => true)).find(each => each.producerId === producerId)
      if (owner) await this.#find(owner.transactionalId).abort(transaction)
      // Done already where the owner knew of it.
      const marker = { producerId, producerEpoch, transaction, outcome: 'abort', timeoutMs: MARKER_TIMEOUT_MS } as const
      await log.endTransaction({ topic, partition, ...marker })
    })
  }

  /**
   * Finishes what was decided and not finished, and watches over what is under way, of all ids that pass. For the start,
   * and for when another process is gone. @throws TransactionError COORDINATOR_NOT_AVAILABLE
   */
  async takeOver(isOurs: (transactionalId: string) => boolean): Promise<void> {
    await orTransactionError(async () => {
      const ids = (await this.#items.listIds()).filter(isOurs)
      await inParallel(ids, READS_AT_ONCE, id => this.#find(id).takeOver())
    })
  }

  /** The same for one id. @throws TransactionError COORDINATOR_NOT_AVAILABLE */
  async watch(transactionalId: string): Promise<void> {
    await orTransactionError(() => this.#find(transactionalId).takeOver())
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#unfinished.wake()
    await this.#watching
  }

  async #keepWatch(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      const due = await this.#unfinished.takeDue(signal)
      await inParallel(due, READS_AT_ONCE, unfinished => this.#resolve(unfinished))
    }
  }

  async #resolve({ transactionalId, transaction }: Unfinished): Promise<void> {
    try {
      await this.#find(transactionalId).abort(transaction)
    } catch (error) {
      this.#options.logger.warn('transaction not finished', { transactionalId, error: String(error) })
      this.#unfinished.retry(transactionalId, transaction)
    }
  }

  async #add(
    { transactionalId, producerId, producerEpoch }: TransactionRequest,
    places: Pick<AddRequest, 'topics' | 'groups' | 'admits'>,
    options = { trustsKnown: false },
  ): Promise<number> {
    const id = this.#find(transactionalId)
    return orTransactionError(() => id.add({ producerId, epoch: producerEpoch, ...places }, options))
  }

  #find(transactionalId: string): TransactionalId {
    const known = this.#ids.get(transactionalId)
    if (known) return known
    if (transactionalId === '' || Buffer.byteLength(transactionalId) > TRANSACTIONAL_ID_BYTES_MAX) {
      throw new TransactionError('INVALID_REQUEST', `a transactional id has 1 to ${TRANSACTIONAL_ID_BYTES_MAX} bytes`)
    }
    const { log, groups, clock } = this.#options
    const id = new TransactionalId(transactionalId, {
      items: this.#items,
      log,
      groups,
      clock,
      unfinished: this.#unfinished,
      drawProducerId: () => log.producerIds.next(),
    })
    this.#ids.set(transactionalId, id)
    return id
  }
}

function groupByTopic(partitions: readonly TopicPartition[]): TopicPartitions[] {
  return [...Map.groupBy(partitions, ({ topicId }) => topicId)].map(([topicId, inTopic]) => ({
    topicId,
    partitions: [...new Set(inTopic.map(({ partition }) => partition))],
  }))
}

function identityOf({ producerId, epoch }: TransactionDocument): ProducerIdentity {
  return { producerId, producerEpoch: epoch }
}

function descriptionOf(transactionalId: string, document: TransactionDocument): TransactionDescription {
  const { state, timeoutMs, startedAt, topics, groups } = document
  return { transactionalId, ...identityOf(document), state, timeoutMs, startedAt, topics, groups }
}

async function orTransactionError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw transactionErrorOf(error)
  }
}
