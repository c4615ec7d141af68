/**
 * The stored document of a transactional id: `txn#<id>` / `doc`. It changes by compare-and-swap alone, and is removed
 * when nobody has used it for long (transaction-expiry.ts). Beside it, made and removed in the same write, an empty item lists
 * the id: `transactions` / `<id>`.
 */
import { ByteReader, ByteWriter, CorruptDataError, checkFormat } from '../base/index.ts'
import type { OffsetsBlockPlace } from '../groups/index.ts'
import type { ItemKey } from '../storage/index.ts'

/** In the order in which they are stored. */
export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
] as const
export type TransactionState = (typeof transactionStates)[number]

export interface TransactionDocument {
  readonly state: TransactionState
  readonly producerId: number
  /** Of a producer: up to 32,766. While a transaction is being ended it is the epoch of its markers. */
  readonly epoch: number
  /**
   * The epoch before, of the same producer; -1 where a retry with it means nothing (KIP-360); the present one where the
   * last transaction ended in it, by protocol 1: who comes with the one before is a stranger.
   */
  readonly lastEpoch: number
  /** The producer id before the last change of it, or -1. */
  readonly previousProducerId: number
  /** While a transaction is being ended: the producer id afterwards, if the epochs of this one are used up; else -1. */
  readonly nextProducerId: number
  /** Number of the transaction under way, or of the last one; 0 before the first. It never goes back. */
  readonly transaction: number
  readonly timeoutMs: number
  /** Wall clock of whoever began the transaction, or -1. */
  readonly startedAt: number
  /** Wall clock of whoever changed the document last. */
  readonly changedAt: number
  /** The partitions of the transaction under way, by topic. */
  readonly topics: readonly TopicPartitions[]
  /** The groups whose offsets it commits. */
  readonly groups: readonly GroupBlocks[]
}

export interface TopicPartitions {
  /** 32 lower-case hex digits. */
  readonly topicId: string
  readonly partitions: readonly number[]
}

export interface GroupBlocks {
  readonly groupId: string
  /** Where it stages offsets; may be none yet. */
  readonly blocks: readonly OffsetsBlockPlace[]
}

const FORMAT_VERSION = 1
const TOPIC_ID_BYTES = 16

export const TRANSACTIONS_PARTITION = 'transactions'

export function transactionDocumentKey(transactionalId: string): ItemKey {
  return { pk: `txn#${transactionalId}`, sk: 'doc' }
}

export function transactionListingKey(transactionalId: string): ItemKey {
  return { pk: TRANSACTIONS_PARTITION, sk: transactionalId }
}

export function encodeTransactionListing(): Uint8Array {
  return Uint8Array.of(FORMAT_VERSION)
}

/** @throws CorruptDataError */
export function checkTransactionListing(bytes: Uint8Array): void {
  checkFormat('transaction listing', bytes[0] ?? 0, FORMAT_VERSION)
}

export function encodeTransaction(document: TransactionDocument): Uint8Array {
  const writer = new ByteWriter(128)
  writer.uint8(FORMAT_VERSION).uint8(transactionStates.indexOf(document.state))
  writer.uint(document.producerId).int(document.epoch).int(document.lastEpoch)
  writer.int(document.previousProducerId).int(document.nextProducerId)
  writer.uint(document.transaction).uint(document.timeoutMs)
  writer.int(Math.floor(document.startedAt)).int(Math.floor(document.changedAt))
  writer.uint(document.topics.length)
  for (const { topicId, partitions } of document.topics) {
    writer.raw(Buffer.from(topicId, 'hex')).uint(partitions.length)
    for (const partition of partitions) writer.uint(partition)
  }
  writer.uint(document.groups.length)
  for (const { groupId, blocks } of document.groups) {
    writer.string(groupId).uint(blocks.length)
    for (const { topicId, block } of blocks) writer.raw(Buffer.from(topicId, 'hex')).uint(block)
  }
  return writer.finish()
}

/** @throws CorruptDataError also for an unknown format */
export function decodeTransaction(bytes: Uint8Array): TransactionDocument {
  const reader = new ByteReader(bytes)
  const version = reader.uint8()
  checkFormat('transaction', version, FORMAT_VERSION)
  const state = transactionStates[reader.uint8()]
  if (!state) throw new CorruptDataError('transaction in an unknown state')
  return {
    state,
    producerId: reader.uint(),
    epoch: reader.int(),
    lastEpoch: reader.int(),
    previousProducerId: reader.int(),
    nextProducerId: reader.int(),
    transaction: reader.uint(),
    timeoutMs: reader.uint(),
    startedAt: reader.int(),
    changedAt: reader.int(),
    topics: reader.list(r => ({ topicId: readTopicId(r), partitions: r.list(p => p.uint()) })),
    groups: reader.list(r => ({
      groupId: r.string(),
      blocks: r.list(b => ({ topicId: readTopicId(b), block: b.uint() })),
    })),
  }
}

function readTopicId(reader: ByteReader): string {
  return reader.raw(TOPIC_ID_BYTES).toString('hex')
}
