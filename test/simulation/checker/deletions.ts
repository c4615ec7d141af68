/** Deleted records: what was deleted is refused, and nothing else is gone. */
import type { Poll, Violation } from './history.ts'
import { deletedBefore, type PartitionHistory } from './partition.ts'

/** A process may believe for so long that what it has read a moment ago is still there. */
const STALE_MS = 15_000

export function checkDeletions({ partition, polls, deletions }: PartitionHistory): Violation[] {
  const violations: Violation[] = []
  const report = (property: 'over-deletion' | 'deleted-read', what: string) =>
    void violations.push({ property, what: `${partition}: ${what}` })
  for (const poll of polls) {
    const { outcome, reader, offset, completed } = poll
    if (outcome.kind !== 'read') continue
    if (outcome.start > deletedBefore(deletions, completed))
      report(
        'over-deletion',
        `${reader} was told that the first offset is ${outcome.start}, which nobody deleted up to`,
      )
    const gone = startKnown(poll, deletions)
    if (offset < gone) report('deleted-read', `${reader} read at ${offset} long after all below ${gone} was deleted`)
  }
  for (const { before, outcome } of deletions) {
    if (outcome.kind === 'done' && before !== Infinity && outcome.start < before)
      report('deleted-read', `a deletion before ${before} was answered with ${outcome.start}`)
  }
  return violations
}

/** The highest start that everybody knew when the poll began. */
function startKnown({ invokedAtMs = 0 }: Poll, deletions: PartitionHistory['deletions']): number {
  let start = 0
  for (const { outcome, completedAtMs } of deletions) {
    if (outcome.kind === 'done' && completedAtMs + STALE_MS < invokedAtMs) start = Math.max(start, outcome.start)
  }
  return start
}
