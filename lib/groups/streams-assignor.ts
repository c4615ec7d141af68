/**
 * Which member of a streams group is to run which task, as Kafka's `sticky` assignor decides: as many active tasks for each
 * member, or one more; who ran a task goes on, else a process that has a standby of it takes it. Standbys of tasks with
 * state lie on other processes, on those with the least to do. Pure.
 */
import { type Assignment, assignmentOf } from './assignment.ts'
import { placesIn } from './consumer-group.ts'
import type { StreamsMember, Subtopology, Tasks } from './streams-document.ts'

interface Runner {
  readonly member: StreamsMember
  readonly active: [string, number][]
  readonly standby: [string, number][]
}

export interface StreamsAssignmentInput {
  /** Of the group's topology. */
  readonly members: readonly StreamsMember[]
  /** Subtopology id → number of tasks. */
  readonly tasks: ReadonlyMap<string, number>
  readonly subtopologies: readonly Subtopology[]
  readonly standbyReplicas: number
}

export function assignTasks({
  members,
  tasks,
  subtopologies,
  standbyReplicas,
}: StreamsAssignmentInput): Map<string, Tasks> {
  const runners = members
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((member): Runner => ({ member, active: [], standby: [] }))
  const all = [...tasks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, count]) => Array.from({ length: count }, (_, p): [string, number] => [id, p]))
  if (runners.length > 0) {
    assignActive(runners, all)
    const stateful = new Set(subtopologies.filter(each => each.changelogTopics.length > 0).map(({ id }) => id))
    assignStandby(
      runners,
      all.filter(([id]) => stateful.has(id)),
      standbyReplicas,
    )
  }
  return new Map(
    runners.map(({ member, active, standby }): [string, Tasks] => [
      member.id,
      { active: assigned(active), standby: assigned(standby), warmup: new Map() },
    ]),
  )
}

function assignActive(runners: readonly Runner[], all: readonly [string, number][]): void {
  const quota = Math.floor(all.length / runners.length)
  let larger = all.length % runners.length
  const hasRoom = ({ active }: Runner) => {
    if (active.length < quota) return true
    if (active.length > quota || larger === 0) return false
    larger--
    return true
  }
  const before = ownersBefore(runners, 'active')
  const standbys = ownersBefore(runners, 'standby')
  const left: [string, number][] = []
  for (const task of all) {
    const owner = before.get(nameOf(task))?.[0]
    if (owner && hasRoom(owner)) owner.active.push(task)
    else left.push(task)
  }
  for (const task of left) {
    const prepared = (standbys.get(nameOf(task)) ?? []).flatMap(({ member }) =>
      runners.filter(runner => runner.member.processId === member.processId),
    )
    const takers = prepared.filter(({ active }) => active.length < quota)
    const taker = leastBusy(takers.length > 0 ? takers : runners)
    taker.active.push(task)
  }
}

/** No process has a task twice; where there are too few processes, there are fewer standbys. */
function assignStandby(runners: readonly Runner[], stateful: readonly [string, number][], replicas: number): void {
  const before = ownersBefore(runners, 'standby')
  const activeBefore = ownersBefore(runners, 'active')
  for (const task of stateful) {
    const name = nameOf(task)
    const taken = new Set(
      runners.filter(({ active }) => active.some(each => nameOf(each) === name)).map(({ member }) => member.processId),
    )
    for (let replica = 0; replica < replicas; replica++) {
      const free = runners.filter(({ member }) => !taken.has(member.processId))
      if (free.length === 0) break
      const prepared = [...(before.get(name) ?? []), ...(activeBefore.get(name) ?? [])].filter(runner =>
        free.includes(runner),
      )
      const least = leastBusy(free)
      const stays = prepared.find(runner => loadOf(runner) <= loadOf(least) + 1)
      const taker = stays ?? least
      taker.standby.push(task)
      taken.add(taker.member.processId)
    }
  }
}

function ownersBefore(runners: readonly Runner[], role: 'active' | 'standby'): Map<string, Runner[]> {
  const owners = new Map<string, Runner[]>()
  for (const runner of runners) {
    for (const task of placesIn(runner.member.target[role])) {
      const known = owners.get(nameOf(task))
      if (known) known.push(runner)
      else owners.set(nameOf(task), [runner])
    }
  }
  return owners
}

function leastBusy(runners: readonly Runner[]): Runner {
  let least = runners[0]!
  for (const runner of runners) if (loadOf(runner) < loadOf(least)) least = runner
  return least
}

function loadOf({ active, standby }: Runner): number {
  return active.length + standby.length
}

function nameOf([subtopology, partition]: readonly [string, number]): string {
  return `${subtopology}/${partition}`
}

function assigned(tasks: readonly [string, number][]): Assignment {
  return assignmentOf(tasks.map(([id, partition]): [string, number[]] => [id, [partition]]))
}
