import type { Plant } from './plant.ts'

const removeExtents = 'log/extent/remove-extents.ts'

const sweep = 'log/upkeep/sweep.ts'

export const forkPlants: readonly Plant[] = [
  {
    name: 'heads not listed again',
    focus: 'forks',
    edits: [
      {
        file: sweep,
        find: 'await inParallel(await this.#listHeads(), HEADS_AT_ONCE,',
        replace: `this.known = await this.#listHeads()
    await inParallel(this.known, HEADS_AT_ONCE,`,
      },
      { file: sweep, find: '(await this.#listHeads()).filter(', replace: 'this.known.filter(' },
    ],
  },
  {
    name: 'a fork that minds no fence',
    focus: 'forks',
    edits: [
      {
        file: 'log/fork/fork-shard.ts',
        find: "const { written } = await parts.items.write([{ kind: 'put', key: item.key, expected: item.version, version, value }])",
        replace: `const now = await parts.items.get(item.key)
  const isOpen = now && decodeHead(now.value).state === 'open' && isUnfilled(decodeHead(now.value))
  const expected = isOpen ? now.version : item.version
  const { written } = await parts.items.write([{ kind: 'put', key: item.key, expected, version, value }])`,
      },
    ],
  },
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
]
