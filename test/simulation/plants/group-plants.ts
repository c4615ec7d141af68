import type { Plant } from './plant.ts'

const coordinatedGroup = 'groups/coordinated-group.ts'

export const groupPlants: readonly Plant[] = [
  {
    name: 'the group checked before the offsets item is read',
    focus: 'groups',
    edits: [
      {
        file: 'groups/offset-lane.ts',
        find: 'const block = this.#known ?? (await items.readOffsets(key))\n    const group = await this.#readGroup(entries, block.value)',
        replace:
          'const group = await this.#readGroup(entries, undefined)\n    const block = this.#known ?? (await items.readOffsets(key))',
      },
    ],
  },
  {
    name: 'offsets written over whatever is there',
    focus: 'groups',
    edits: [
      {
        file: 'groups/offset-lane.ts',
        find: 'await items.writeOffsets(key, block.version, value, { group',
        replace: 'await items.writeOffsets(key, (await items.readOffsets(key)).version, value, { group',
      },
    ],
  },
  {
    name: 'commits of any generation taken',
    focus: 'groups',
    edits: [
      {
        file: 'groups/offset-rules.ts',
        find: "if (generation !== group.generation) return 'ILLEGAL_GENERATION'",
        replace: '',
      },
    ],
  },
  {
    name: 'heartbeats answered from a cached document for ever',
    focus: 'groups',
    edits: [
      {
        file: 'groups/held-document.ts',
        find: 'if (now - asOf < staleAfterMs)',
        replace: 'if (now >= 0)',
      },
    ],
  },
  {
    name: 'sessions not restarted at a takeover',
    focus: 'groups',
    edits: [
      {
        file: 'groups/classic-group.ts',
        find: 'deadline: now + stored.sessionTimeoutMs,\n      joining',
        replace: 'deadline: now,\n      joining',
      },
    ],
  },
  {
    name: 'sessions ended after a freeze',
    focus: 'groups',
    edits: [{ file: coordinatedGroup, find: 'now - due > FROZEN_MS', replace: 'now - due < 0' }],
  },
  {
    name: 'a group served before it says by whom',
    focus: 'groups',
    edits: [
      {
        file: coordinatedGroup,
        find: 'if (document.coordinator === coordinator || document.members.length === 0) {',
        replace: 'if (document) {',
      },
    ],
  },
  {
    name: 'the generation not raised',
    focus: 'groups',
    edits: [{ file: 'groups/classic-rebalance.ts', find: 'draft.generation++', replace: '' }],
  },
  {
    name: 'an assignment told before it is stored',
    focus: 'groups',
    edits: [
      {
        file: coordinatedGroup,
        find: 'await this.#store(step)\n      const answer = hold(outcome.heldAs)\n      this.#reply(step.replies)',
        replace: 'const answer = hold(outcome.heldAs)\n      this.#reply(step.replies)\n      await this.#store(step)',
      },
    ],
  },
  {
    name: 'the dead keep their place',
    focus: 'groups',
    edits: [
      {
        file: 'groups/classic-session.ts',
        find: 'if (member.deadline > now || !canExpire(member)) continue',
        replace: 'if (member.deadline > 0) continue',
      },
    ],
  },
  {
    name: 'who waits is forgotten when a group is let go',
    focus: 'groups',
    edits: [{ file: coordinatedGroup, find: 'this.#joins.refuseAll(code)', replace: '' }],
  },
  {
    name: 'an offset that was stored and replaced told to be refused',
    focus: 'groups',
    edits: [
      {
        file: 'storage/certain-writes.ts',
        find: "return doubtful ? 'replaced' : {",
        replace: 'return {',
      },
    ],
  },
]
