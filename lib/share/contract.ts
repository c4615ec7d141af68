/** What share groups offer to their faces, in Kafka's terms (KIP-932). */
import type { Topic } from '../log/index.ts'
import type { AcknowledgeType, AcquiredSpan, Span } from './share-partition.ts'

export interface ShareHeartbeat {
  readonly groupId: string
  /** Drawn by the member. */
  readonly memberId: string
  /** 0: joins; -1: leaves; else as last answered. */
  readonly epoch: number
  readonly rackId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  /** Must be given to join; undefined: as before. */
  readonly topicNames: readonly string[] | undefined
}

export interface ShareHeartbeatAnswer {
  readonly memberId: string
  /** -1 after leaving. */
  readonly epoch: number
  readonly heartbeatIntervalMs: number
  /** Undefined: as before. */
  readonly assignment: readonly { readonly topicId: string; readonly partitions: readonly number[] }[] | undefined
}

export interface ShareGroupDescription {
  readonly groupId: string
  readonly state: 'Empty' | 'Stable'
  readonly epoch: number
  readonly members: readonly ShareMemberDescription[]
}

export interface ShareMemberDescription {
  readonly memberId: string
  readonly rackId: string | undefined
  readonly epoch: number
  readonly clientId: string
  readonly clientHost: string
  readonly topicNames: readonly string[]
  readonly assignment: readonly {
    readonly topicId: string
    readonly topicName: string
    readonly partitions: readonly number[]
  }[]
}

export interface ShareGroupListing {
  readonly groupId: string
  readonly state: 'Empty' | 'Stable'
}

/** One member of one group. */
export interface Consumer {
  readonly groupId: string
  readonly memberId: string
}

export interface TopicPartition {
  readonly topic: Topic
  readonly partition: number
}

export interface AcknowledgeRequest extends Consumer, TopicPartition {
  /** The number of its share session. */
  readonly session: number
  readonly batches: readonly AcknowledgementBatch[]
}

export interface AcknowledgementBatch extends Span {
  /** One for all offsets, or one for each. */
  readonly types: readonly AcknowledgeType[]
}

export interface AcquireRequest extends Consumer, TopicPartition {
  /** The number of its share session. */
  readonly session: number
  readonly recordsMax: number
  readonly bytesMax: number
  /** Never more than `recordsMax`; else to the end of a record batch. */
  readonly strict: boolean
  /** Stops the session's fetch: what is acquired after that would reach nobody. */
  readonly signal: AbortSignal
}

export interface Acquired {
  /** In offset order. */
  readonly spans: readonly AcquiredSpan[]
  /** Whole batches that hold those records, and others. */
  readonly batches: readonly Uint8Array[]
}

/** Where a group stands in a partition. */
export interface SharePosition {
  readonly topicId: string
  readonly partition: number
  /** First record that is not done. */
  readonly start: number
  /** Records from `start` on that are done. */
  readonly done: number
}
