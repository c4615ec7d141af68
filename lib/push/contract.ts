/**
 * Push subscriptions: a topic's records, sent on to a function, a web address, a queue or a bus, in the order of each
 * partition, at least once. Each delivery says topic, partition and first offset, so a receiver can tell what it has seen.
 */
import type { BatchRecord } from '../records/index.ts'
import type { EventPattern } from './event-pattern.ts'

export type TargetSpec =
  | {
      readonly kind: 'webhook'
      readonly url: string /** Signs deliveries (Standard Webhooks). */
      readonly secret: string
    }
  /** On AWS a Lambda function's name or ARN; elsewhere a module in the folder of functions. */
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'sqs'; readonly queueUrl: string }
  | { readonly kind: 'eventbridge'; readonly bus: string; readonly source: string; readonly detailType: string }

export interface Policy {
  /** Records of a delivery at most. */
  readonly recordsMax: number
  /** Bytes of their keys, values and headers; a single record may have more. */
  readonly bytesMax: number
  /** How long the first record of a delivery may wait for more, in ms. */
  readonly windowMs: number
  /** Attempts with the same records; then half of them, and a single one is given up. undefined: try for ever. */
  readonly attemptsMax: number | undefined
  /** Where a record goes that was given up; undefined: nowhere. */
  readonly deadLetterTopic: string | undefined
}

export interface Subscription {
  /** UUID, 32 hex digits: a name made anew is another subscription. */
  readonly id: string
  readonly name: string
  readonly topicId: string
  readonly topic: string
  readonly target: TargetSpec
  /** Records that match none of these are passed over; none: all match. */
  readonly patterns: readonly EventPattern[]
  readonly policy: Policy
  readonly state: 'creating' | 'active' | 'paused' | 'deleting'
  /** Ms since 1970. */
  readonly createdAt: number
}

export interface PushBatch {
  readonly subscription: string
  readonly topic: string
  readonly partition: number
  /** Never empty, in offset order; with a filter there may be gaps. */
  readonly records: readonly BatchRecord[]
  /** The records as JSON: `{subscription, topic, partition, firstOffset, lastOffset, records}`. */
  readonly body: string
  /** Each record as JSON. */
  readonly lines: readonly string[]
}

export type Delivery =
  | { readonly outcome: 'delivered' }
  /** `from`: what is below it was taken; undefined: nothing was. `retryAfterMs`: the receiver's wish. */
  | {
      readonly outcome: 'failed'
      readonly reason: string
      readonly from?: number | undefined
      readonly retryAfterMs?: number | undefined
    }

/** Where deliveries go. Answers, never rejects, once `signal` aborts too. */
export interface Target {
  /** Records whose body has more bytes are sent in several calls; a single one as it is. Absent: as the subscription says. */
  readonly bodyBytesMax?: number
  deliver(batch: PushBatch, signal: AbortSignal): Promise<Delivery>
}

/** @throws PushError INVALID_SUBSCRIPTION where this process has no such targets */
export type TargetFactory = (spec: TargetSpec) => Target

/** A record as one line of JSON. */
export type RecordFormat = (record: BatchRecord, place: { readonly partition: number }) => string
