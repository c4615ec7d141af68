/**
 * What clients asked and were told. The checker sees nothing else of a run, so it can judge any system that has
 * topics, partitions and offsets; hand-made histories test it.
 *
 * `invoked` and `completed` are ticks of one counter: an operation comes before another if it completed before
 * the other was invoked. An operation whose answer never came has `completed` Infinity.
 */
export interface Span {
  readonly invoked: number
  completed: number
}

export type SendOutcome =
  | { readonly kind: 'acked'; readonly offset: number; readonly duplicate: boolean }
  /** The answer promised that nothing happened and nothing will. */
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown'; readonly code: string }

export interface ProducerIdentity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

export interface RecordKey {
  readonly key: string
  readonly isTombstone: boolean
}

/** A topic is cleaned: of each key the last record stays. At one moment, before anything is sent to it. */
export interface Cleaning extends Span {
  readonly kind: 'cleaning'
  /** Its id. */
  readonly topic: string
  /** A tombstone is there for so long at least, and records are not cleaned before they are so old, in ms; zero where clocks are wrong. */
  readonly tombstonesKeptMs: number
  readonly minLagMs: number
}

/** One attempt to append one batch. */
export interface Send extends Span {
  readonly kind: 'send'
  readonly producer: string
  /** Requests of one connection reach the log in the order sent. */
  readonly connection: string
  readonly partition: string
  /** Attempts of an idempotent producer to append the same batch share it; else each attempt has its own. */
  readonly batch: number
  readonly idempotent: boolean
  readonly transaction?: string
  readonly identity?: ProducerIdentity
  /** Different in every batch of the history. */
  readonly values: readonly string[]
  /** One for each value, where the topic is compacted. */
  readonly keys?: readonly RecordKey[]
  /** Its records' timestamp, and when it was invoked, in ms. */
  readonly madeAtMs?: number
  readonly invokedAtMs?: number
  outcome: SendOutcome
}

export interface PolledBatch {
  readonly base: number
  /** Offset of its last record, as its header says. */
  readonly last: number
  readonly values: readonly string[]
  /** Of its values, where they leave some out. */
  readonly offsets?: readonly number[]
  /** Of its values, where they have any. */
  readonly keys?: readonly string[]
  /** A transaction's marker: takes an offset, has no values. */
  readonly control: boolean
}

export interface Poll extends Span {
  readonly kind: 'poll'
  readonly reader: string
  readonly partition: string
  readonly offset: number
  readonly isolation: 'read_uncommitted' | 'read_committed'
  /** When it was invoked, in ms. */
  readonly invokedAtMs?: number
  /** After everything healed: the number of the reading of all, from the start to the end, that this is a part of. */
  readonly drain?: number
  /** Nothing was written any more when it was invoked. */
  readonly settled?: boolean
  completedAtMs?: number
  outcome:
    | {
        readonly kind: 'read'
        /** A read_committed reader has left out those of aborted transactions, as Kafka's clients do. */
        readonly batches: readonly PolledBatch[]
        /** Where the reader goes on. */
        readonly next: number
        readonly start: number
        readonly end: number
        readonly stable: number
      }
    | { readonly kind: 'refused'; readonly code: string }
    | { readonly kind: 'unknown'; readonly code: string }
}

/** Records of a partition deleted by offset; or those of a topic that retention may take at any time. */
export interface Deletion extends Span {
  readonly kind: 'delete-records'
  readonly partition: string
  /** The first to keep; Infinity: none that was there. */
  readonly before: number
  /** Whatever it takes has been archived before, where the topic is archived. */
  readonly byRetention?: true
  /** When it completed, in ms. */
  completedAtMs: number
  outcome:
    | { readonly kind: 'done'; readonly start: number }
    | { readonly kind: 'refused'; readonly code: string }
    | { readonly kind: 'unknown'; readonly code: string }
}

/** What ListOffsets answered for the end of a partition. */
export interface EndQuery extends Span {
  readonly kind: 'end'
  readonly partition: string
  outcome: { readonly kind: 'found'; readonly offset: number } | { readonly kind: 'failed'; readonly code: string }
}

export interface TopicChange extends Span {
  readonly kind: 'create' | 'delete' | 'grow'
  readonly name: string
  readonly partitions: number
  /** When it completed, in ms. */
  completedAtMs: number
  outcome:
    | { readonly kind: 'done'; readonly id: string }
    | { readonly kind: 'refused'; readonly code: string }
    | { readonly kind: 'unknown'; readonly code: string }
}

/** A topic was made as a fork of another. It is insisted on: `invoked` is the first attempt. */
export interface Fork extends Span {
  readonly kind: 'fork'
  readonly name: string
  /** The id of the other. */
  readonly source: string
  readonly partitions: number
  /** By partition: the offsets asked for; absent: the latest. */
  readonly cuts?: readonly number[]
  outcome: TopicChange['outcome']
}

/** `id` undefined: told that there is no such topic. */
export interface TopicLookup extends Span {
  readonly kind: 'lookup'
  readonly name: string
  /** When it was invoked, in ms. */
  readonly invokedAtMs: number
  outcome:
    | { readonly kind: 'found'; readonly id: string; readonly partitions: number }
    | { readonly kind: 'none' }
    | { readonly kind: 'failed'; readonly code: string }
}

/** A transaction as its producer saw it end. */
export interface Transaction extends Span {
  readonly kind: 'transaction'
  readonly id: string
  /** When its end was first asked for; Infinity if never. */
  ended: number
  outcome: 'committed' | 'aborted' | 'commit-unknown' | 'abort-unknown' | 'open'
}

/** A transactional producer was told who it is: those before it are fenced. */
export interface Identification extends Span, ProducerIdentity {
  readonly kind: 'identity'
}

/** A member was told its partitions (`topic/partition`) in a generation. */
export interface Assignment extends Span {
  readonly kind: 'assignment'
  readonly group: string
  readonly member: string
  readonly generation: number
  readonly partitions: readonly string[]
  /** Of a static member, which may be replaced within a generation by another with the same one. */
  readonly instance?: string
  readonly completedAtMs: number
}

/** A member of a consumer group held a partition: `invoked` when it was told, `completed` when it gave it up. */
export interface Holding extends Span {
  readonly kind: 'holding'
  readonly group: string
  readonly member: string
  readonly instance?: string
  readonly partition: string
  readonly sessionMs: number
  readonly rebalanceMs: number
  readonly fromMs: number
  toMs: number
  /** When it sent the last heartbeat that was answered. */
  heardAtMs: number
  /**
   * When it asked what made it owe partitions, this one or others, that it has not told of giving up: the first heartbeat,
   * answered or not, after which it was told so. Who owes for too long is put out as a whole. Infinity: it owes nothing.
   */
  owesSinceMs: number
}

export interface Join extends Span {
  readonly kind: 'join'
  readonly group: string
  /** The id that was sent; empty: the member has none, or has forgotten it. */
  readonly member: string
  readonly instance?: string
  /** The id that was given. */
  given: string
  /** The process that was asked. */
  readonly via: string
  /** Surely nobody was admitted by it. */
  refused?: boolean
  /** When it was answered, in ms. */
  completedAtMs?: number
}

export interface Heartbeat extends Span {
  readonly kind: 'heartbeat'
  readonly group: string
  readonly member: string
  readonly instance?: string
  readonly generation: number
  readonly sessionMs: number
  /** The process that was asked. */
  readonly via: string
  readonly invokedAtMs: number
  completedAtMs: number
  /** `ok`, or why not. */
  outcome: string
}

export interface OffsetCommit extends Span {
  readonly kind: 'commit'
  readonly group: string
  readonly member: string
  readonly instance?: string
  readonly generation: number
  readonly partition: string
  readonly offset: number
  outcome: 'done' | 'refused' | 'unknown'
}

export interface OffsetFetch extends Span {
  readonly kind: 'fetch'
  readonly group: string
  readonly partition: string
  /** -1: none committed; undefined: no answer. */
  offset: number | undefined
}

/** The store lost a committed offset, or (partition undefined) the group: nobody was in it for long. At one moment. */
export interface Expiry extends Span {
  readonly kind: 'expiry'
  readonly group: string
  readonly partition: string | undefined
}

/** Records that a share group's member was given. */
export interface Delivery extends Span {
  readonly kind: 'delivery'
  readonly group: string
  readonly member: string
  readonly partition: string
  spans: readonly { readonly first: number; readonly last: number; readonly deliveries: number }[]
  lockMs: number
  deliveriesMax: number
  readonly invokedAtMs: number
  completedAtMs: number
  /** Surely nobody else has them before this, in ms. */
  heldUntilMs: number
  /** Its member closed its session: the delivery does not count. */
  isUnseen: boolean
  outcome: 'given' | 'refused' | 'unknown'
}

/** What a share group's member did with records that it had been given. */
export interface Settlement extends Span {
  readonly kind: 'settlement'
  readonly group: string
  readonly member: string
  readonly partition: string
  readonly first: number
  readonly last: number
  readonly type: 'accept' | 'release' | 'reject' | 'renew'
  outcome: 'done' | 'refused' | 'unknown'
}

/** A share group has done with all records of a partition. */
export interface AllDone extends Span {
  readonly kind: 'all-done'
  readonly group: string
  readonly partition: string
  readonly end: number
}

/** A heartbeat of a share group's member. */
export interface Membership extends Span {
  readonly kind: 'membership'
  readonly group: string
  readonly member: string
  /** How often it has joined. */
  readonly life: number
  /** The epoch that it said; 0: it joins. */
  readonly said: number
  /** The epoch that it was told; undefined: it was not answered. */
  told: number | undefined
  /** Undefined: as before. */
  assignment: string | undefined
}

/** A member of a streams group was told what to have. */
export interface TasksTold extends Span {
  readonly kind: 'tasks'
  readonly group: string
  readonly member: string
  readonly instance?: string
  /** Its members share the state of its tasks. */
  readonly process: string
  /** That it was told with. */
  readonly epoch: number
  readonly active: readonly number[]
  readonly standby: readonly number[]
  /** So many standbys a task shall have, where there are processes enough. */
  readonly standbyReplicas: number
}

/** One delivery of an event source. */
export interface Ingestion extends Span {
  readonly kind: 'ingestion'
  readonly source: string
  /** The id of the topic that they go to. */
  readonly topic: string
  readonly records: readonly string[]
  /** Those that it was told are stored. */
  stored: readonly string[]
  outcome: 'answered' | 'refused' | 'unknown'
}

/** What a partition has of an event source in the end. */
export interface Ingested extends Span {
  readonly kind: 'ingested'
  readonly topic: string
  readonly partition: number
  /** In the order of their offsets; an empty key: none. */
  readonly records: readonly { readonly record: string; readonly key: string }[]
  /** The source delivers in order, `NAME:0` first. */
  readonly isOrdered: boolean
}

/** One delivery of a push subscription, as its receiver saw it. */
export interface Pushed extends Span {
  readonly kind: 'pushed'
  readonly subscription: string
  /** Its name. */
  readonly topic: string
  readonly partition: number
  readonly records: readonly { readonly offset: number; readonly value: string }[]
  /** So many of the first of them were taken. */
  readonly taken: number
}

/** What a partition of a subscription's dead-letter topic has in the end. */
export interface DeadLetters extends Span {
  readonly kind: 'dead-letters'
  readonly subscription: string
  /** Id and name of the topic that it delivers. */
  readonly topic: string
  readonly topicName: string
  readonly values: readonly string[]
  readonly attemptsMax: number
}

export interface ArchivedRecord {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** A topic's archive as a reader of its folder found it, at one moment; edition 0: there is no table. */
export interface Archived extends Span {
  readonly kind: 'archived'
  /** Its id. */
  readonly topic: string
  readonly edition: number
  readonly records: readonly ArchivedRecord[]
  /** Nothing is written any more, and upkeep found nothing to do. */
  readonly isFinal: boolean
}

export type Operation =
  | Archived
  | Membership
  | TasksTold
  | Pushed
  | DeadLetters
  | Ingestion
  | Ingested
  | Delivery
  | Settlement
  | AllDone
  | Cleaning
  | Send
  | Poll
  | Deletion
  | EndQuery
  | TopicChange
  | Fork
  | TopicLookup
  | Transaction
  | Identification
  | Join
  | Assignment
  | Heartbeat
  | Holding
  | OffsetCommit
  | OffsetFetch
  | Expiry

export type Property =
  | 'lost-write' // acknowledged or read once, and not there in the end
  | 'brought-back' // a key's older record is there, and the later one that was known is not
  | 'over-deletion' // records are gone that nobody deleted
  | 'deleted-read' // a record was read long after it was deleted
  | 'unseen' // acknowledged, and the last reading ends before it
  | 'inconsistent-offsets' // two values at one offset, or an acknowledgement that names another's offset
  | 'duplicate' // one batch at two offsets
  | 'torn-batch' // a batch read otherwise than it was sent
  | 'phantom' // read, and nobody sent it
  | 'refused-write' // refused for sure, and there all the same
  | 'offset-gap' // an offset between two records that holds none
  | 'nonmonotonic-poll' // offsets of one answer out of order
  | 'poll-skip' // an answer begins above the offset asked for
  | 'nonmonotonic-send' // batches of one producer out of the order sent
  | 'stale-read' // a record is not visible to a read that began after it was known
  | 'stale-append' // an offset below one that was given before the append began
  | 'false-refusal' // refused for a reason that does not hold
  | 'two-topics' // one name, two topics at a time
  | 'G1a' // a read_committed reader saw an aborted transaction's record
  | 'precommitted-read' // ... a record of a transaction that nobody had asked to commit yet
  | 'torn-transaction' // ... a part of a transaction
  | 'fenced-write' // a producer that had been fenced before it sent was not refused
  | 'two-owners' // one partition, two members, one generation
  | 'two-roles' // a task twice in one process, or with more standbys than it shall have
  | 'committed-offset-lost' // a committed offset is gone or older
  | 'false-expiry' // a committed offset expired while somebody was in its group, or under a transaction
  | 'stale-commit' // a commit of an older generation, or of a replaced static member, was accepted
  | 'stale-heartbeat' // a member was kept at work long after a newer generation was known
  | 'false-eviction' // a member was put out although it was heard of within its session
  | 'delivered-again' // a share group's record was settled, and given to somebody after that
  | 'two-holders' // a share group's record was given to a second member while the first held it
  | 'delivery-count' // deliveries of a record that were not counted, or more than there may be
  | 'given-up' // a share group's record is done, and nobody settled it
  | 'archived-twice' // an archive's table has two records of one offset
  | 'archived-wrong' // ... a record that is not in the log there, or that is not committed
  | 'not-archived' // a record is in the log, or retention took it, and it is not in the archive in the end
  | 'older-table' // a table without what an older one had, or published over a newer one that was known
  | 'changed-file' // a published file that others may have read is another one
  | 'changed-parts' // the bytes of a put changed before its answer, which the port forbids
  | 'half-made' // a topic is found before all of it is there
  | 'engine-error' // an error that the contract does not know
  | 'unanswered' // a call had no answer while nothing went wrong
  | 'stuck' // no end within the bounded time
  | 'idle-writes' // a store is written to while nothing happens
  | 'missing-object' // something referred to is not there
  | 'garbage' // something that nothing refers to remains

export interface Violation {
  readonly property: Property
  readonly what: string
}
