import { checkArchives } from './archives.ts'
import { cleanedPartitions } from './cleaning.ts'
import { checkDeletions } from './deletions.ts'
import { checkWholeInForks, Forks } from './forks.ts'
import { checkGroups } from './groups.ts'
import type { Operation, Violation } from './history.ts'
import { checkHoldings } from './holdings.ts'
import { checkIngests } from './ingests.ts'
import { checkMemberships } from './memberships.ts'
import { checkOrder } from './order.ts'
import { droppedValues, Holes, splitByPartition } from './partition.ts'
import { checkPushes } from './pushes.ts'
import { checkRecords } from './records.ts'
import { checkShares } from './shares.ts'
import { checkStreamsTasks } from './streams-tasks.ts'
import { checkTopics } from './topics.ts'
import { checkTransactions } from './transactions.ts'

export { describeOperation } from './describe.ts'
export type {
  AllDone,
  Archived,
  ArchivedRecord,
  Assignment,
  Cleaning,
  DeadLetters,
  Deletion,
  Delivery,
  EndQuery,
  Expiry,
  Fork,
  Heartbeat,
  Holding,
  Identification,
  Ingested,
  Ingestion,
  Join,
  Membership,
  OffsetCommit,
  OffsetFetch,
  Operation,
  Poll,
  PolledBatch,
  ProducerIdentity,
  Property,
  Pushed,
  Send,
  SendOutcome,
  Settlement,
  Span,
  TasksTold,
  TopicChange,
  TopicLookup,
  Transaction,
  Violation,
} from './history.ts'

/** Judges a history of client operations. */
export function checkHistory(history: readonly Operation[]): Violation[] {
  const dropped = droppedValues(history)
  const hasTransactions = history.some(({ kind }) => kind === 'transaction' || kind === 'identity')
  const forks = new Forks(history)
  const parts = forks.withInherited(splitByPartition(history))
  const cleanedOf = cleanedPartitions(history, parts, forks)
  return [
    ...checkTopics(history),
    ...parts.flatMap(part => {
      const cleaned = cleanedOf.get(part.partition)
      const droppedHere = forks.dropped(part.partition, dropped)
      const holes = new Holes(part, { dropped: droppedHere, hasTransactions, cleaned })
      return [
        ...checkRecords(part, holes),
        ...checkOrder(part, holes),
        ...checkDeletions(part),
        ...(cleaned?.checkSettled(droppedHere) ?? []),
      ]
    }),
    ...forks.check(parts),
    ...checkWholeInForks(parts, forks, cleanedOf),
    ...checkTransactions(history, cleanedOf),
    ...checkGroups(history),
    ...checkHoldings(history),
    ...checkShares(history),
    ...checkMemberships(history),
    ...checkStreamsTasks(history),
    ...checkIngests(history),
    ...checkPushes(history),
    ...checkArchives(history, parts),
  ]
}
