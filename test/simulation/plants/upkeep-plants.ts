import type { Plant } from './plant.ts'

const sweep = 'log/upkeep/sweep.ts'
const needed = 'log/upkeep/needed-segments.ts'

export const upkeepPlants: readonly Plant[] = [
  {
    name: 'no fence',
    focus: 'upkeep',
    edits: [{ file: sweep, find: 'head => raiseFence(head, fence)', replace: 'head => head' }],
  },
  {
    name: 'a sweep by clock alone',
    focus: 'upkeep',
    edits: [{ file: sweep, find: 'await this.#fenceAll(candidates, fence, signal)', replace: '' }],
  },
  {
    name: "the sweep's mark before the fence",
    focus: 'upkeep',
    edits: [
      {
        file: sweep,
        find: `await this.#parts.heads.change(place, head => raiseFence(head, fence))
        await this.#leaveOutNeeded(candidates, place)`,
        replace: `await this.#leaveOutNeeded(candidates, place)
        await this.#parts.heads.change(place, head => raiseFence(head, fence))`,
      },
    ],
  },
  {
    name: 'candidates listed after the heads',
    focus: 'upkeep',
    edits: [
      {
        file: sweep,
        find: 'const state = await readSweepState(this.#parts.items)',
        replace: `const state = await readSweepState(this.#parts.items)
    this.known = undefined
    this.known = await this.#listHeads()`,
      },
      {
        file: sweep,
        find: 'const places: ShardPlace[] = []',
        replace: 'if (this.known) return this.known\n    const places: ShardPlace[] = []',
      },
    ],
  },
  {
    name: 'a lease believed to protect data',
    focus: 'upkeep',
    edits: [
      {
        file: sweep,
        find: 'await this.#fenceAll(candidates, fence, signal)',
        replace: 'for (const place of await this.#listHeads()) await this.#leaveOutNeeded(candidates, place)',
      },
    ],
  },
  {
    name: 'a fence that lets through what it should stop',
    focus: 'upkeep',
    edits: [
      {
        file: 'log/append/commit-plan.ts',
        find: 'segmentTime(segment.id) < head.fence || ',
        replace: '',
      },
      {
        file: 'log/head/transitions.ts',
        find: "invariant(segmentTime(commit.segment.id) >= head.fence, 'a commit below the fence')",
        replace: '',
      },
    ],
  },
  {
    name: 'a snapshot not taken for needed',
    focus: 'upkeep',
    edits: [{ file: needed, find: 'if (head.snapshot) yield head.snapshot.segment', replace: '' }],
  },
  {
    name: 'chunks not looked into for what is needed',
    focus: 'upkeep',
    edits: [{ file: needed, find: 'if (to === 0 || head.floor >= to) return', replace: 'if (to >= 0) return' }],
  },
  {
    name: 'the sweep does not look for items',
    focus: 'upkeep',
    edits: [{ file: sweep, find: 'from * HOUR_MS < fence; from +=', replace: 'from < 0; from +=' }],
  },
  {
    name: 'a deletion answered before it is written',
    focus: 'upkeep',
    edits: [
      {
        file: 'log/append/head-change.ts',
        find: 'else made.push(one)',
        replace: 'else {\n made.push(one)\n one.resolve(next)\n }',
      },
    ],
  },
  {
    name: 'a cached start believed for ever',
    focus: 'upkeep',
    edits: [
      {
        file: 'log/read/read-partition.ts',
        find: 'const STALE_MS_MAX = 5_000',
        replace: 'const STALE_MS_MAX = Infinity',
      },
    ],
  },
  {
    name: 'a topic whose shards are not deleted',
    focus: 'upkeep',
    edits: [
      {
        file: 'log/topics/topic-deletion.ts',
        find: 'for (let shard = shards - 1; shard >= 0; shard--) await',
        replace: 'for (let shard = shards - 1; shard > 0; shard--) await',
      },
    ],
  },
]
