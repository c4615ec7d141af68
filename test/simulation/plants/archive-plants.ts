import type { Plant } from './plant.ts'

const job = 'archive/archive-job.ts'
const some = 'archive/archive-some.ts'
const stored = 'archive/stored-archive.ts'

export const archivePlants: readonly Plant[] = [
  {
    name: 'an archive that two append to at once',
    focus: 'archive',
    edits: [
      {
        file: some,
        find: '!(await swapArchive(parts, topic.id, begun.version, item))',
        replace:
          '!(await swapArchive(parts, topic.id, (await readArchive(parts.items, topic.id))?.version ?? begun.version, item))',
      },
    ],
  },
  {
    name: "an archive's position advanced before the commit",
    focus: 'archive',
    edits: [
      {
        file: some,
        find: 'const recent =',
        replace: `const early = { ...begun.item, offsets: read.offsets }
  const version = await swapArchive(parts, topic.id, begun.version, early)
  if (version === undefined) return undefined
  begun.version = version
  const recent =`,
      },
    ],
  },
  {
    name: 'retention that does not wait for the archive',
    focus: 'archive',
    edits: [
      { file: 'log/upkeep/retention.ts', find: 'if (!needed) return starts', replace: 'if (starts) return starts' },
    ],
  },
  {
    name: 'aborted records archived',
    focus: 'archive',
    edits: [{ file: 'archive/read-records.ts', find: "'read_committed'", replace: "'read_uncommitted'" }],
  },
  {
    name: 'an older table published over a newer',
    focus: 'archive',
    edits: [{ file: stored, find: 'if (isCurrent) await', replace: 'await' }],
  },
  {
    name: 'a commit that nobody publishes after a crash',
    focus: 'archive',
    edits: [{ file: job, find: 'await this.#mend(topic, pass)', replace: '' }],
  },
  {
    name: 'an attempt cleared away that has ended',
    focus: 'archive',
    edits: [
      {
        file: some,
        find: "offsets: read.offsets, attempt: ''",
        replace: 'offsets: read.offsets, attempt: begun.item.attempt',
      },
    ],
  },
  {
    name: 'manifests removed that later snapshots name',
    focus: 'archive',
    edits: [{ file: some, find: 'if (!kept.has(manifest_path)) ', replace: '' }],
  },
  {
    name: "a table's metadata published as that of the edition before",
    focus: 'archive',
    edits: [
      { file: stored, find: '(item.edition)}`, [bytes])', replace: '(Math.max(1, item.edition - 1))}`, [bytes])' },
    ],
  },
  {
    name: 'manifests named beside the one that they were merged into',
    focus: 'archive',
    edits: [{ file: some, find: 'rows.filter(row => !some.includes(row))', replace: 'rows' }],
  },
]
