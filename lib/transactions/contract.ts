/** What transactions offer to their faces (Kafka, HTTP), in Kafka's terms. */
import type { CommitRequest, TopicPartition } from '../groups/index.ts'
import type { Topic } from '../log/index.ts'
import type { GroupBlocks, TopicPartitions, TransactionState } from './transaction-document.ts'
import type { TransactionOutcome } from './transitions.ts'

/**
 * 1: a producer keeps its epoch, and adds partitions and groups before it uses them. 2 (KIP-890): the epoch is raised at
 * every end, and what is used is added by its use.
 */
export type Protocol = 1 | 2

export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

export interface InitProducerRequest {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** Who the producer is, if it goes on after an error (KIP-360). */
  readonly expected: ProducerIdentity | undefined
}

export interface TransactionRequest extends ProducerIdentity {
  readonly transactionalId: string
}

export interface PartitionsRequest extends TransactionRequest {
  readonly partitions: readonly TopicPartition[]
}

export interface AdmitRequest extends PartitionsRequest {
  readonly protocol: Protocol
}

export interface GroupRequest extends TransactionRequest {
  readonly groupId: string
}

export interface StageOffsetsRequest extends TransactionRequest, CommitRequest {
  readonly protocol: Protocol
}

export interface EndTransactionRequest extends TransactionRequest {
  readonly outcome: TransactionOutcome
  readonly protocol: Protocol
}

/** An administrator's end of a transaction that hangs in a partition. */
export interface AbortRequest extends ProducerIdentity {
  readonly topic: Topic
  readonly partition: number
}

export interface TransactionDescription extends ProducerIdentity {
  readonly transactionalId: string
  readonly state: TransactionState
  readonly timeoutMs: number
  /** Ms since 1970; -1 where no transaction began since the producer was initialised. */
  readonly startedAt: number
  readonly topics: readonly TopicPartitions[]
  readonly groups: readonly GroupBlocks[]
}
