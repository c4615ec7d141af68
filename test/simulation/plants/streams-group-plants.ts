import type { Plant } from './plant.ts'

const focus = 'streams-groups'
const reconcile = 'groups/streams-reconcile.ts'

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
]
