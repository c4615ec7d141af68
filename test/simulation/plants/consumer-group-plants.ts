import type { Plant } from './plant.ts'

const focus = 'consumer-groups'
const keeper = 'groups/group-keeper.ts'

export const consumerGroupPlants: readonly Plant[] = [
  {
    name: 'a partition given before its owner released it',
    focus,
    edits: [
      {
        file: 'groups/consumer-reconcile.ts',
        find: 'return owner === undefined || owner === member.id',
        replace: 'return true || owner',
      },
    ],
  },
  {
    name: 'a member that says nothing has given up what it should',
    focus,
    edits: [
      {
        file: 'groups/consumer-reconcile.ts',
        find: 'if (owned === undefined) return true',
        replace: 'if (owned === undefined) return false',
      },
    ],
  },
  {
    name: 'the group epoch not raised',
    focus,
    edits: [
      { file: 'groups/consumer-target.ts', find: 'epoch: group.epoch + 1', replace: 'epoch: Math.max(1, group.epoch)' },
    ],
  },
  {
    name: 'commits of members that were put out taken',
    focus,
    edits: [
      {
        file: 'groups/offset-rules.ts',
        find: "if (!member) return 'UNKNOWN_MEMBER_ID'\n  if (epoch",
        replace: 'if (!member) return undefined\n  if (epoch',
      },
    ],
  },
  {
    name: 'heartbeats of a consumer group answered from a stale document',
    focus,
    edits: [
      {
        file: 'groups/held-document.ts',
        find: 'if (now - asOf < staleAfterMs)',
        replace: 'if (now >= 0)',
      },
    ],
  },
  {
    name: 'what was stored long ago told as new in a consumer group',
    focus,
    edits: [{ file: keeper, find: 'if (this.#held) await this.#recent()', replace: '' }],
  },
  {
    name: 'the dead keep their place in a consumer group',
    focus,
    edits: [{ file: keeper, find: 'if (expired.length > 0)', replace: 'if (expired.length > 1_000)' }],
  },
  {
    name: 'an assignment told before it is stored in a consumer group',
    focus,
    edits: [
      {
        file: keeper,
        find: 'const version = await this.#write(held.version, claimed)',
        replace: 'const version = held.version\n    void this.#write(held.version, claimed).catch(() => {})',
      },
    ],
  },
  {
    name: 'a member of a consumer group refused by an old document',
    focus: 'consumer-groups',
    edits: [
      {
        file: 'groups/group-keeper.ts',
        find: 'if (isJudgement(error)) await this.#confirm(askedAt)',
        replace: '',
      },
    ],
  },
  {
    name: 'a member that was told nothing goes on, and its epoch is forgotten',
    focus: 'consumer-groups',
    edits: [
      {
        file: 'groups/consumer-heartbeat.ts',
        find: 'const settled = isBehind ? current : ',
        replace: 'const settled = ',
      },
    ],
  },
]
