import type { Plant } from './plant.ts'

const focus = 'share-groups'
const coordinated = 'share/coordinated-share-group.ts'
const group = 'share/share-group.ts'

export const shareGroupPlants: readonly Plant[] = [
  {
    name: 'a share coordinator that never looks whether another has replaced it',
    focus,
    edits: [
      {
        file: coordinated,
        find: 'if (this.#held.asOf > (since ?? asOf - sessionTimeoutMs / 3))',
        replace: 'if (asOf)',
      },
    ],
  },
  {
    name: 'a share group’s member refused by an old document',
    focus,
    edits: [{ file: coordinated, find: 'if (error instanceof ShareError) await this.#fresh(askedAt)', replace: '' }],
  },
  {
    name: 'a new share coordinator that gives no fresh sessions',
    focus,
    edits: [
      {
        file: group,
        find: 'const endsAt = now + sessionTimeoutMs\n',
        replace: 'const endsAt = now + sessionTimeoutMs / 9\n',
      },
    ],
  },
  {
    name: 'a share group’s lost race taken for won',
    focus,
    edits: [
      {
        file: coordinated,
        find: "if (written === 'conflict') throw this.#release('NOT_COORDINATOR')",
        replace: "if (written === 'conflict') written = { version: held.version as number }",
      },
    ],
  },
  {
    name: 'a share group’s document with members taken over without a word',
    focus,
    edits: [
      {
        file: coordinated,
        find: 'if (document.coordinator === coordinator || document.members.length === 0) {',
        replace: 'if (document) {',
      },
    ],
  },
  {
    name: 'partitions of a share group’s lost member that nobody gets',
    focus,
    edits: [
      {
        file: group,
        find: 'return gone.length === 0 ? group : reassigned(group, without(group, gone), topics)',
        replace: 'return gone.length === 0 ? group : without(group, gone)',
      },
    ],
  },
  {
    name: 'a share group that never sees its topics grow',
    focus,
    edits: [{ file: coordinated, find: 'asOf - known.asOf < TOPICS_LOOK_MS', replace: 'known' }],
  },
  {
    name: 'a share group’s epoch kept where its assignment changes',
    focus,
    edits: [{ file: group, find: 'epoch: document.epoch + 1', replace: 'epoch: document.epoch || 1' }],
  },
]
