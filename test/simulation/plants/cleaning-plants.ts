import type { Plant } from './plant.ts'

const clean = 'log/upkeep/compaction/clean-partition.ts'

export const cleaningPlants: readonly Plant[] = [
  {
    name: 'the first record of a key kept, not the last',
    focus: 'compacted',
    edits: [
      {
        file: 'log/upkeep/compaction/key-offsets.ts',
        find: 'this.#offsets[slot] = offset',
        replace: 'if (this.#offsets[slot]! < 0) this.#offsets[slot] = offset',
      },
      {
        file: clean,
        find: 'keys.get(key) > offset',
        replace: '(keys.get(key) >= 0 && keys.get(key) < offset)',
      },
    ],
  },
  {
    // It is in the extents, marked, so that the cleaner learns its keys and readers do not see it.
    name: "an aborted record taken for its key's last",
    focus: 'compacted',
    edits: [
      {
        file: 'log/upkeep/compaction/commit-batches.ts',
        find: '.filter(batch => !isAborted(batch, slice, aborted))',
        replace: `.map(batch => {
        if (isAborted(batch, slice, aborted)) batch.bytes[15] = 77
        return batch
      })`,
      },
      {
        file: 'log/read/extent-reader.ts',
        find: 'splitBatches(bytes).map(',
        replace: 'splitBatches(bytes).filter(({ bytes }) => bytes[15] !== 77).map(',
      },
    ],
  },
  {
    name: 'a tombstone dropped when it is met again',
    focus: 'compacted',
    edits: [
      {
        file: clean,
        find: 'batch.hasDeleteHorizon && batch.baseTimestamp <= now',
        replace: 'batch.hasDeleteHorizon',
      },
    ],
  },
  {
    name: 'a tombstone takes its whole batch with it',
    focus: 'compacted',
    edits: [{ file: clean, find: '(value === null && tombstonesGo)', replace: 'tombstonesGo' }],
  },
  {
    name: 'extents cleaned from the newest on',
    focus: 'compacted',
    edits: [
      {
        file: clean,
        find: 'of groupsOf(extents, end, parts.settings.extentBytesMax)) {',
        replace: 'of groupsOf(extents, end, parts.settings.extentBytesMax).reverse()) {',
      },
    ],
  },
  {
    name: 'extents replaced whatever became of them',
    focus: 'compacted',
    edits: [
      {
        file: clean,
        find: 'if (!(await replaceExtents(open, parts.random, { partition: place.partition, replaced: group, by })))',
        replace: `const versions = new Map((await listExtents(parts, open, place)).map(({ to, version }) => [to, version]))
    const replaced = group.map(one => ({ ...one, version: versions.get(one.to) ?? one.version }))
    if (!(await replaceExtents(open, parts.random, { partition: place.partition, replaced, by })))`,
      },
    ],
  },
  {
    name: 'min.compaction.lag.ms not looked at',
    focus: 'compacted',
    edits: [
      {
        file: clean,
        find: "const newest = now - numberConfig(configs, 'min.compaction.lag.ms')",
        replace: 'const newest = now',
      },
    ],
  },
  {
    name: 'retention in a topic that is only compacted',
    focus: 'compacted',
    edits: [
      {
        file: 'log/upkeep/retention-rule.ts',
        find: "if (!listConfig(configs, 'cleanup.policy').includes('delete')) return undefined",
        replace: '',
      },
    ],
  },
  {
    name: 'what is known of extents believed for ever',
    focus: 'compacted',
    edits: [
      {
        file: 'log/extent/extent-list.ts',
        find: 'const STALE_MS_MAX = 5_000',
        replace: 'const STALE_MS_MAX = Infinity',
      },
    ],
  },
]
