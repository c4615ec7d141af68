import type { Plant } from './plant.ts'

const focus = 'imports'

export const importPlants: readonly Plant[] = [
  {
    name: 'a topic found while it is imported',
    focus,
    edits: [
      {
        file: 'log/topics/stored-topics.ts',
        find: "const made = await this.#make({ topic, state: 'forking' })",
        replace: "const made = await this.#make({ topic, state: 'live' })",
      },
    ],
  },
  {
    name: 'a topic named before it is imported',
    focus,
    edits: [
      {
        file: 'assembly/import-records.ts',
        find: '  await hold(async signal => {\n',
        replace: '  await log.restoring.rename(topic, { name, configs })\n  await hold(async signal => {\n',
      },
    ],
  },
  {
    name: 'an import that stopped is kept for ever',
    focus,
    edits: [
      {
        file: 'log/upkeep/log-jobs.ts',
        find: 'Math.abs(clock.now() - renewedAt) < importKeptMs',
        replace: 'importKeptMs >= 0 && clock.now() + renewedAt > 0',
      },
    ],
  },
  {
    name: 'an import goes on with the first records again',
    focus,
    edits: [
      {
        file: 'assembly/import-records.ts',
        find: 'const reached = stands[partition]!.end',
        replace: 'const reached = 0 * stands[partition]!.end',
      },
    ],
  },
  {
    name: 'an import that minds no fence',
    focus,
    edits: [
      {
        file: 'log/restore/attach-batches.ts',
        find: 'if (extent && segmentTime(extent.id) < head.fence) return undefined',
        replace: '',
      },
    ],
  },
]
