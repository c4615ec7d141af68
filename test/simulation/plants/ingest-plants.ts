import type { Plant } from './plant.ts'

const ingest = 'ingest/ingest.ts'
const fates = 'ingest/fates.ts'
const book = 'ingest/claim-book.ts'

export const ingestPlants: readonly Plant[] = [
  {
    name: 'a claimer that is not fenced',
    focus: 'ingest',
    edits: [{ file: fates, find: 'if (epoch < FENCED_EPOCH) {', replace: 'if (epoch < 0) {' }],
  },
  {
    name: 'a fenced claimer’s batches looked for from a later end',
    focus: 'ingest',
    edits: [
      {
        file: fates,
        find: 'this.#scan(topic, claim, stored.fence.from)',
        replace:
          'this.#scan(topic, claim, (await this.#parts.log.findOffset(topic, claim.partition, { at: "latest", isolation: "read_uncommitted" })).offset)',
      },
    ],
  },
  {
    name: 'a claim’s lost race taken for won',
    focus: 'ingest',
    edits: [{ file: book, find: 'return outcome.written\n', replace: 'return true\n' }],
  },
  {
    name: 'claims of others not asked for',
    focus: 'ingest',
    edits: [{ file: ingest, find: 'if (!landed) open.push(record)', replace: 'open.push(record)' }],
  },
  {
    name: 'failed appends told as stored',
    focus: 'ingest',
    edits: [{ file: ingest, find: 'failed.push(...records.map(({ index }) => index))', replace: '' }],
  },
  {
    name: 'an unresolved fence believed',
    focus: 'ingest',
    edits: [{ file: fates, find: 'if (stored.fence.resolved) return', replace: 'if (epoch >= FENCED_EPOCH) return' }],
  },
]
