/**
 * What the members of a streams group are told in one epoch: no task active at two, no task twice in one process (its state lies in
 * one folder), no more standbys than there are to be. What was true of another epoch may still be held; `checkHoldings` judges that.
 */
import type { Expiry, Operation, TasksTold, Violation } from './history.ts'

export function checkStreamsTasks(history: readonly Operation[]): Violation[] {
  const tellings = history.filter((one): one is TasksTold => one.kind === 'tasks')
  // One that is gone begins its epochs anew.
  const ends = history.filter((one): one is Expiry => one.kind === 'expiry' && one.partition === undefined)
  const epochs = Map.groupBy(tellings, ({ group, epoch }) => `epoch ${epoch} of ${group}`)
  return [...tellings.flatMap(checkRoles), ...[...epochs].flatMap(([which, told]) => checkEpoch(which, told, ends))]
}

function checkRoles({ member, epoch, active, standby }: TasksTold): Violation[] {
  return standby
    .filter(task => active.includes(task))
    .map(task => ({ property: 'two-roles', what: `${member} was told in ${epoch} to have ${task} active and standby` }))
}

function checkEpoch(which: string, told: readonly TasksTold[], ends: readonly Expiry[]): Violation[] {
  return told.flatMap((one, i) => {
    const others = told.slice(i + 1).filter(other => isBeside(one, other, ends))
    return [...others.flatMap(other => checkPair(which, one, other)), ...checkReplicas(which, one, others)]
  })
}

function checkPair(which: string, one: TasksTold, other: TasksTold): Violation[] {
  const names = `${one.member} and ${other.member}`
  const twice = one.active.filter(task => other.active.includes(task))
  const inProcess = one.process === other.process ? allOf(one).filter(task => allOf(other).includes(task)) : []
  return [
    ...twice.map(
      (task): Violation => ({ property: 'two-owners', what: `${names} were both told in ${which} to run ${task}` }),
    ),
    ...inProcess.map(
      (task): Violation => ({
        property: 'two-roles',
        what: `${names}, of ${one.process}, were both told in ${which} to have ${task}`,
      }),
    ),
  ]
}

function checkReplicas(which: string, one: TasksTold, others: readonly TasksTold[]): Violation[] {
  return one.standby.flatMap((task): Violation[] => {
    // By process: a static member that takes the place of another has its standbys.
    const processes = new Set(others.filter(({ standby }) => standby.includes(task)).map(({ process }) => process))
    const standbys = processes.add(one.process).size
    if (standbys <= one.standbyReplicas) return []
    return [
      { property: 'two-roles', what: `${task} was told ${standbys} standbys in ${which}, not ${one.standbyReplicas}` },
    ]
  })
}

/** Of two members of one group that was not given up in between. */
function isBeside(one: TasksTold, other: TasksTold, ends: readonly Expiry[]): boolean {
  if (one.member === other.member || (one.instance !== undefined && one.instance === other.instance)) return false
  return !ends.some(end => end.group === one.group && end.invoked > one.invoked && end.invoked < other.completed)
}

function allOf({ active, standby }: TasksTold): number[] {
  return [...active, ...standby]
}
