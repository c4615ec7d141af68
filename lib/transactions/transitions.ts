/**
 * A transactional id's document and what requests make of it. Pure. The rules are Apache Kafka's (TransactionCoordinator,
 * TransactionMetadata; KIP-98, 360, 890).
 *
 *   Empty ── add ──► Ongoing ── end, fence, overdue ──► PrepareCommit | PrepareAbort ── all told ──► CompleteCommit | …Abort
 *     ▲                 ▲                                                                                   │
 *     └─ InitProducerId ┴──────────────────────────────── add (transaction + 1) ────────────────────────────┘
 *
 * What can happen, and what holds:
 * - A zombie: InitProducerId, and every end by protocol 2, raises the epoch, so requests of before are refused here. A batch
 *   let in before that is void in the partitions once the transaction's marker is there: markers carry the transaction's
 *   number and go to every partition that was added, and a partition is added before its first batch is let in.
 * - A delayed EndTxn meets the next transaction: by protocol 2 its epoch is an old one, and it is refused. Old clients keep
 *   the epoch, and with it Kafka's own hole, but for requests whose connection is known to be gone: these end nothing.
 * - A repeated EndTxn (lost answer, new connection, another gateway): the epoch after it, and the state, say that it was
 *   done, and it gets the same answer. Asking for the other outcome is refused.
 * - Two processes decide at once: one compare-and-swap wins; the other asks again, of the winner's document.
 * - A crash, or a long freeze, after the decision: the document says Prepare…, lists what must be told, and whoever comes
 *   across it tells all of them (again: both a partition and a block of offsets know which number has ended there), then
 *   writes Complete…. What the sleeper still sends is void, or changes nothing.
 * - Epochs are used up (32,767 is only for markers): the end, or the next InitProducerId, moves on to a new producer id.
 */
import type { OffsetsBlockPlace } from '../groups/index.ts'
import type { TransactionErrorCode } from './errors.ts'
import { GROUPS_MAX, PLACES_MAX } from './settings.ts'
import type { GroupBlocks, TopicPartitions, TransactionDocument } from './transaction-document.ts'

/** What becomes of a request. */
export type Decision =
  | { readonly kind: 'refuse'; readonly code: TransactionErrorCode; readonly message: string }
  /** Nothing changes: the document answers the request as it is. */
  | { readonly kind: 'stands'; readonly document: TransactionDocument }
  /** The document is to be written, and answers the request then. */
  | { readonly kind: 'write'; readonly document: TransactionDocument }
  /** The document is to be written, and its transaction finished; then it answers the request. */
  | { readonly kind: 'prepare'; readonly document: TransactionDocument }
  /** A decided transaction is in the way: finish it and ask again. */
  | { readonly kind: 'finish' }
  /** As `prepare`, and ask again. */
  | { readonly kind: 'prepare-first'; readonly document: TransactionDocument }

export interface Producer {
  readonly producerId: number
  readonly epoch: number
}

export interface Moment {
  /** Wall clock, in ms since 1970. */
  readonly now: number
  /** A producer id that nobody has yet; there where `needsProducerId`. */
  readonly freshProducerId: number
}

export type TransactionOutcome = 'commit' | 'abort'

/** The last epoch that a producer is given. */
export const EPOCH_MAX = 32_766

/** Whether a change of the document may need a new producer id. */
export function needsProducerId(document: TransactionDocument | undefined): boolean {
  return !document || document.epoch >= EPOCH_MAX
}

export interface InitRequest {
  readonly timeoutMs: number
  /** Who the producer believes to be, if it goes on after an error (KIP-360). */
  readonly expected: Producer | undefined
}

export function initProducer(
  document: TransactionDocument | undefined,
  { timeoutMs, expected }: InitRequest,
  moment: Moment,
): Decision {
  if (!document) return { kind: 'write', document: newDocument(timeoutMs, moment) }
  if (isPrepared(document)) return { kind: 'finish' }
  const isCurrent =
    expected === undefined || (expected.producerId === document.producerId && expected.epoch === document.epoch)
  // Its last call, or the end of its last transaction, raised the epoch, but the answer was lost.
  const isRetry = !isCurrent && isOneBefore(document, expected)
  if (!isCurrent && !isRetry) return refuse('PRODUCER_FENCED', 'a newer producer has this transactional id')
  if (document.state === 'Ongoing') {
    if (isRetry) return refuse('PRODUCER_FENCED', 'the producer has begun another transaction since')
    const aborted = prepare(document, 'abort', { raisesEpoch: true }, moment)
    // Without an expected epoch nobody may come back with the one that is fenced here.
    return { kind: 'prepare-first', document: expected ? aborted : { ...aborted, lastEpoch: -1 } }
  }
  if (isRetry) return { kind: 'stands', document }
  const raised = raiseEpoch(document, moment)
  return {
    kind: 'write',
    document: {
      ...raised,
      lastEpoch: expected ? raised.lastEpoch : -1,
      state: 'Empty',
      timeoutMs,
      startedAt: -1,
      changedAt: moment.now,
    },
  }
}

export interface AddRequest extends Producer {
  readonly topics: readonly TopicPartitions[]
  readonly groups: readonly GroupBlocks[]
  /** `only-known`: a partition or group that was not added before is refused (Produce, TxnOffsetCommit of old clients). */
  readonly admits: 'anything' | 'only-known'
}

/** Makes sure that a transaction is under way, and that it has these partitions and groups. */
export function addToTransaction(
  document: TransactionDocument | undefined,
  request: AddRequest,
  { now }: Pick<Moment, 'now'>,
): Decision {
  const stranger = refusalOfProducer(document, request)
  if (stranger || !document) return stranger ?? unknownId()
  if (isPrepared(document)) return { kind: 'finish' }
  const isOngoing = document.state === 'Ongoing'
  if (isOngoing && includes(document, request)) return { kind: 'stands', document }
  const isKnown =
    isOngoing && request.topics.every(topic => hasTopic(document, topic)) && hasGroups(document, request.groups)
  if (request.admits === 'only-known' && !isKnown) {
    return refuse('INVALID_TXN_STATE', 'the partition or group was not added to the transaction')
  }
  const begun: TransactionDocument = isOngoing
    ? document
    : {
        ...document,
        state: 'Ongoing',
        transaction: document.transaction + 1,
        startedAt: now,
        topics: [],
        groups: [],
      }
  const topics = mergeTopics(begun.topics, request.topics)
  const groups = mergeGroups(begun.groups, request.groups)
  if (isTooLarge(topics, groups)) {
    return refuse('TRANSACTION_ABORTABLE', `a transaction has up to ${PLACES_MAX} partitions and ${GROUPS_MAX} groups`)
  }
  return { kind: 'write', document: { ...begun, topics, groups, changedAt: now } }
}

/** The number of the transaction that takes these places, if the document alone says so. */
export function admittedTo(document: TransactionDocument, request: AddRequest): number | undefined {
  const isAdmitted =
    document.state === 'Ongoing' && !refusalOfProducer(document, request) && includes(document, request)
  return isAdmitted ? document.transaction : undefined
}

export interface EndRequest extends Producer {
  readonly outcome: TransactionOutcome
  /** Protocol 2 (EndTxn from version 5 on): the epoch is raised at every end. */
  readonly raisesEpoch: boolean
}

export function endTransaction(
  document: TransactionDocument | undefined,
  request: EndRequest,
  moment: Moment,
): Decision {
  if (!document) return unknownId()
  const { outcome, raisesEpoch } = request
  const isRetry = raisesEpoch && wasEndedWith(document, request)
  const stranger = isRetry ? undefined : refusalOfProducer(document, request)
  if (stranger) return stranger
  if (document.state === 'Ongoing') {
    if (isRetry) return refuse('PRODUCER_FENCED', 'the producer has begun another transaction since')
    return { kind: 'prepare', document: prepare(document, outcome, { raisesEpoch }, moment) }
  }
  const isSame = outcomeOf(document) === outcome
  if (isPrepared(document)) {
    return isSame || (raisesEpoch && !isRetry) ? { kind: 'finish' } : refuseState(document, outcome)
  }
  if (document.state !== 'Empty' && (isRetry || !raisesEpoch)) {
    return isSame ? { kind: 'stands', document } : refuseState(document, outcome)
  }
  if (isRetry) return refuse('PRODUCER_FENCED', 'a newer producer has this transactional id')
  // Nothing was added, or the producer cannot say: whatever is on its way must not count.
  if (raisesEpoch && outcome === 'abort') {
    return {
      kind: 'write',
      document: { ...raiseEpoch(document, moment), state: 'CompleteAbort', startedAt: -1, changedAt: moment.now },
    }
  }
  return refuseState(document, outcome)
}

/** The end of a transaction that took too long, or that an administrator ends; undefined: it is not under way now. */
export function abortTransaction(
  document: TransactionDocument | undefined,
  transaction: number,
  moment: Moment,
): TransactionDocument | undefined {
  if (document?.state !== 'Ongoing' || document.transaction !== transaction) return undefined
  return { ...prepare(document, 'abort', { raisesEpoch: true }, moment), lastEpoch: -1 }
}

/** What a prepared transaction becomes when everybody was told. */
export function complete(document: TransactionDocument, { now }: Pick<Moment, 'now'>): TransactionDocument {
  const ended: TransactionDocument = {
    ...document,
    state: outcomeOf(document) === 'commit' ? 'CompleteCommit' : 'CompleteAbort',
    topics: [],
    groups: [],
    changedAt: now,
  }
  if (document.nextProducerId < 0) return ended
  const { producerId, nextProducerId } = document
  return { ...ended, producerId: nextProducerId, previousProducerId: producerId, nextProducerId: -1, epoch: 0 }
}

export function isPrepared({ state }: TransactionDocument): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

/** Of a decided transaction. */
export function outcomeOf({ state }: TransactionDocument): TransactionOutcome | undefined {
  if (state === 'PrepareCommit' || state === 'CompleteCommit') return 'commit'
  return state === 'PrepareAbort' || state === 'CompleteAbort' ? 'abort' : undefined
}

function newDocument(timeoutMs: number, { now, freshProducerId }: Moment): TransactionDocument {
  return {
    state: 'Empty',
    producerId: freshProducerId,
    epoch: 0,
    lastEpoch: -1,
    previousProducerId: -1,
    nextProducerId: -1,
    transaction: 0,
    timeoutMs,
    startedAt: -1,
    changedAt: now,
    topics: [],
    groups: [],
  }
}

function prepare(
  document: TransactionDocument,
  outcome: TransactionOutcome,
  { raisesEpoch }: { raisesEpoch: boolean },
  { now, freshProducerId }: Moment,
): TransactionDocument {
  const decided = {
    ...document,
    state: outcome === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
    changedAt: now,
  } as const
  if (!raisesEpoch) return { ...decided, lastEpoch: document.epoch }
  const isLast = document.epoch >= EPOCH_MAX
  return {
    ...decided,
    epoch: document.epoch + 1,
    lastEpoch: document.epoch,
    nextProducerId: isLast ? freshProducerId : -1,
  }
}

/** The next epoch, or the next producer id where they are used up. */
function raiseEpoch(document: TransactionDocument, { freshProducerId }: Moment): TransactionDocument {
  const { producerId, epoch } = document
  if (epoch < EPOCH_MAX) return { ...document, epoch: epoch + 1, lastEpoch: epoch }
  return { ...document, producerId: freshProducerId, previousProducerId: producerId, epoch: 0, lastEpoch: epoch }
}

/** The producer is the one whose epoch was raised last, by itself. */
function isOneBefore(document: TransactionDocument, { producerId, epoch }: Producer): boolean {
  if (epoch !== document.lastEpoch) return false
  return producerId === (epoch >= EPOCH_MAX ? document.previousProducerId : document.producerId)
}

/** An EndTxn of protocol 2 that came with this epoch raised it to the present one. */
function wasEndedWith(document: TransactionDocument, { producerId, epoch }: Producer): boolean {
  if (document.lastEpoch === document.epoch) return false
  if (producerId === document.producerId) return document.epoch === epoch + 1
  return producerId === document.previousProducerId && epoch === EPOCH_MAX && document.epoch === 0
}

function refusalOfProducer(document: TransactionDocument | undefined, { producerId, epoch }: Producer) {
  if (!document) return unknownId()
  if (producerId !== document.producerId) {
    return refuse('INVALID_PRODUCER_ID_MAPPING', `producer id ${producerId}, where ${document.producerId} is known`)
  }
  if (epoch === document.epoch) return undefined
  return refuse('PRODUCER_FENCED', `epoch ${epoch} of producer ${producerId}, which is at ${document.epoch}`)
}

function includes(document: TransactionDocument, { topics, groups }: Pick<AddRequest, 'topics' | 'groups'>): boolean {
  return topics.every(topic => hasTopic(document, topic)) && groups.every(group => hasBlocks(document, group))
}

function hasTopic(document: TransactionDocument, { topicId, partitions }: TopicPartitions): boolean {
  const known = document.topics.find(topic => topic.topicId === topicId)?.partitions
  return known !== undefined && partitions.every(partition => known.includes(partition))
}

function hasGroups(document: TransactionDocument, groups: readonly GroupBlocks[]): boolean {
  return groups.every(({ groupId }) => document.groups.some(known => known.groupId === groupId))
}

function hasBlocks(document: TransactionDocument, { groupId, blocks }: GroupBlocks): boolean {
  const known = document.groups.find(group => group.groupId === groupId)?.blocks
  return known !== undefined && blocks.every(block => known.some(other => isSameBlock(other, block)))
}

function isSameBlock(a: OffsetsBlockPlace, b: OffsetsBlockPlace): boolean {
  return a.topicId === b.topicId && a.block === b.block
}

function mergeTopics(known: readonly TopicPartitions[], added: readonly TopicPartitions[]): TopicPartitions[] {
  const merged = new Map(known.map(({ topicId, partitions }) => [topicId, new Set(partitions)]))
  for (const { topicId, partitions } of added) {
    merged.set(topicId, new Set([...(merged.get(topicId) ?? []), ...partitions]))
  }
  return [...merged].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))
}

function mergeGroups(known: readonly GroupBlocks[], added: readonly GroupBlocks[]): GroupBlocks[] {
  const merged = new Map(known.map(({ groupId, blocks }) => [groupId, blocks]))
  for (const { groupId, blocks } of added) {
    const before = merged.get(groupId) ?? []
    merged.set(groupId, [...before, ...blocks.filter(block => !before.some(other => isSameBlock(other, block)))])
  }
  return [...merged].map(([groupId, blocks]) => ({ groupId, blocks }))
}

function isTooLarge(topics: readonly TopicPartitions[], groups: readonly GroupBlocks[]): boolean {
  const places =
    topics.reduce((sum, { partitions }) => sum + partitions.length, 0) +
    groups.reduce((sum, { blocks }) => sum + blocks.length, 0)
  return places > PLACES_MAX || groups.length > GROUPS_MAX
}

function refuse(code: TransactionErrorCode, message: string) {
  return { kind: 'refuse', code, message } as const
}

function refuseState({ state }: TransactionDocument, outcome: TransactionOutcome) {
  return refuse('INVALID_TXN_STATE', `${outcome} of a transaction that is ${state}`)
}

function unknownId() {
  return refuse('INVALID_PRODUCER_ID_MAPPING', 'the transactional id is not known')
}
