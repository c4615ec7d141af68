/**
 * One owner of a partition in a generation; who was replaced is told so in time, and who lives is not put out; a committed
 * offset is a register that only owners write (I6).
 */
import type { Assignment, Expiry, Heartbeat, Join, OffsetCommit, OffsetFetch, Operation, Violation } from './history.ts'

/** A request reaches a process within this; and a process that stood still for less takes no notice of it. */
const UNNOTICED_MS = 2_100
/** Who puts a member out has not heard of it for so much of its session, though another coordinator may have. */
const HEARD_SHARE = 2 / 3

export function checkGroups(history: readonly Operation[]): Violation[] {
  const assignments: Assignment[] = []
  const joins: Join[] = []
  const heartbeats: Heartbeat[] = []
  const commits: OffsetCommit[] = []
  const fetches: OffsetFetch[] = []
  const expiries = history.filter(operation => operation.kind === 'expiry')
  const lives = new Lives(expiries)
  for (const given of history) {
    const operation = lives.placed(given)
    if (!operation) continue
    if (operation.kind === 'assignment') assignments.push(operation)
    if (operation.kind === 'join') joins.push(operation)
    if (operation.kind === 'heartbeat') heartbeats.push(operation)
    if (operation.kind === 'commit') commits.push(operation)
    if (given.kind === 'fetch') fetches.push(given)
  }
  const committed = history.filter(operation => operation.kind === 'commit')
  return [
    ...checkOwners(assignments),
    ...checkHeartbeats(assignments, joins, heartbeats),
    ...checkFencing(joins, heartbeats),
    ...checkCommits(assignments, commits),
    ...checkFetches(committed, fetches, expiries),
  ]
}

/** A group that went and comes again counts its generations anew: it is another group here. */
class Lives {
  readonly #ends: readonly Expiry[]

  constructor(expiries: readonly Expiry[]) {
    this.#ends = expiries.filter(({ partition }) => partition === undefined)
  }

  /** Undefined: nobody can say in which life of its group it was. */
  placed(operation: Operation): Operation | undefined {
    if (this.#ends.length === 0 || !('group' in operation)) return operation
    const life = this.of(operation.group, operation.invoked)
    return life === this.of(operation.group, operation.completed)
      ? { ...operation, group: `${operation.group}~${life}` }
      : undefined
  }

  of(group: string, tick: number): number {
    return this.#ends.filter(end => end.group === group && end.invoked < tick).length
  }
}

/** A static member that was replaced is the same owner: what its former self does is checked with the commits. */
function checkOwners(assignments: readonly Assignment[]): Violation[] {
  const violations: Violation[] = []
  const owners = new Map<string, string>()
  for (const { group, generation, member, instance, partitions } of assignments) {
    for (const partition of partitions) {
      const key = `${partition} of ${group} in generation ${generation}`
      const owner = owners.get(key) ?? instance ?? member
      owners.set(key, owner)
      if (owner !== (instance ?? member))
        violations.push({ property: 'two-owners', what: `${key}: ${owner} and ${member}` })
    }
  }
  return violations
}

function checkHeartbeats(
  assignments: readonly Assignment[],
  joins: readonly Join[],
  heartbeats: readonly Heartbeat[],
): Violation[] {
  const coordinators = new Set([...joins, ...heartbeats].map(({ group, via }) => `${group} ${via}`))
  const violations: Violation[] = []
  const last = new Map<string, Heartbeat>()
  for (const beat of heartbeats) {
    const { group, member, generation, sessionMs, outcome, invokedAtMs, completedAtMs } = beat
    const before = last.get(`${group}/${member}`)
    last.set(`${group}/${member}`, beat)
    if (outcome === 'ok') {
      const newer = assignments.find(
        one => one.group === group && one.generation > generation && one.completedAtMs + sessionMs < invokedAtMs,
      )
      const what = `${member} was told to go on in generation ${generation}; ${newer?.generation} was there`
      if (newer) violations.push({ property: 'stale-heartbeat', what })
    }
    if (outcome !== 'UNKNOWN_MEMBER_ID' || before?.outcome !== 'ok' || before.generation !== generation) continue
    // Where the group had one coordinator only, it counts when the heartbeat was sent: nobody else could have judged.
    const isAlone = coordinators.size === 1
    const heardAtMs = isAlone ? invokedAtMs + UNNOTICED_MS : completedAtMs
    // Else the last may have been heard by one that was about to be replaced, or was so already, for a third of the session at most.
    if (heardAtMs >= before.invokedAtMs + sessionMs * (isAlone ? 1 : HEARD_SHARE)) continue
    const what = `${member} was put out; it had sent a heartbeat ${invokedAtMs - before.invokedAtMs} ms after the last`
    violations.push({ property: 'false-eviction', what })
  }
  return violations
}

/** Only somebody else who joined as the same static member, or its own forgotten self, may fence it. */
function checkFencing(joins: readonly Join[], heartbeats: readonly Heartbeat[]): Violation[] {
  return heartbeats.flatMap(({ group, member, instance, outcome }): Violation[] => {
    if (outcome !== 'FENCED_INSTANCE_ID') return []
    const rivals = joins.filter(join => join.group === group && join.instance === instance && join.member === '')
    const own = rivals.find(({ given }) => given === member)
    if (rivals.some(rival => rival !== own && rival.completed > (own?.invoked ?? 0))) return []
    return [{ property: 'false-eviction', what: `${member} was fenced, and nobody else had joined as ${instance}` }]
  })
}

/** A commit that began after somebody was told of a newer generation, or of its member's replacement, must be refused. */
function checkCommits(assignments: readonly Assignment[], commits: readonly OffsetCommit[]): Violation[] {
  const violations: Violation[] = []
  for (const commit of commits) {
    if (commit.outcome !== 'done') continue
    const told = assignments.filter(({ group, completed }) => group === commit.group && completed < commit.invoked)
    const own = told.find(({ member, generation }) => member === commit.member && generation === commit.generation)
    const newer = told.find(
      ({ generation, instance, member, invoked }) =>
        generation > commit.generation ||
        (generation === commit.generation &&
          instance !== undefined &&
          instance === commit.instance &&
          member !== commit.member &&
          invoked > (own?.completed ?? Infinity)),
    )
    if (!newer) continue
    const what = `${commit.member} committed ${commit.offset} for ${commit.partition} of ${commit.group} in generation`
    violations.push({
      property: 'stale-commit',
      what: `${what} ${commit.generation}; ${newer.member} had ${newer.generation}`,
    })
  }
  return violations
}

/** What is known of a commit: `done` from when on it has certainly been stored. */
interface Stored {
  readonly commit: OffsetCommit
  done: number
}

function checkFetches(
  commits: readonly OffsetCommit[],
  fetches: readonly OffsetFetch[],
  expiries: readonly Expiry[],
): Violation[] {
  const violations: Violation[] = []
  const lives = new Lives(expiries)
  const places = Map.groupBy(fetches, ({ group, partition }) => `${group}/${partition}`)
  for (const [place, there] of places) {
    const stored = commits
      .filter(({ group, partition }) => `${group}/${partition}` === place)
      .map((commit): Stored => ({ commit, done: commit.outcome === 'done' ? commit.completed : Infinity }))
    const expired = expiries
      .filter(({ group, partition }) => `${group}/${partition}` === place)
      .map(({ invoked }) => invoked)
    for (const fetch of there.toSorted((a, b) => a.completed - b.completed)) {
      violations.push(...checkFetch(fetch, stored, { lives, expired }))
      const seen = stored.find(({ commit }) => commit.offset === fetch.offset)
      if (seen) seen.done = Math.min(seen.done, fetch.completed)
    }
  }
  return violations
}

/**
 * The offset must be of a commit that no finished later one had replaced when the fetch began, and that had not expired then; or
 * none, where what was committed may have expired.
 */
function checkFetch(
  fetch: OffsetFetch,
  all: readonly Stored[],
  { lives, expired }: { readonly lives: Lives; readonly expired: readonly number[] },
): Violation[] {
  if (fetch.offset === undefined) return []
  const lastExpiry = expired.findLast(at => at < fetch.completed) ?? -1
  const finished = all.filter(({ done }) => done < fetch.invoked)
  const newest = finished.at(-1)?.commit
  const lost = (why: string): Violation[] => [
    {
      property: 'committed-offset-lost',
      what: `${fetch.partition} of ${fetch.group}: fetched ${fetch.offset}${why}, committed were ${newest?.offset ?? 'none'}`,
    },
  ]
  if (fetch.offset === -1) {
    return finished.every(({ commit }) => commit.invoked < lastExpiry) ? [] : lost('')
  }
  const seen = all.find(
    ({ commit }) => commit.offset === fetch.offset && commit.invoked < fetch.completed && commit.outcome !== 'refused',
  )
  if (!seen) return lost(', which nobody committed')
  if (expired.some(at => at > seen.done && at < fetch.invoked)) return lost(', which had expired')
  const lifeOf = ({ group, invoked }: OffsetCommit) => lives.of(group, invoked)
  const replaced = finished.some(
    ({ commit }) =>
      commit.invoked > seen.done ||
      (commit.generation > seen.commit.generation && lifeOf(commit) === lifeOf(seen.commit)),
  )
  return replaced ? lost('') : []
}
