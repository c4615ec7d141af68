/**
 * Members of consumer groups (KIP-848) tell from when to when they held a partition. Nobody may be told to have one that another
 * has not given up, unless that one
 * - had not been heard of for its session, or
 * - owed any partition for longer than it may: it is put out as a whole, and loses those that it did not owe too, or
 * - had been replaced: somebody else joined as the same static member. A member of the classic protocol takes the place of
 *   a living one, as in Apache Kafka, which cannot tell the former self before it asks again; what it had is its successor's to
 *   give up. So the former self may not be kept at work when the coordinator can know.
 */
import type { Holding, Join, OffsetCommit, Operation, Violation } from './history.ts'

/**
 * A member may be answered by a coordinator that was replaced so long ago, as a share of its session, at most: the one that
 * puts it out had not heard of it since.
 */
const HEARD_SHARE = 2 / 3

export function checkHoldings(history: readonly Operation[]): Violation[] {
  const holdings = history.filter((operation): operation is Holding => operation.kind === 'holding')
  if (holdings.length === 0) return []
  const commits = history.filter((operation): operation is OffsetCommit => operation.kind === 'commit')
  const joins = history.filter((operation): operation is Join => operation.kind === 'join' && !operation.refused)
  const violations = checkReplaced(holdings, joins)
  for (const [place, there] of Map.groupBy(holdings, ({ group, partition }) => `${partition} of ${group}`)) {
    const inOrder = there.toSorted((a, b) => a.invoked - b.invoked)
    for (const [i, later] of inOrder.entries()) {
      for (const earlier of inOrder.slice(0, i)) {
        if (isSound(earlier, later) || joins.some(join => isReplacedBy(earlier, join, later.invoked))) continue
        const what = `${place}: ${later.member} was told to have it at ${later.fromMs} ms; ${earlier.member} had it until ${earlier.toMs}`
        violations.push({ property: 'two-owners', what })
      }
    }
    violations.push(...checkCommits(place, inOrder, commits))
  }
  return violations
}

function isSound(earlier: Holding, later: Holding): boolean {
  if (earlier.completed < later.invoked || isSameOwner(earlier, later)) return true
  if (later.fromMs >= earlier.heardAtMs + earlier.sessionMs * HEARD_SHARE) return true
  return later.fromMs >= earlier.owesSinceMs + earlier.rebalanceMs
}

function isSameOwner(one: Holding, other: Holding): boolean {
  return one.member === other.member || (one.instance !== undefined && one.instance === other.instance)
}

/** Before `by`, somebody else may have been admitted as the same static member. */
function isReplacedBy({ group, member, instance, invoked }: Holding, join: Join, by: number): boolean {
  if (instance === undefined || join.group !== group || join.instance !== instance) return false
  return join.member !== member && join.given !== member && join.invoked < by && join.completed > invoked
}

/** Who was replaced is answered only by who cannot know it yet. */
function checkReplaced(holdings: readonly Holding[], joins: readonly Join[]): Violation[] {
  return holdings.flatMap(holding => {
    const { member, group, instance, heardAtMs, sessionMs } = holding
    const join = joins.find(
      join =>
        isReplacedBy(holding, join, Infinity) &&
        holding.invoked < join.invoked &&
        join.completed < Infinity &&
        heardAtMs >= join.completedAtMs! + sessionMs * HEARD_SHARE,
    )
    const what = `${member} of ${group} was told to go on at ${heardAtMs} ms; ${join?.given} had replaced it as ${instance}`
    return join ? [{ property: 'stale-heartbeat', what }] : []
  })
}

/** Who was put out must not commit once another has been told. */
function checkCommits(place: string, holdings: readonly Holding[], commits: readonly OffsetCommit[]): Violation[] {
  return commits.flatMap((commit): Violation[] => {
    if (commit.outcome !== 'done' || `${commit.partition} of ${commit.group}` !== place) return []
    const owner = holdings.find(
      holding =>
        holding.member !== commit.member && holding.invoked < commit.invoked && holding.completed > commit.invoked,
    )
    const own = holdings.some(
      holding =>
        holding.member === commit.member && holding.invoked > (owner?.invoked ?? 0) && holding.invoked < commit.invoked,
    )
    if (!owner || own) return []
    const what = `${commit.member} committed ${commit.offset} for ${place}; ${owner.member} had it`
    return [{ property: 'stale-commit', what }]
  })
}
