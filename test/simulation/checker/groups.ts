/** One owner of a partition in a generation; a committed offset is a register that only owners write (I6). */
import type { Assignment, OffsetCommit, OffsetFetch, Operation, Violation } from './history.ts'

export function checkGroups(history: readonly Operation[]): Violation[] {
  const assignments: Assignment[] = []
  const commits: OffsetCommit[] = []
  const fetches: OffsetFetch[] = []
  for (const operation of history) {
    if (operation.kind === 'assignment') assignments.push(operation)
    if (operation.kind === 'commit') commits.push(operation)
    if (operation.kind === 'fetch') fetches.push(operation)
  }
  return [
    ...checkOwners(assignments),
    ...checkGenerations(assignments, commits),
    ...fetches.flatMap(fetch => checkFetch(fetch, commits)),
  ]
}

function checkOwners(assignments: readonly Assignment[]): Violation[] {
  const violations: Violation[] = []
  const owners = new Map<string, string>()
  for (const { group, generation, member, partitions } of assignments) {
    for (const partition of partitions) {
      const key = `${partition} of ${group} in generation ${generation}`
      const owner = owners.get(key) ?? member
      owners.set(key, owner)
      if (owner !== member) violations.push({ property: 'two-owners', what: `${key}: ${owner} and ${member}` })
    }
  }
  return violations
}

/** A commit that began after somebody was told of a newer generation must be refused. */
function checkGenerations(assignments: readonly Assignment[], commits: readonly OffsetCommit[]): Violation[] {
  const violations: Violation[] = []
  for (const commit of commits) {
    if (commit.outcome !== 'done') continue
    const newer = assignments.find(
      ({ group, generation, completed }) =>
        group === commit.group && generation > commit.generation && completed < commit.invoked,
    )
    if (!newer) continue
    const what = `${commit.member} committed ${commit.offset} for ${commit.partition} of ${commit.group} in generation`
    violations.push({ property: 'stale-commit', what: `${what} ${commit.generation}; ${newer.generation} was there` })
  }
  return violations
}

/** The offset must be of a commit that no finished later one had replaced when the fetch began. */
function checkFetch(fetch: OffsetFetch, all: readonly OffsetCommit[]): Violation[] {
  if (fetch.offset === undefined) return []
  const commits = all.filter(
    ({ group, partition, invoked, outcome }) =>
      group === fetch.group && partition === fetch.partition && invoked < fetch.completed && outcome !== 'refused',
  )
  const finished = commits.filter(({ outcome, completed }) => outcome === 'done' && completed < fetch.invoked)
  const fits = (writtenBy: number) => !finished.some(later => later.invoked > writtenBy)
  const candidates = commits.filter(({ offset }) => offset === fetch.offset)
  const fine =
    fetch.offset === -1
      ? finished.length === 0
      : candidates.some(({ outcome, completed }) => fits(outcome === 'done' ? completed : Infinity))
  if (fine) return []
  const newest = finished.at(-1)
  const what = `${fetch.partition} of ${fetch.group}: fetched ${fetch.offset}, committed were ${newest?.offset ?? 'none'}`
  return [{ property: 'committed-offset-lost', what }]
}
