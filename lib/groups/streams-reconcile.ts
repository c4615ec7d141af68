/**
 * How one member of a streams group goes from the tasks it has to those it is to have (KIP-1071). An active task is free when no
 * other member has it; and no two members of one process may have the same task in any role, for they share its state. Pure.
 * As a consumer does (consumer-reconcile.ts), a member gives up nothing before it was told less.
 */
import { type Assignment, both, filtered, has, isEmpty, NOTHING, union, without } from './assignment.ts'
import { placesIn } from './consumer-group.ts'
import { NO_TASKS, type StreamsDocument, type StreamsMember, type Tasks } from './streams-document.ts'

const ROLES = ['active', 'standby', 'warmup'] as const

/** `owned`: what the member says it has; undefined: it says nothing of it, which gives nothing up. */
export function reconcileStreams(
  group: StreamsDocument,
  member: StreamsMember,
  owned: Tasks | undefined,
): StreamsMember {
  if (member.state === 'stable' && member.epoch === group.epoch) return member
  if (member.state === 'unrevoked' && stillOwns(owned, member.revoking)) return member
  const kept = eachRole(role => both(member.assigned[role], member.target[role]))
  const revoking = eachRole(role => without(member.assigned[role], kept[role]))
  if (!hasNone(revoking) && (member.epoch > 0 || stillOwns(owned, revoking))) {
    return { ...member, state: 'unrevoked', previousEpoch: member.epoch, assigned: kept, revoking }
  }
  const holders = holdersOf(group, member)
  const wanted = eachRole(role => without(member.target[role], kept[role]))
  const free = eachRole(role => filtered(wanted[role], (id, partition) => isFree(role, `${id}/${partition}`, holders)))
  const isComplete = ROLES.every(role => isEmpty(without(wanted[role], free[role])))
  return {
    ...member,
    state: isComplete ? 'stable' : 'unreleased',
    epoch: group.epoch,
    previousEpoch: member.epoch === group.epoch ? member.previousEpoch : member.epoch,
    assigned: eachRole(role => union(kept[role], free[role])),
    revoking: NO_TASKS,
  }
}

export function ownsNoMoreThan(owned: Tasks, assigned: Tasks): boolean {
  return ROLES.every(role => isEmpty(without(owned[role], assigned[role])))
}

interface Holders {
  /** Active, or to be given up. */
  readonly active: ReadonlySet<string>
  /** In any role, by members of the same process. */
  readonly inProcess: ReadonlySet<string>
}

function holdersOf(group: StreamsDocument, member: StreamsMember): Holders {
  const active = new Set<string>()
  const inProcess = new Set<string>()
  for (const other of group.members.values()) {
    if (other.id === member.id) continue
    for (const held of [other.assigned, other.revoking]) {
      for (const [id, partition] of placesIn(held.active)) active.add(`${id}/${partition}`)
      if (other.processId !== member.processId) continue
      for (const role of ROLES) for (const [id, partition] of placesIn(held[role])) inProcess.add(`${id}/${partition}`)
    }
  }
  return { active, inProcess }
}

function isFree(role: (typeof ROLES)[number], task: string, { active, inProcess }: Holders): boolean {
  return !inProcess.has(task) && !(role === 'active' && active.has(task))
}

function stillOwns(owned: Tasks | undefined, revoking: Tasks): boolean {
  if (owned === undefined) return true
  return ROLES.some(role => {
    for (const [id, partition] of placesIn(owned[role])) if (has(revoking[role], id, partition)) return true
    return false
  })
}

function eachRole(value: (role: (typeof ROLES)[number]) => Assignment): Tasks {
  return { active: value('active'), standby: value('standby'), warmup: value('warmup') }
}

function hasNone(tasks: Tasks): boolean {
  return ROLES.every(role => tasks[role] === NOTHING || isEmpty(tasks[role]))
}
