import type { Plant } from './plant.ts'

const focus = 'streams-groups'
const reconcile = 'groups/streams-reconcile.ts'
const assignor = 'groups/streams-assignor.ts'

export const streamsGroupPlants: readonly Plant[] = [
  {
    name: 'an active task given while another member has it',
    focus,
    edits: [
      { file: reconcile, find: "!(role === 'active' && active.has(task))", replace: "(role !== 'none' || active)" },
    ],
  },
  {
    name: 'a task that is to be given up counts as free',
    focus,
    edits: [{ file: reconcile, find: 'of [other.assigned, other.revoking]', replace: 'of [other.assigned]' }],
  },
  {
    name: 'a streams member that says nothing has given up what it should',
    focus,
    edits: [
      {
        file: reconcile,
        find: 'if (owned === undefined) return true',
        replace: 'if (owned === undefined) return false',
      },
    ],
  },
  {
    name: 'a standby where the task is active',
    focus,
    edits: [
      {
        file: assignor,
        find: 'if (free.length === 0) break',
        replace: 'if (free.length === 0) free.push(...runners.slice(0, 1))',
      },
    ],
  },
  {
    name: 'two standbys of a task in one process',
    focus,
    edits: [{ file: assignor, find: 'taken.add(taker.member.processId)', replace: 'void taken' }],
  },
  {
    name: 'a standby given while another of its process has the state',
    focus,
    edits: [{ file: reconcile, find: '!inProcess.has(task) && !(role', replace: '!(role' }],
  },
  {
    name: 'one standby, whatever was asked for',
    focus,
    edits: [{ file: assignor, find: 'replica < replicas', replace: 'replica < Math.min(1, replicas)' }],
  },
  {
    name: 'more standbys than were asked for',
    focus,
    edits: [{ file: assignor, find: 'replica < replicas', replace: 'replica <= replicas' }],
  },
  {
    name: 'tasks assigned anew at every heartbeat',
    focus,
    edits: [
      {
        file: 'groups/coordinated-streams-group.ts',
        find: 'this.#standbyReplicas !== settings.streamsStandbyReplicas',
        replace: 'settings.streamsStandbyReplicas > 0',
      },
    ],
  },
  {
    name: 'a standby that was given up counts as owed',
    focus,
    edits: [
      {
        file: reconcile,
        find: 'if (owned === undefined) return true',
        replace: 'if (owned === undefined || revoking.standby.size > 0) return true',
      },
    ],
  },
]
