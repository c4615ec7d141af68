import type { Plant } from './plant.ts'

const compactShard = 'log/upkeep/compaction/compact-shard.ts'
const dueCommits = 'log/upkeep/compaction/due-commits.ts'
const rewrites = 'log/append/head-rewrites.ts'
const transitions = 'log/head/transitions.ts'

export const compactionPlants: readonly Plant[] = [
  {
    name: 'extents written before the head',
    edits: [
      {
        file: rewrites,
        find: 'const outcome = await this.#parts.items.write([first, ...planned.operations])',
        replace: `for (const one of planned.operations) await this.#parts.items.write([one])
      const outcome = await this.#parts.items.write([first])`,
      },
    ],
  },
  {
    name: 'a losing compactor deletes its objects',
    edits: [
      {
        file: compactShard,
        find: "if (!written) return 'lost'",
        replace: `if (!written) {
    await parts.objects.delete(extents.map(({ extent }) => extent.object))
    return 'lost'
  }`,
      },
    ],
  },
  {
    name: 'commits that are gone taken for never made',
    focus: 'log',
    edits: [
      {
        file: 'log/head/shard.ts',
        find: 'if (floor > known.head.commits) return this.#reload()',
        replace: '',
      },
    ],
  },
  {
    name: 'compaction past what is stable',
    focus: 'transactions',
    edits: [
      { file: dueCommits, find: 'if (!isStable(commit, head)) return result(false)', replace: '' },
      { file: dueCommits, find: ' || !isStable(commit, head)) break', replace: ') break' },
      { file: transitions, find: ' && end <= partition.stable', replace: '' },
    ],
  },
  {
    name: 'compaction past the snapshot',
    focus: 'log',
    edits: [
      {
        file: compactShard,
        find: '(due.head.snapshot?.commits ?? 0) < due.floor ? await putSnapshot(parts, shard) : undefined',
        replace: 'undefined',
      },
      {
        file: transitions,
        find: 'invariant((snapshot?.commits ?? 0) >= floor,',
        replace: 'invariant(floor >= 0,',
      },
    ],
  },
  {
    name: 'an aborted batch kept in an extent',
    focus: 'transactions',
    edits: [
      {
        file: 'log/upkeep/compaction/commit-batches.ts',
        find: 'return run !== undefined && aborted.has',
        replace: 'return run === undefined && aborted.has',
      },
    ],
  },
  {
    name: 'only markers that are compacted too say what was aborted',
    focus: 'transactions',
    edits: [
      {
        file: dueCommits,
        find: 'const markers = [...entries.flatMap(entry => entry.aborts), ...abortMarkers(head.tail)]',
        replace: 'const markers = entries.flatMap(entry => entry.aborts)',
      },
    ],
  },
  {
    name: 'chunks removed before they are compacted',
    edits: [
      {
        file: 'log/upkeep/compaction/remove-chunks.ts',
        find: 'const isBelow = firstCommit + commits.length <= floor',
        replace: 'const isBelow = firstCommit + commits.length > 0',
      },
    ],
  },
]
