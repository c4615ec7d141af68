import type { Plant } from './plant.ts'

const sweep = 'log/upkeep/sweep.ts'
const removeExtents = 'log/extent/remove-extents.ts'
const forkShard = 'log/fork/fork-shard.ts'

export const forkPlants: readonly Plant[] = [
  {
    name: "an extent's object deleted with the source",
    focus: 'forks',
    edits: [{ file: removeExtents, find: '.filter(({ shared }) => !shared)', replace: '' }],
  },
  {
    name: 'an extent that is not marked shared in the source',
    focus: 'forks',
    edits: [
      {
        file: 'log/fork/copy-extents.ts',
        find: 'if (!extent.shared) return put',
        replace: 'if (extent.to < 0) return put',
      },
    ],
  },
  {
    name: 'one look at the extents of the source',
    focus: 'forks',
    edits: [
      {
        file: 'log/fork/copy-extents.ts',
        find: `      if (!(await write(parts, work, some))) return 'changed'
    }`,
        replace: `      if (!(await write(parts, work, some))) return 'changed'
    }
    return 'copied'`,
      },
    ],
  },
  {
    name: 'a fork that minds no fence',
    focus: 'forks',
    edits: [{ file: forkShard, find: "if (empty.fence > 0) return 'fenced'", replace: '' }],
  },
  {
    name: 'the states of producers forked',
    focus: 'forks',
    edits: [
      {
        file: 'log/head/shard.ts',
        find: 'const from = head.snapshot?.commits ?? 0',
        replace: "const from = head.snapshot?.segment.medium === 'none' ? head.floor : (head.snapshot?.commits ?? 0)",
      },
    ],
  },
  {
    name: 'what is undecided left to itself in a fork',
    focus: 'forks',
    edits: [
      {
        file: 'log/fork/take-commits.ts',
        find: 'abortUndecided(undecided, slots, parts.now())',
        replace: 'abortUndecided(undecided.slice(0, 0), slots, parts.now())',
      },
    ],
  },
  {
    name: 'heads that are being forked into not swept around',
    focus: 'forks',
    edits: [
      {
        file: 'log/upkeep/shard-heads.ts',
        find: 'for await (const { topic, state } of this.#parts.topics.stored()) {',
        replace:
          "for await (const { topic, state } of this.#parts.topics.stored()) {\n      if (state === 'forking') continue",
      },
    ],
  },
  {
    name: 'heads not listed again',
    focus: 'forks',
    edits: [
      {
        file: sweep,
        find: 'const fresh = (await this.#listHeads()).filter(place => !fenced.has(nameOf(place)))',
        replace: 'const fresh = (this.known ?? []).filter(place => !fenced.has(nameOf(place)))',
      },
      {
        file: sweep,
        find: 'await inParallel(await this.#listHeads(), HEADS_AT_ONCE, async place => {',
        replace: `this.known = await this.#listHeads()
    await inParallel(this.known, HEADS_AT_ONCE, async place => {`,
      },
    ],
  },
]
