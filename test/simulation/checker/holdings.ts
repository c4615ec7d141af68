/**
 * Members of consumer groups (KIP-848) tell from when to when they held a partition. Nobody may be told to have one that another
 * has not given up, unless that one had not been heard of for its session, or took longer than it may to give it up.
 */
import type { Holding, OffsetCommit, Operation, Violation } from './history.ts'

/**
 * A member may be answered by a coordinator that was replaced so long ago, as a share of its session, at most: the one that
 * puts it out had not heard of it since.
 */
const HEARD_SHARE = 2 / 3

export function checkHoldings(history: readonly Operation[]): Violation[] {
  const holdings = history.filter((operation): operation is Holding => operation.kind === 'holding')
  if (holdings.length === 0) return []
  const commits = history.filter((operation): operation is OffsetCommit => operation.kind === 'commit')
  const violations: Violation[] = []
  for (const [place, there] of Map.groupBy(holdings, ({ group, partition }) => `${partition} of ${group}`)) {
    const inOrder = there.toSorted((a, b) => a.invoked - b.invoked)
    for (const [i, later] of inOrder.entries()) {
      for (const earlier of inOrder.slice(0, i)) {
        if (isSound(earlier, later)) continue
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
  return later.fromMs >= earlier.toGiveUpAtMs + earlier.rebalanceMs
}

function isSameOwner(one: Holding, other: Holding): boolean {
  return one.member === other.member || (one.instance !== undefined && one.instance === other.instance)
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
